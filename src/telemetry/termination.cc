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

std::optional<Phase> phase_from_letter(char letter) {
  for (const Phase phase : {Phase::kNone, Phase::kRequest, Phase::kQueue, Phase::kConnect,
                            Phase::kWait, Phase::kData}) {
    if (phase_letter(phase) == letter) return phase;
  }
  return std::nullopt;
}

// `P`: the proxy refused; what, its status says.
Ending refused(Phase phase, uint16_t status) {
  switch (status) {
    case 429:
      return {End::kRateLimited, By::kClient, phase};
    case 413:
      return {End::kBodyTooLarge, By::kClient, phase};
    case 403:
    case 404:
    case 405:
      return {End::kDenied, By::kCoordinator, phase};
    case 503:
      return {End::kLimit, By::kCoordinator, phase};
    case 502:
      return {End::kBadResponse, By::kServer, phase};
    default:
      break;
  }
  if (phase == Phase::kRequest || phase == Phase::kQueue || status / 100 == 4) {
    return {End::kBadRequest, By::kClient, phase};
  }
  return {End::kBadResponse, By::kServer, phase};
}

Ending ended_by_server(Phase phase, bool server) {
  switch (phase) {
    case Phase::kQueue:
      return {End::kQueueFull, By::kCoordinator, phase};
    case Phase::kConnect:
      return server ? Ending{End::kConnectFailed, By::kServer, phase}
                    : Ending{End::kNoServer, By::kCoordinator, Phase::kQueue};
    case Phase::kNone:
    case Phase::kRequest:
    case Phase::kSend:
    case Phase::kWait:
    case Phase::kData:
      break;
  }
  return {End::kServerClosed, By::kServer, phase};
}

Ending timed_out_at_server(Phase phase) {
  if (phase == Phase::kQueue) return {End::kQueueTimeout, By::kCoordinator, phase};
  if (phase == Phase::kConnect) return {End::kConnectTimeout, By::kServer, phase};
  return {End::kServerTimeout, By::kServer, phase};
}

}  // namespace

std::optional<Ending> ending_of(std::string_view state, const EndingFacts& facts) {
  if (state.size() < 2) return std::nullopt;
  const auto phase = phase_from_letter(state[1]);
  if (!phase) return std::nullopt;
  switch (state[0]) {
    case '-':
    case 'L':
      return Ending{};
    case 'C':
      return Ending{End::kClientClosed, By::kClient, *phase};
    case 'c':
      if (facts.flow) return Ending{End::kIdleTimeout, By::kCoordinator, *phase};
      return Ending{End::kClientTimeout, By::kClient, *phase};
    case 'S':
      return ended_by_server(*phase, facts.server);
    case 's':
      return timed_out_at_server(*phase);
    case 'P':
      return refused(*phase, facts.status);
    case 'R':
      return Ending{End::kConnectFailed, By::kCoordinator, *phase};
    case 'K':
      return Ending{End::kShutdown, By::kCoordinator, *phase};
    case 'I':
      return Ending{End::kInternal, By::kCoordinator, *phase};
    default:
      return std::nullopt;
  }
}

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
