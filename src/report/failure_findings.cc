// An ending has words here or in fault_text.cc, never in both: whose fault it was decides.
#include "report/failure_findings.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "report/findings.h"
#include "report/format.h"
#include "report/server_findings.h"

namespace giliran::report {

namespace {

using telemetry::End;
using telemetry::Tier;

// What clients do by themselves is seldom why a service is bad.
constexpr double kClientsWeight = 0.1;
constexpr double kBugWeight = 100;

// "35 client exchanges found no server that could be used": what stands behind the number.
std::string what_happened(End end) {
  switch (end) {
    case End::kNoServer:
      return "found no server that could be used";
    case End::kQueueTimeout:
      return "waited for a turn for too long";
    case End::kQueueFull:
      return "found the queue full";
    case End::kLimit:
      return "met a limit";
    case End::kRateLimited:
      return "were more than a client may ask";
    case End::kTotalTimeout:
      return "were not done in the time that one may take in all";
    case End::kClientClosed:
      return "were given up by the client";
    case End::kClientTimeout:
      return "had a client that was too slow";
    case End::kBadRequest:
      return "could not be read";
    case End::kBodyTooLarge:
      return "had a body that is too large";
    case End::kDenied:
      return "were denied";
    case End::kIdleTimeout:
      return "were ended because nothing moved";
    case End::kShutdown:
      return "were cut by a shutdown";
    case End::kInternal:
      return "failed inside the coordinator: a bug, please report it";
    case End::kOk:
    case End::kConnectRefused:
    case End::kConnectTimeout:
    case End::kConnectFailed:
    case End::kServerClosed:
    case End::kServerTimeout:
    case End::kBadResponse:
    case End::kFault:
      break;
  }
  return "";  // a server's fault: server_findings.h
}

// "was denied" of one.
std::string of_number(std::string what, uint64_t count) {
  constexpr std::string_view kWere = "were ";
  if (count == 1 && what.starts_with(kWere)) what.replace(0, kWere.size(), "was ");
  return what;
}

double weight_of(End end, uint64_t count) {
  const auto n = static_cast<double>(count);
  switch (end) {
    case End::kInternal:
      return kBugWeight * n;
    case End::kClientClosed:
    case End::kClientTimeout:
    case End::kBadRequest:
    case End::kBodyTooLarge:
    case End::kDenied:
    case End::kRateLimited:
    case End::kIdleTimeout:
    case End::kShutdown:
      return kClientsWeight * n;
    case End::kOk:
    case End::kNoServer:
    case End::kConnectRefused:
    case End::kConnectTimeout:
    case End::kConnectFailed:
    case End::kServerClosed:
    case End::kServerTimeout:
    case End::kBadResponse:
    case End::kFault:
    case End::kLimit:
    case End::kQueueTimeout:
    case End::kQueueFull:
    case End::kTotalTimeout:
      break;
  }
  return n;
}

// That servers were wanting: where one is known to be bad, the consequence of that.
bool follows_from_servers(End end) {
  return end == End::kNoServer || end == End::kQueueTimeout || end == End::kQueueFull ||
         end == End::kTotalTimeout || end == End::kClientClosed;
}

std::string reason_text(const Failure& f) {
  std::string text(name(f.end));
  if (f.phase != telemetry::Phase::kNone) text += fmt::format(" in {}", name(f.phase));
  if (!f.reason.empty()) text += ", " + f.reason;
  return text;
}

}  // namespace

void about_other_failures(const Section& s, double servers_weight, std::vector<Finding>& out) {
  std::map<End, std::pair<uint64_t, const Failure*>> by_end;  // the failures come most first
  for (const Failure& f : s.failures) {
    const bool at_server = f.end == End::kClientClosed || f.end == End::kTotalTimeout;
    if (at_server && is_asking(s.tier, f.phase)) continue;  // server_findings.h
    auto& [count, most] = by_end[f.end];
    count += f.count;
    if (most == nullptr) most = &f;
  }
  for (const auto& [end, counts] : by_end) {
    const auto& [count, most] = counts;
    const std::string what = what_happened(end);
    if (what.empty()) continue;
    double weight = weight_of(end, count);
    if (follows_from_servers(end) && servers_weight > 0) {
      weight = std::min(weight, servers_weight / 2);
    }
    out.push_back(
        {.weight = weight,
         .title = fmt::format("{} {}", counted(count, s.tier, s.kind), of_number(what, count)),
         .detail = fmt::format("{} ({}), first {}", format_share(count, s.records),
                               reason_text(*most), most->example)});
  }
}

void about_clients(const Report& report, const Section& client, std::vector<Finding>& out) {
  const Section* known = seen_from(report, client.kind);
  if (known == nullptr || known->tier != Tier::kCoordinator) return;
  uint64_t count = 0;
  const Failure* most = nullptr;
  for (const Failure& f : client.failures) {
    if (f.phase == telemetry::Phase::kConnect) continue;  // server_findings.h
    count += f.count;
    if (most == nullptr) most = &f;
  }
  if (count <= known->errors()) return;
  const uint64_t more = count - known->errors();
  out.push_back(
      {.weight = static_cast<double>(more),
       .title = fmt::format("{} failed that did not fail at the coordinator",
                            counted(more, client.tier, client.kind)),
       .detail = fmt::format("most often {}, first {}", reason_text(*most), most->example)});
}

void about_retries(const Section& s, std::vector<Finding>& out) {
  if (s.from_json != 0 || s.retried == 0) return;
  out.push_back({.weight = static_cast<double>(s.retried),
                 .title = fmt::format("{} {}", counted(s.retried, s.tier, s.kind),
                                      of_number("were tried again", s.retried)),
                 .detail = "this format does not say which server had failed them; JSON does"});
}

}  // namespace giliran::report
