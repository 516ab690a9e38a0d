#include "report/text.h"

#include <fmt/format.h>

#include <algorithm>

#include "report/findings.h"
#include "report/format.h"
#include "report/rate.h"
#include "report/table.h"

namespace giliran::report {

namespace {

using telemetry::Kind;
using telemetry::Tier;

constexpr size_t kSparkColumns = 60;
constexpr size_t kFailuresShown = 10;
constexpr size_t kTargetColumns = 40;
constexpr size_t kColumns = 100;
constexpr size_t kFindingsShown = 10;  // with the answer, what a small terminal shows at once

std::string or_dash(const Quantiles& q, base::Duration value) {
  return q.count == 0 ? "-" : format_latency(value);
}

void print_files(const Report& report, std::ostream& out) {
  Table table({{"log", Align::kLeft}, {"size"}, {"records"}, {"not understood"}, {"dropped"}});
  for (const FileRead& file : report.files) {
    table.add({file.path, format_size(file.stats.bytes), format_count(file.stats.records),
               format_count(file.stats.unknown), format_count(file.stats.dropped)});
  }
  table.print(out, 0);
  for (const FileRead& file : report.files) {
    for (const telemetry::Unknown& u : file.stats.unknown_examples) {
      out << fmt::format("  {}:{}: {}: {}\n", printable(file.path), u.line, u.why,
                         printable(u.text, 60));
    }
  }
}

// Where there are several: what is told of the client is of all of them together.
void print_runs(const Report& report, std::ostream& out) {
  if (report.runs.size() < 2) return;
  out << fmt::format("\nclient: {} runs; below are all of them together\n", report.runs.size());
  Table table({{"run", Align::kLeft}, {"begin", Align::kLeft}, {"for"}, {"records"}, {"errors"}});
  for (const ClientRun& run : report.runs) {
    table.add({run.id.empty() ? "(not told)" : printable(run.id, kTargetColumns),
               printable(run.begin, kTargetColumns), fmt::format("{:.1f} s", run.seconds()),
               format_count(run.records), format_count(run.errors)});
  }
  table.print(out, 2);
}

void print_rate(const Section& s, std::ostream& out) {
  const auto buckets = squeeze(s.rate.buckets, kSparkColumns);
  if (buckets.size() < 2) return;
  std::vector<uint64_t> counts;
  std::vector<uint64_t> errors;
  for (const RateBucket& b : buckets) {
    counts.push_back(b.count);
    errors.push_back(b.errors);
  }
  const size_t width = (s.rate.buckets.size() + kSparkColumns - 1) / kSparkColumns;
  const double seconds = base::to_seconds(s.rate.interval) * static_cast<double>(width);
  const auto top = [&](const std::vector<uint64_t>& values) {
    return static_cast<double>(*std::max_element(values.begin(), values.end())) / seconds;
  };
  out << fmt::format("  rate    |{}| at most {}, {:g} s a column\n", sparkline(counts),
                     format_rate(top(counts)), seconds);
  if (s.errors() == 0) return;
  out << fmt::format("  errors  |{}| at most {}\n", sparkline(errors), format_rate(top(errors)));
}

void print_totals(const Section& s, std::ostream& out) {
  std::string heading = title(s.tier, s.kind);
  heading.front() = static_cast<char>(heading.front() - 'a' + 'A');
  out << fmt::format("\n{}: {}, {} ok, {} failed ({}), {} in {}\n", heading,
                     format_count(s.records), format_count(s.ok), format_count(s.errors()),
                     format_share(s.errors(), s.records), format_rate(s.per_second()),
                     format_latency(s.duration));
  print_rate(s, out);
  if (!s.statuses.empty()) {
    std::array<uint64_t, 10> classes{};
    for (const auto& [status, count] : s.statuses) classes[std::min(status / 100u, 9u)] += count;
    out << "  status ";
    for (size_t i = 0; i < classes.size(); ++i) {
      if (classes[i] != 0) out << fmt::format(" {}xx {}", i, format_count(classes[i]));
    }
    out << '\n';
  }
  if (s.from_json == 0) return;
  if (s.tier == Tier::kCoordinator && s.records != 0) {
    out << fmt::format("  attempts {} ({} tried again), connection reused {}\n",
                       format_count(s.attempts), format_count(s.retried),
                       format_share(s.reused, s.records));
  } else if (s.reused != 0) {
    out << fmt::format("  connection reused {}\n", format_share(s.reused, s.records));
  }
}

void print_failures(const Section& s, std::ostream& out) {
  if (s.failures.empty()) return;
  Table table({{"failed", Align::kLeft},
               {"by", Align::kLeft},
               {"phase", Align::kLeft},
               {"reason", Align::kLeft},
               {"count"},
               {"share"},
               {"first", Align::kLeft}});
  for (size_t i = 0; i < std::min(s.failures.size(), kFailuresShown); ++i) {
    const Failure& f = s.failures[i];
    table.add({std::string(name(f.end)), std::string(name(f.by)), std::string(name(f.phase)),
               printable(f.reason, kTargetColumns), format_count(f.count),
               format_share(f.count, s.records), printable(f.example, 80)});
  }
  out << '\n';
  table.print(out);
  if (s.failures.size() > kFailuresShown) {
    out << fmt::format("  and {} more ways\n", s.failures.size() - kFailuresShown);
  }
}

void print_parts(const Section& s, std::ostream& out) {
  Table table({{"phase", Align::kLeft}, {"mean"}, {"p50"}, {"p90"}, {"p99"}, {"p99.9"}, {"max"}});
  const auto add = [&](std::string_view what, const Quantiles& q) {
    if (q.count == 0) return;
    table.add({std::string(what), format_latency_us(q.mean_us), format_latency(q.p50),
               format_latency(q.p90), format_latency(q.p99), format_latency(q.p999),
               format_latency(q.max)});
  };
  add("total (ok)", s.total);
  for (size_t i = 0; i < kParts; ++i) add(name(static_cast<Part>(i)), s.parts[i]);
  if (table.empty()) return;
  out << '\n';
  table.print(out);
}

uint64_t answers_5xx(const ServerRow& row) {
  const auto found = std::ranges::find(row.faults, Fault::kStatus5xx, &FaultRow::fault);
  return found == row.faults.end() ? 0 : found->count;
}

void print_servers(const Section& s, std::ostream& out) {
  if (s.servers.empty()) return;
  const ServerRow& first = s.servers.front();
  if (s.servers.size() == 1 && (!first.has_name() || !first.says_so)) return;
  const std::string wait = s.tier == Tier::kServer ? "service" : "wait";
  Table table({{"server", Align::kLeft},
               {"count"},
               {"share"},
               {"failed"},
               {"elsewhere"},
               {"5xx"},
               {"connect p50"},
               {wait + " p50"},
               {wait + " p99"},
               {"total p50"},
               {"p90"},
               {"p99"},
               {"p99.9"}});
  for (const ServerRow& r : s.servers) {
    table.add({printable(r.shown, kTargetColumns), format_count(r.count),
               format_share(r.count, s.records), format_count(r.errors), format_count(r.before),
               format_count(answers_5xx(r)), or_dash(r.connect, r.connect.p50),
               or_dash(r.wait, r.wait.p50), or_dash(r.wait, r.wait.p99),
               or_dash(r.total, r.total.p50), or_dash(r.total, r.total.p90),
               or_dash(r.total, r.total.p99), or_dash(r.total, r.total.p999)});
  }
  out << '\n';
  table.print(out);
}

void print_slowest(const Section& s, std::ostream& out) {
  if (s.slowest.empty()) return;
  Table table({{"slowest"},
               {"most of it"},
               {"in", Align::kLeft},
               {"end", Align::kLeft},
               {"status"},
               {"server", Align::kLeft},
               {"when", Align::kLeft},
               {"what", Align::kLeft}});
  for (const SlowRecord& r : s.slowest) {
    const bool any = r.dominant_time.count() >= 0;
    table.add({format_latency(r.total), any ? format_latency(r.dominant_time) : "-",
               any ? std::string(name(r.dominant)) : "-", std::string(name(r.end)),
               r.status == 0 ? "-" : std::to_string(r.status), printable(r.server, kTargetColumns),
               r.ts, printable(r.method + (r.method.empty() ? "" : " ") + r.target, 60)});
  }
  out << '\n';
  table.print(out);
}

}  // namespace

void print_text(const Conservation& conservation, std::ostream& out) {
  if (!conservation.compared()) return;
  out << fmt::format("\nConservation: {}\n",
                     conservation.conserved() ? "everything is accounted for" : "NOT conserved");
  for (const Comparison& c : conservation.comparisons) {
    out << fmt::format("  {}s: {} {}, {} {}", name(c.kind), name(c.left),
                       format_count(c.left_count), name(c.right), format_count(c.right_count));
    if (c.foreign != 0) out << fmt::format(" (and {} from elsewhere)", format_count(c.foreign));
    if (c.kind != Kind::kMessage) {
      out << fmt::format("; bytes {} -> {}, {} <- {}", format_count(c.left_out),
                         format_count(c.right_in), format_count(c.left_in),
                         format_count(c.right_out));
      if (c.exact) out << " where both are ok";
    }
    out << '\n';
    Table table({{"what differs", Align::kLeft},
                 {"why", Align::kLeft},
                 {"count"},
                 {"", Align::kLeft},
                 {"example", Align::kLeft}});
    for (const Named& n : c.named) {
      table.add({n.name, n.detail, format_count(n.count),
                 n.accounted ? "accounted for" : "NOT accounted for", n.example});
    }
    if (!table.empty()) table.print(out, 4);
  }
  if (!conservation.note.empty()) out << "  " << conservation.note << '\n';
}

// Last, where a person looks first.
static void print_findings(const Report& report, std::ostream& out) {
  const size_t shown = std::min(report.findings.size(), kFindingsShown);
  for (size_t i = 0; i < shown; ++i) {
    const Finding& finding = report.findings[i];
    // Remarks come last, and the answer calls none of them a cause.
    const bool remark = finding.is_remark();
    const bool first = i == 0 || report.findings[i - 1].is_remark() != remark;
    if (first) out << (remark ? "\nNotes:\n" : "\nWhat stands out, the likeliest cause first:\n");
    out << (remark ? "   - " : fmt::format("{:>3}. ", i + 1))
        << wrapped(printable(finding.sentence()), 5, kColumns);
  }
  if (report.findings.size() > shown) {
    out << fmt::format("     and {} more (--json has them all)\n", report.findings.size() - shown);
  }
  out << '\n' << wrapped(printable("Answer: " + report.answer), 0, kColumns);
}

void print_text(const Report& report, std::ostream& out) {
  print_files(report, out);
  print_runs(report, out);
  for (const Section& s : report.sections) {
    print_totals(s, out);
    print_failures(s, out);
    print_parts(s, out);
    print_servers(s, out);
    print_slowest(s, out);
  }
  print_text(report.conservation, out);
  print_findings(report, out);
}

}  // namespace giliran::report
