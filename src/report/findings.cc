#include "report/findings.h"

#include <fmt/format.h>

#include <algorithm>

#include "report/format.h"

namespace giliran::report {

namespace {

using telemetry::Kind;
using telemetry::Tier;

constexpr uint64_t kRecordsMin = 100;  // fewer say little about a server's tail
constexpr double kSlowFactor = 3;
constexpr double kErrorFactor = 3;

void about_conservation(const Report& report, std::vector<std::string>& out) {
  for (const Comparison& c : report.conservation.comparisons) {
    for (const Named& n : c.named) {
      if (n.accounted) continue;
      out.push_back(fmt::format("Not conserved: {} {} ({}), first {}.", format_count(n.count),
                                n.name, n.detail, n.example));
    }
  }
  if (!report.conservation.note.empty()) out.push_back("Note: " + report.conservation.note + ".");
  for (const Tier tier : {Tier::kClient, Tier::kCoordinator, Tier::kServer}) {
    if (const uint64_t n = report.conservation.dropped[static_cast<size_t>(tier)]; n != 0) {
      out.push_back(
          fmt::format("The {} log dropped {} records itself (--log-full wait keeps them).",
                      name(tier), format_count(n)));
    }
  }
}

void about_errors(const Section& s, std::vector<std::string>& out) {
  uint64_t server_errors = 0;
  for (const auto& [status, count] : s.statuses) {
    if (status >= 500 && status < 600) server_errors += count;
  }
  if (s.tier == Tier::kClient && server_errors != 0) {
    out.push_back(fmt::format("{} of {} {} were answered with a status of 5xx ({}).",
                              format_count(server_errors), format_count(s.records),
                              title(s.tier, s.kind), format_share(server_errors, s.records)));
  }
  if (s.errors() == 0) return;
  const Failure& most = s.failures.front();
  out.push_back(fmt::format("{} of {} {} failed ({}), most often {}{}{}: {}, first {}.",
                            format_count(s.errors()), format_count(s.records),
                            title(s.tier, s.kind), format_share(s.errors(), s.records),
                            name(most.end), most.phase == telemetry::Phase::kNone ? "" : " in ",
                            name(most.phase), format_count(most.count), most.example));
}

void about_servers(const Section& s, std::vector<std::string>& out) {
  std::vector<base::Duration> tails;
  for (const ServerRow& row : s.servers) {
    if (row.total.count >= kRecordsMin) tails.push_back(row.total.p99);
  }
  if (tails.size() >= 2) {
    // The lower median, so that one of two can stand out.
    std::nth_element(tails.begin(), tails.begin() + static_cast<long>((tails.size() - 1) / 2),
                     tails.end());
    const base::Duration usual = tails[(tails.size() - 1) / 2];
    for (const ServerRow& row : s.servers) {
      if (row.total.count < kRecordsMin ||
          base::to_us(row.total.p99) < kSlowFactor * base::to_us(usual)) {
        continue;
      }
      out.push_back(fmt::format("Server {} is slow, seen from the {}: p99 {} where {} is usual.",
                                row.name, name(s.tier), format_latency(row.total.p99),
                                format_latency(usual)));
    }
  }
  for (const ServerRow& row : s.servers) {
    const uint64_t others = s.records - row.count;
    if (row.errors < 10 || others == 0 || row.name == "(none)") continue;
    const double rate = static_cast<double>(row.errors) / static_cast<double>(row.count);
    const double rest = static_cast<double>(s.errors() - row.errors) / static_cast<double>(others);
    if (rate < kErrorFactor * rest) continue;
    out.push_back(fmt::format("Server {} fails more than the others: {} of {} ({}).", row.name,
                              format_count(row.errors), format_count(row.count),
                              format_share(row.errors, row.count)));
  }
}

void about_lag(const Section& s, std::vector<std::string>& out) {
  const Quantiles& lag = s.parts[static_cast<size_t>(Part::kLag)];
  if (lag.count == 0 || s.total.count == 0) return;
  if (lag.p99 * 2 < s.total.p50 || lag.p99 < std::chrono::milliseconds(1)) return;
  out.push_back(fmt::format(
      "The client itself was late: lag p99 {} where requests take {} (p50); it measured itself.",
      format_latency(lag.p99), format_latency(s.total.p50)));
}

}  // namespace

std::string title(Tier tier, Kind kind) {
  return fmt::format("{} {}s", name(tier), name(kind));
}

std::string WhereTimeGoes::sentence() const {
  if (shares.empty()) return "";
  std::string parts;
  for (size_t i = 0; i < shares.size(); ++i) {
    if (i != 0) parts += ", ";
    parts += format_latency_us(shares[i].mean_us) + ' ' + shares[i].what;
  }
  return fmt::format("Of {} mean at the {}, {}{}.", format_latency_us(mean_us), name(seen_from),
                     parts,
                     same_records ? "" : " (about: the tiers did not finish the same number)");
}

std::vector<std::string> findings(const Report& report) {
  std::vector<std::string> out;
  about_conservation(report, out);
  for (const Section& s : report.sections) about_errors(s, out);
  for (const Section& s : report.sections) {
    if (s.kind != Kind::kFlow) about_servers(s, out);
    if (s.tier == Tier::kClient) about_lag(s, out);
  }
  for (const WhereTimeGoes& where : report.where) out.push_back(where.sentence());
  for (const FileRead& file : report.files) {
    const telemetry::ReadStats& stats = file.stats;
    if (stats.unknown == 0) continue;
    const telemetry::Unknown& first = stats.unknown_examples.front();
    out.push_back(fmt::format("{} of {} lines of {} are not understood, first line {}: {}.",
                              format_count(stats.unknown), format_count(stats.lines), file.path,
                              first.line, first.why));
  }
  return out;
}

}  // namespace giliran::report
