// The words of docs/formats/record.md.
#include "telemetry/mark.h"
#include "telemetry/record.h"

namespace giliran::telemetry {

std::string_view name(Tier tier) {
  switch (tier) {
    case Tier::kClient:
      return "client";
    case Tier::kCoordinator:
      return "coordinator";
    case Tier::kServer:
      return "server";
  }
  return "";
}

std::string_view name(Kind kind) {
  switch (kind) {
    case Kind::kExchange:
      return "exchange";
    case Kind::kFlow:
      return "flow";
    case Kind::kMessage:
      return "message";
  }
  return "";
}

std::string_view name(By by) {
  switch (by) {
    case By::kNobody:
      return "";
    case By::kClient:
      return "client";
    case By::kCoordinator:
      return "coordinator";
    case By::kServer:
      return "server";
  }
  return "";
}

std::string_view name(Phase phase) {
  switch (phase) {
    case Phase::kNone:
      return "";
    case Phase::kRequest:
      return "request";
    case Phase::kQueue:
      return "queue";
    case Phase::kConnect:
      return "connect";
    case Phase::kSend:
      return "send";
    case Phase::kWait:
      return "wait";
    case Phase::kData:
      return "data";
  }
  return "";
}

std::string_view name(Proto proto) {
  switch (proto) {
    case Proto::kHttp11:
      return "HTTP/1.1";
    case Proto::kHttp10:
      return "HTTP/1.0";
    case Proto::kTcp:
      return "tcp";
  }
  return "";
}

std::string_view name(End end) {
  switch (end) {
    case End::kOk:
      return "ok";
    case End::kClientClosed:
      return "client-closed";
    case End::kClientTimeout:
      return "client-timeout";
    case End::kBadRequest:
      return "bad-request";
    case End::kNoServer:
      return "no-server";
    case End::kConnectRefused:
      return "connect-refused";
    case End::kConnectTimeout:
      return "connect-timeout";
    case End::kConnectFailed:
      return "connect-failed";
    case End::kServerClosed:
      return "server-closed";
    case End::kServerTimeout:
      return "server-timeout";
    case End::kBadResponse:
      return "bad-response";
    case End::kFault:
      return "fault";
    case End::kLimit:
      return "limit";
    case End::kQueueTimeout:
      return "queue-timeout";
    case End::kQueueFull:
      return "queue-full";
    case End::kRateLimited:
      return "rate-limited";
    case End::kBodyTooLarge:
      return "body-too-large";
    case End::kTotalTimeout:
      return "total-timeout";
    case End::kDenied:
      return "denied";
    case End::kIdleTimeout:
      return "idle-timeout";
    case End::kShutdown:
      return "shutdown";
    case End::kInternal:
      return "internal";
  }
  return "";
}

std::string_view name(Mark mark) {
  switch (mark) {
    case Mark::kBegin:
      return "begin";
    case Mark::kEnd:
      return "end";
  }
  return "";
}

}  // namespace giliran::telemetry
