// Findings are gathered from every side, then put in order by what they explain: none knows of the
// others but by its weight.
#include "report/findings.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "report/failure_findings.h"
#include "report/format.h"
#include "report/server_findings.h"

namespace giliran::report {

namespace {

using telemetry::Kind;
using telemetry::Tier;

constexpr double kRemark = 0;

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
                     .title = fmt::format("The {} log dropped {} record{} itself", name(tier),
                                          format_count(n), base::plural(n)),
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
    const std::string times = processes == 1 ? "" : fmt::format(" {} times", processes);
    if (missing == 0) {
      // Usual: a report of programs that run.
      out.push_back(
          {.weight = kRemark,
           .title = fmt::format("{} is still being written, or its process was killed", file.path),
           .detail =
               "it stops without its end mark" + times + "; its last records may be missing"});
      continue;
    }
    out.push_back({.weight = static_cast<double>(missing),
                   .title = fmt::format("{} stops without its end mark{}", file.path, times),
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
  // Who asks wants no 4xx; a coordinator and a server may have answered rightly with it.
  const uint64_t refused = s.tier == Tier::kClient ? s.ok_4xx : 0;
  const uint64_t good = s.ok - s.ok_5xx - refused;
  std::string text = counted(s.records, s.tier, s.kind);
  if (good == s.records) return text + ", all ok";
  text += fmt::format(", {} good ({})", format_count(good), format_share(good, s.records));
  if (refused != 0) text += fmt::format(", {} answered 4xx", format_count(refused));
  if (s.ok_5xx != 0) text += fmt::format(", {} answered 5xx", format_count(s.ok_5xx));
  if (s.errors() != 0) text += fmt::format(", {} failed", format_count(s.errors()));
  return text;
}

}  // namespace

std::string title(Tier tier, Kind kind) {
  return fmt::format("{} {}s", name(tier), name(kind));
}

std::string counted(uint64_t count, Tier tier, Kind kind) {
  return fmt::format("{} {} {}{}", format_count(count), name(tier), name(kind),
                     base::plural(count));
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
  const bool any = !report.findings.empty() && !report.findings.front().is_remark();
  return fmt::format("{}. {}.{}", s == nullptr ? "No record was read" : outcome(*s),
                     any ? report.findings.front().title : "Nothing stands out",
                     report.conservation.conserved() ? "" : " NOT all is accounted for.");
}

}  // namespace giliran::report
