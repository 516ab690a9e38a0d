#include "report/findings.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "report/format.h"
#include "report/server_findings.h"

namespace giliran::report {

namespace {

using telemetry::End;
using telemetry::Kind;
using telemetry::Tier;

// What clients do by themselves is seldom why a service is bad.
constexpr double kClientsWeight = 0.1;
constexpr double kBugWeight = 100;
constexpr double kRemark = 0;

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
      return "were more than their clients may ask";
    case End::kTotalTimeout:
      return "were not done in the time they may take in all";
    case End::kClientClosed:
      return "were given up by their clients";
    case End::kClientTimeout:
      return "had clients that were too slow";
    case End::kBadRequest:
      return "could not be read";
    case End::kBodyTooLarge:
      return "had bodies that are too large";
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

// What no server did. `servers_weight`: of the likeliest cause among the servers.
void about_other_failures(const Section& s, double servers_weight, std::vector<Finding>& out) {
  std::map<End, std::pair<uint64_t, const Failure*>> by_end;  // the failures come most first
  for (const Failure& f : s.failures) {
    const bool at_server = f.end == End::kClientClosed || f.end == End::kTotalTimeout;
    if (at_server && is_asking(s.tier, f.phase)) continue;  // server_findings.h
    auto& [count, most] = by_end[f.end];
    count += f.count;
    if (most == nullptr) most = &f;
  }
  for (const auto& [end, counted] : by_end) {
    const auto& [count, most] = counted;
    const std::string what = what_happened(end);
    if (what.empty()) continue;
    double weight = weight_of(end, count);
    if (follows_from_servers(end) && servers_weight > 0) {
      weight = std::min(weight, servers_weight / 2);
    }
    out.push_back(
        {.weight = weight,
         .title = fmt::format("{} {} {}", format_count(count), title(s.tier, s.kind), what),
         .detail = fmt::format("{} ({}), first {}", format_share(count, s.records),
                               reason_text(*most), most->example)});
  }
}

// Failures at the clients beyond what the coordinator knows to have failed: on the way, or because
// they did not wait.
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
       .title = fmt::format("{} {} failed that did not fail at the coordinator", format_count(more),
                            title(client.tier, client.kind)),
       .detail = fmt::format("most often {}, first {}", reason_text(*most), most->example)});
}

// Attempts of formats that do not say where they failed.
void about_retries(const Section& s, std::vector<Finding>& out) {
  if (s.complete != 0 || s.retried == 0) return;
  out.push_back({.weight = static_cast<double>(s.retried),
                 .title = fmt::format("{} {} were tried again", format_count(s.retried),
                                      title(s.tier, s.kind)),
                 .detail = "this format does not say which server had failed them; JSON does"});
}

void about_conservation(const Report& report, std::vector<Finding>& out) {
  for (const Comparison& c : report.conservation.comparisons) {
    for (const Named& n : c.named) {
      if (n.accounted) continue;
      out.push_back({.weight = static_cast<double>(n.count),
                     .title = fmt::format("Not conserved: {} {} ({})", format_count(n.count),
                                          n.name, n.detail),
                     .detail = "first " + n.example});
    }
  }
  if (!report.conservation.note.empty()) {
    out.push_back({.weight = kRemark, .title = "Note: " + report.conservation.note, .detail = ""});
  }
  for (const Tier tier : {Tier::kClient, Tier::kCoordinator, Tier::kServer}) {
    if (const uint64_t n = report.conservation.dropped[static_cast<size_t>(tier)]; n != 0) {
      out.push_back({.weight = kRemark,
                     .title = fmt::format("The {} log dropped {} records itself", name(tier),
                                          format_count(n)),
                     .detail = "--log-full wait keeps them"});
    }
  }
}

// Weighs what is missing in the logs of its tier for want of an end.
void about_ends(const Report& report, std::vector<Finding>& out) {
  for (const FileRead& file : report.files) {
    const uint64_t processes = file.stats.unended_in_all();
    if (processes == 0) continue;
    uint64_t missing = 0;
    for (const Comparison& c : report.conservation.comparisons) {
      if (file.stats.unended[static_cast<size_t>(c.right)] == 0) continue;
      for (const Named& n : c.named) missing += n.name == kNoEndMark ? n.count : 0;
    }
    out.push_back({.weight = missing == 0 ? kRemark : static_cast<double>(missing),
                   .title = fmt::format("{} stops without its end mark{}", file.path,
                                        processes == 1 ? "" : fmt::format(" {} times", processes)),
                   .detail = "its process was killed, or still runs; its last records may be "
                             "missing"});
  }
}

void about_lag(const Section& s, std::vector<Finding>& out) {
  const Quantiles& lag = s.parts[static_cast<size_t>(Part::kLag)];
  if (lag.count == 0 || s.total.count == 0) return;
  if (lag.p99 * 2 < s.total.p50 || lag.p99 < std::chrono::milliseconds(1)) return;
  out.push_back(
      {.weight = static_cast<double>(s.records) / 100,
       .title = "The client itself was late",
       .detail = fmt::format("lag p99 {} where requests take {} (p50); it measured itself",
                             format_latency(lag.p99), format_latency(s.total.p50))});
}

void about_where(const Report& report, std::vector<Finding>& out) {
  for (const WhereTimeGoes& where : report.where) {
    out.push_back({.weight = kRemark, .title = where.sentence(), .detail = ""});
  }
}

void about_files(const Report& report, std::vector<Finding>& out) {
  for (const FileRead& file : report.files) {
    const telemetry::ReadStats& stats = file.stats;
    if (stats.unknown == 0) continue;
    const telemetry::Unknown& first = stats.unknown_examples.front();
    out.push_back(
        {.weight = stats.unknown > stats.records ? static_cast<double>(stats.unknown) : kRemark,
         .title = fmt::format("{} of {} lines of {} are not understood",
                              format_count(stats.unknown), format_count(stats.lines), file.path),
         .detail = fmt::format("first line {}: {}", first.line, first.why)});
  }
}

// The section that is nearest to the users: what they got.
const Section* outermost(const Report& report) {
  const auto kinds = {Kind::kExchange, Kind::kMessage, Kind::kFlow};
  for (const Tier tier : {Tier::kClient, Tier::kCoordinator, Tier::kServer}) {
    for (const Kind kind : kinds) {
      for (const Section& s : report.sections) {
        if (s.tier == tier && s.kind == kind) return &s;
      }
    }
  }
  return nullptr;
}

std::string outcome(const Section& s) {
  const uint64_t good = s.ok - s.ok_5xx;
  std::string text = fmt::format("{} {}", format_count(s.records), title(s.tier, s.kind));
  if (good == s.records) return text + ", all ok";
  text += fmt::format(", {} good ({})", format_count(good), format_share(good, s.records));
  if (s.ok_5xx != 0) text += fmt::format(", {} answered 5xx", format_count(s.ok_5xx));
  if (s.errors() != 0) text += fmt::format(", {} failed", format_count(s.errors()));
  return text;
}

}  // namespace

std::string title(Tier tier, Kind kind) {
  return fmt::format("{} {}s", name(tier), name(kind));
}

std::string Finding::sentence() const {
  const std::string text = detail.empty() ? title : title + ": " + detail;
  return text.ends_with('.') ? text : text + ".";
}

std::string WhereTimeGoes::sentence() const {
  if (!odd.empty()) {
    return fmt::format("Where the mean of {} at the {} goes cannot be told: {}.",
                       format_latency_us(mean_us), name(seen_from), odd);
  }
  if (shares.empty()) return "";
  std::string parts;
  for (size_t i = 0; i < shares.size(); ++i) {
    if (i != 0) parts += ", ";
    parts += format_latency_us(shares[i].mean_us) + ' ' + shares[i].what;
  }
  std::string of;
  if (records != records_ok) {
    of = fmt::format(" ({} of {} that a server answered)", format_count(records),
                     format_count(records_ok));
  }
  return fmt::format("Of {} mean at the {}{}, {}{}.", format_latency_us(mean_us), name(seen_from),
                     of, parts,
                     same_records ? "" : " (about: the tiers did not finish the same number)");
}

std::vector<Finding> findings(const Report& report) {
  std::vector<Finding> out;
  about_servers(report, out);
  double servers_weight = 0;
  for (const Finding& f : out) servers_weight = std::max(servers_weight, f.weight);
  for (const Kind kind : {Kind::kExchange, Kind::kMessage, Kind::kFlow}) {
    const Section* s = seen_from(report, kind);
    if (s == nullptr) continue;
    about_other_failures(*s, servers_weight, out);
    about_retries(*s, out);
  }
  for (const Section& s : report.sections) {
    if (s.tier != Tier::kClient) continue;
    about_clients(report, s, out);
    about_lag(s, out);
  }
  about_conservation(report, out);
  about_ends(report, out);
  about_where(report, out);
  about_files(report, out);
  std::stable_sort(out.begin(), out.end(),
                   [](const Finding& a, const Finding& b) { return a.weight > b.weight; });
  return out;
}

std::string answer(const Report& report) {
  const Section* s = outermost(report);
  const bool any = !report.findings.empty() && report.findings.front().weight > 0;
  return fmt::format("{}. {}.{}", s == nullptr ? "No record was read" : outcome(*s),
                     any ? report.findings.front().title : "Nothing stands out",
                     report.conservation.conserved() ? "" : " NOT all is accounted for.");
}

}  // namespace giliran::report
