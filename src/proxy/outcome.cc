#include "proxy/outcome.h"

#include <fmt/format.h>

#include <cstring>

namespace giliran::proxy {

using telemetry::End;

End end_of_attempt(conn::StreamEnd end) {
  switch (end) {
    case conn::StreamEnd::kComplete:
      return End::kOk;
    case conn::StreamEnd::kConnectRefused:
      return End::kConnectRefused;
    case conn::StreamEnd::kConnectTimeout:
      return End::kConnectTimeout;
    case conn::StreamEnd::kConnectFailed:
      return End::kConnectFailed;
    case conn::StreamEnd::kPeerClosed:
    case conn::StreamEnd::kPeerReset:
      return End::kServerClosed;
    case conn::StreamEnd::kHeadTimeout:
    case conn::StreamEnd::kBodyTimeout:
    case conn::StreamEnd::kBodyTooSlow:
    case conn::StreamEnd::kWriteTimeout:
      return End::kServerTimeout;
    case conn::StreamEnd::kTunnelIdle:
      return End::kIdleTimeout;
    case conn::StreamEnd::kBadMessage:
      return End::kBadResponse;
    case conn::StreamEnd::kShutdown:
      return End::kShutdown;
    case conn::StreamEnd::kMemory:
      return End::kLimit;
  }
  return End::kInternal;
}

End end_of_client(conn::StreamEnd end) {
  switch (end) {
    case conn::StreamEnd::kComplete:
      return End::kOk;
    case conn::StreamEnd::kBadMessage:
      return End::kBadRequest;
    case conn::StreamEnd::kHeadTimeout:
    case conn::StreamEnd::kBodyTimeout:
    case conn::StreamEnd::kBodyTooSlow:
    case conn::StreamEnd::kWriteTimeout:
      return End::kClientTimeout;
    case conn::StreamEnd::kTunnelIdle:
      return End::kIdleTimeout;
    case conn::StreamEnd::kShutdown:
      return End::kShutdown;
    case conn::StreamEnd::kMemory:
      return End::kLimit;
    case conn::StreamEnd::kConnectRefused:
    case conn::StreamEnd::kConnectTimeout:
    case conn::StreamEnd::kConnectFailed:
    case conn::StreamEnd::kPeerClosed:
    case conn::StreamEnd::kPeerReset:
      return End::kClientClosed;
  }
  return End::kInternal;
}

bool by_coordinator(End end) {
  return end == End::kShutdown || end == End::kIdleTimeout || end == End::kLimit;
}

bool is_connect_failure(conn::StreamEnd end) {
  return end == conn::StreamEnd::kConnectRefused || end == conn::StreamEnd::kConnectTimeout ||
         end == conn::StreamEnd::kConnectFailed;
}

bool is_named(const config::RetryOn& on, conn::StreamEnd end) {
  switch (end) {
    case conn::StreamEnd::kConnectRefused:
    case conn::StreamEnd::kConnectTimeout:
    case conn::StreamEnd::kConnectFailed:
      return on.connect;
    case conn::StreamEnd::kPeerClosed:
    case conn::StreamEnd::kPeerReset:
      return on.reset;
    case conn::StreamEnd::kHeadTimeout:
    case conn::StreamEnd::kBodyTimeout:
    case conn::StreamEnd::kBodyTooSlow:
    case conn::StreamEnd::kWriteTimeout:
      return on.timeout;
    case conn::StreamEnd::kBadMessage:
      return on.bad_response;
    case conn::StreamEnd::kComplete:
    case conn::StreamEnd::kTunnelIdle:
    case conn::StreamEnd::kShutdown:
    case conn::StreamEnd::kMemory:
      return false;
  }
  return false;
}

std::string describe(const Trouble& trouble) {
  if (trouble.status != 0) return fmt::format("answers {}", trouble.status);
  switch (trouble.closed.end) {
    case conn::StreamEnd::kConnectRefused:
      return "refuses connections";
    case conn::StreamEnd::kConnectTimeout:
      return "does not connect in time";
    case conn::StreamEnd::kConnectFailed:
      return fmt::format("cannot be connected ({})", std::strerror(trouble.closed.error));
    case conn::StreamEnd::kPeerClosed:
      return "closes connections before its answer is whole";
    case conn::StreamEnd::kPeerReset:
      return "resets connections before its answer is whole";
    case conn::StreamEnd::kHeadTimeout:
      return "does not answer in time";
    case conn::StreamEnd::kBodyTimeout:
    case conn::StreamEnd::kBodyTooSlow:
      return "stops in the middle of an answer";
    case conn::StreamEnd::kWriteTimeout:
      return "does not read its requests in time";
    case conn::StreamEnd::kBadMessage:
      return fmt::format("gives answers that cannot be read ({})", reason_of(trouble.closed));
    case conn::StreamEnd::kComplete:
    case conn::StreamEnd::kTunnelIdle:
    case conn::StreamEnd::kShutdown:
    case conn::StreamEnd::kMemory:
      break;
  }
  return fmt::format("fails ({})", conn::name(trouble.closed.end));
}

uint16_t status_of(End end) {
  switch (end) {
    case End::kConnectTimeout:
    case End::kServerTimeout:
    case End::kTotalTimeout:
      return 504;
    case End::kServerClosed:
    case End::kBadResponse:
      return 502;
    case End::kInternal:
      return 500;
    case End::kRateLimited:
      return 429;
    case End::kBodyTooLarge:
      return 413;
    case End::kDenied:
      return 404;
    case End::kBadRequest:
      return 400;
    case End::kOk:
    case End::kClientClosed:
    case End::kClientTimeout:
    case End::kNoServer:
    case End::kConnectRefused:
    case End::kConnectFailed:
    case End::kFault:
    case End::kLimit:
    case End::kQueueTimeout:
    case End::kQueueFull:
    case End::kIdleTimeout:
    case End::kShutdown:
      return 503;
  }
  return 500;
}

std::string_view reason_of(const conn::StreamClosed& closed) {
  if (closed.problem != wire::http1::Problem::kNone) {
    return wire::http1::problem_name(closed.problem);
  }
  if (closed.end == conn::StreamEnd::kBodyTooSlow || closed.end == conn::StreamEnd::kMemory) {
    return conn::name(closed.end);
  }
  const char* text = closed.error == 0 ? nullptr : strerrorname_np(closed.error);
  return text == nullptr ? std::string_view() : std::string_view(text);
}

}  // namespace giliran::proxy
