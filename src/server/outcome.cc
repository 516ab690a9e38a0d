#include "server/outcome.h"

#include <cstring>

namespace giliran::server {

using telemetry::By;
using telemetry::End;

std::string_view error_name(int error) {
  const char* known = error == 0 ? nullptr : strerrorname_np(error);
  return known == nullptr ? std::string_view() : std::string_view(known);
}

Outcome outcome_of(const conn::StreamClosed& closed) {
  switch (closed.end) {
    case conn::StreamEnd::kComplete:
      return {};
    case conn::StreamEnd::kPeerClosed:
    case conn::StreamEnd::kPeerReset:
      return {.end = End::kClientClosed, .by = By::kClient, .reason = error_name(closed.error)};
    case conn::StreamEnd::kHeadTimeout:
    case conn::StreamEnd::kBodyTimeout:
    case conn::StreamEnd::kWriteTimeout:
    case conn::StreamEnd::kBodyTooSlow:
    case conn::StreamEnd::kTunnelIdle:
      return {.end = End::kClientTimeout, .by = By::kClient, .reason = name(closed.end)};
    case conn::StreamEnd::kBadMessage:
      return {.end = End::kBadRequest,
              .by = By::kClient,
              .reason = wire::http1::problem_name(closed.problem)};
    case conn::StreamEnd::kShutdown:
      return {.end = End::kShutdown, .by = By::kServer, .reason = {}};
    case conn::StreamEnd::kConnectRefused:
    case conn::StreamEnd::kConnectTimeout:
    case conn::StreamEnd::kConnectFailed:
      break;  // of client streams only
    case conn::StreamEnd::kMemory:
      break;  // there is no limit to be over
  }
  return {.end = End::kInternal, .by = By::kServer, .reason = name(closed.end)};
}

void set_connection(telemetry::Record& record, const conn::StreamFacts& facts,
                    const HttpPeer& peer) {
  record.peer = peer.connection.peer();
  record.local = peer.local;
  record.connection = facts.connection;
  record.sequence = facts.sequence;
  record.idle = facts.first_byte - facts.began;
  record.down_in = facts.bytes_in;
  record.down_out = facts.bytes_out;
}

}  // namespace giliran::server
