#include "conn/stream.h"

#include <cerrno>

namespace giliran::conn {

StreamEnd connect_end(int error) {
  if (error == ECONNREFUSED) return StreamEnd::kConnectRefused;
  if (error == ETIMEDOUT) return StreamEnd::kConnectTimeout;
  return StreamEnd::kConnectFailed;
}

bool is_shortage(int error) {
  return error == EADDRNOTAVAIL || error == EMFILE || error == ENFILE || error == ENOBUFS ||
         error == ENOMEM;
}

std::string_view name(StreamEnd end) {
  switch (end) {
    case StreamEnd::kComplete:
      return "complete";
    case StreamEnd::kConnectRefused:
      return "connect-refused";
    case StreamEnd::kConnectTimeout:
      return "connect-timeout";
    case StreamEnd::kConnectFailed:
      return "connect-failed";
    case StreamEnd::kPeerClosed:
      return "peer-closed";
    case StreamEnd::kPeerReset:
      return "peer-reset";
    case StreamEnd::kHeadTimeout:
      return "head-timeout";
    case StreamEnd::kBodyTimeout:
      return "body-timeout";
    case StreamEnd::kWriteTimeout:
      return "write-timeout";
    case StreamEnd::kBodyTooSlow:
      return "body-too-slow";
    case StreamEnd::kTunnelIdle:
      return "tunnel-idle";
    case StreamEnd::kBadMessage:
      return "bad-message";
    case StreamEnd::kShutdown:
      return "shutdown";
    case StreamEnd::kMemory:
      return "memory";
  }
  return "";
}

}  // namespace giliran::conn
