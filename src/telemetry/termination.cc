#include "telemetry/termination.h"

#include <algorithm>
#include <array>

namespace giliran::telemetry {

namespace {

char phase_letter(Phase phase) {
  switch (phase) {
    case Phase::kNone:
      return '-';
    case Phase::kRequest:
      return 'R';
    case Phase::kQueue:
      return 'Q';
    case Phase::kConnect:
      return 'C';
    case Phase::kSend:
    case Phase::kWait:
      return 'H';
    case Phase::kData:
      return 'D';
  }
  return '-';
}

// What this machine had no more of.
bool resource_exhausted(std::string_view reason) {
  static constexpr std::array<std::string_view, 6> kErrors = {"EMFILE", "ENFILE",        "ENOBUFS",
                                                              "ENOMEM", "EADDRNOTAVAIL", "EAGAIN"};
  return std::find(kErrors.begin(), kErrors.end(), reason) != kErrors.end();
}

char cause_letter(const Record& r) {
  switch (r.end) {
    case End::kOk:
      return '-';
    case End::kClientClosed:
      return 'C';
    case End::kClientTimeout:
    case End::kIdleTimeout:
      return 'c';
    case End::kBadRequest:
    case End::kBadResponse:
    case End::kLimit:
    case End::kRateLimited:
    case End::kBodyTooLarge:
    case End::kDenied:
      return 'P';
    case End::kConnectFailed:
      return resource_exhausted(r.reason) ? 'R' : 'S';
    case End::kNoServer:
    case End::kConnectRefused:
    case End::kServerClosed:
    case End::kFault:
    case End::kQueueFull:
      return 'S';
    case End::kConnectTimeout:
    case End::kServerTimeout:
    case End::kQueueTimeout:
      return 's';
    case End::kTotalTimeout:
      return r.phase == Phase::kRequest ? 'c' : 's';
    case End::kShutdown:
      return 'K';
    case End::kInternal:
      return 'I';
  }
  return '-';
}

}  // namespace

Termination termination(const Record& r) {
  if (r.end == End::kOk) {
    // Answered by the coordinator itself: a redirect, a maintenance page.
    const bool local = r.kind == Kind::kExchange && r.tier == Tier::kCoordinator && r.attempts == 0;
    return local ? Termination{'L', 'R'} : Termination{};
  }
  const char cause = cause_letter(r);
  switch (r.end) {
    case End::kNoServer:  // HAProxy looks for a server while it connects
    case End::kConnectRefused:
    case End::kConnectTimeout:
    case End::kConnectFailed:
      return {cause, 'C'};
    case End::kDenied:
    case End::kRateLimited:
      return {cause, 'R'};
    case End::kQueueTimeout:
    case End::kQueueFull:
      return {cause, 'Q'};
    case End::kOk:
    case End::kClientClosed:
    case End::kClientTimeout:
    case End::kBadRequest:
    case End::kServerClosed:
    case End::kServerTimeout:
    case End::kBadResponse:
    case End::kFault:
    case End::kLimit:
    case End::kBodyTooLarge:
    case End::kTotalTimeout:
    case End::kIdleTimeout:
    case End::kShutdown:
    case End::kInternal:
      break;
  }
  // A limit that is reached while a server is looked for, HAProxy meets while it connects.
  if (r.end == End::kLimit && r.phase == Phase::kQueue) return {cause, 'C'};
  return {cause, phase_letter(r.phase)};
}

}  // namespace giliran::telemetry
