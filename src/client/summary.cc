#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "client/plan_loop.h"
#include "client/run_result.h"
#include "client/signals.h"
#include "report/format.h"
#include "report/table.h"
#include "terminal/live_block.h"

namespace giliran::client {
namespace {

using report::Align;
using report::format_count;
using report::format_latency;
using report::format_rate;
using report::format_share;
using report::wrapped;

constexpr size_t kColumns = 80;
constexpr size_t kServersShown = 24;
constexpr size_t kCellsOverTime = 50;
// Where the response time is so much longer than the service time, a reader is told.
constexpr uint64_t kFarApart = 2;
constexpr uint64_t kFarApartNs = 1'000'000;
constexpr std::string_view kGreen = "\x1b[32m";
constexpr std::string_view kYellow = "\x1b[33m";

std::string latency(uint64_t ns) {
  return format_latency(base::Duration(static_cast<int64_t>(ns)));
}

bool is_open(const RunResult& result) {
  return result.plan.loop == Loop::kOpen;
}

std::string never_sent(const Counts& counts) {
  return fmt::format("{} due requests NEVER SENT", format_count(counts.due - counts.issued));
}

// "CUT by SIGINT, 3.2 s after its start; planned were 10 s"
std::string cut_line(const RunResult& result) {
  const base::Duration planned = planned_length(result.plan);
  std::string text = fmt::format("{}, {:.1f} s after its start", cut_by(result.interrupted_by),
                                 base::to_seconds(result.warmup + result.issuing));
  if (planned.count() != 0)
    text += fmt::format("; planned were {:.3g} s", base::to_seconds(planned));
  return text + "\n";
}

std::string headline(const RunResult& result) {
  const Counts& counts = result.totals.counts();
  std::string text = fmt::format(
      "{} request{} in {:.2f} s, {}: {} answered, {} failed", format_count(counts.issued),
      base::plural(counts.issued), base::to_seconds(result.elapsed - result.warmup),
      format_rate(result.rate()), format_count(counts.answered), format_count(counts.failed));
  if (counts.bad_status != 0) {
    const std::string bad =
        fmt::format("{} with status 400 or more", format_count(counts.bad_status));
    text += report::width(text) + report::width(bad) + 2 > kColumns ? ",\n  " : ", ";
    text += bad;
  }
  text += "\n";
  if (result.interrupted()) text += cut_line(result);
  if (is_open(result)) {
    text += fmt::format("open loop: {} planned", format_rate(result.plan.rate));
    if (counts.due > counts.issued) text += ", " + never_sent(counts);
    text += "\n";
  }
  if (result.warmup.count() != 0) {
    text += fmt::format("the warm-up, {:.1f} s before, is left out of all of this\n",
                        base::to_seconds(result.warmup));
  }
  return text;
}

void add_times(report::Table& table, std::string name, const base::Histogram& histogram) {
  if (histogram.count() == 0) return;
  table.add({std::move(name), latency(histogram.percentile(50)), latency(histogram.percentile(90)),
             latency(histogram.percentile(99)), latency(histogram.percentile(99.9)),
             latency(histogram.max()), latency(static_cast<uint64_t>(histogram.mean()))});
}

// Why the response time is far from the service time; empty where it is not.
std::string why_apart(const RunResult& result) {
  const uint64_t far = result.totals.response_time().percentile(99);
  const uint64_t near = result.totals.service_time().percentile(99);
  if (!is_open(result) || far <= kFarApart * near || far <= near + kFarApartNs) return {};
  const uint64_t lag = result.totals.lag().percentile(99);
  // The client's own lateness is nothing that a user of the servers waits for.
  const bool own = lag > result.totals.wait().percentile(99);
  return "  " +
         wrapped(own ? fmt::format("THIS CLIENT WAS LATE: the p99 of the response time is {}, that "
                                   "of the service time only {}, and most of what lies between is "
                                   "lag (p99 {}): it is not the servers'.",
                                   latency(far), latency(near), latency(lag))
                     : fmt::format("JUDGE BY THE RESPONSE TIME: its p99 is {}, that of the service "
                                   "time only {}, as most of the waiting was before the send.",
                                   latency(far), latency(near)),
                 2);
}

// What the two latencies are, and which of them to believe.
std::string how_to_read(const RunResult& result) {
  const base::Histogram& response = result.totals.response_time();
  if (response.count() == 0) return {};
  std::string text =
      is_open(result)
          ? "\n"
            "  response time  what a user waits: from when a request was due to its last byte\n"
            "  service time   what the servers took: from the actual send to the last byte\n"
            "  response = lag (this client was late) + wait (for a connection) + service\n"
          : "\n"
            "  response time  from when a client's turn came, connecting included\n"
            "  service time   from the actual send to the last byte of the answer\n"
            "  A closed loop asks less while servers are slow: -R RATE shows what users wait.\n";
  return text + why_apart(result);
}

std::string times(const RunResult& result) {
  const Recorder& totals = result.totals;
  report::Table table(
      {{"", Align::kLeft}, {"p50"}, {"p90"}, {"p99"}, {"p99.9"}, {"max"}, {"mean"}});
  add_times(table, "response time", totals.response_time());
  add_times(table, "service time", totals.service_time());
  if (is_open(result)) {
    add_times(table, "lag", totals.lag());
    add_times(table, "wait", totals.wait());
  }
  add_times(table, "connect", totals.connect());
  return table.empty() ? std::string() : "\n" + table.text() + how_to_read(result);
}

// `values` in at most `cells` groups of neighbours.
template <typename Slices, typename Of>
std::vector<uint64_t> grouped(const Slices& slices, size_t cells, Of of) {
  const size_t each = (slices.size() + cells - 1) / cells;
  std::vector<uint64_t> groups((slices.size() + each - 1) / each);
  for (size_t i = 0; i < slices.size(); ++i) of(groups[i / each], slices[i]);
  return groups;
}

std::string over_time(const RunResult& result) {
  const std::vector<Slice>& slices = result.totals.slices();
  if (slices.size() < 3) return {};
  const auto answers =
      grouped(slices, kCellsOverTime, [](uint64_t& sum, const Slice& s) { sum += s.answered; });
  const auto p99 = grouped(slices, kCellsOverTime, [](uint64_t& most, const Slice& s) {
    most = std::max(most, s.response.percentile(99));
  });
  const auto errors = grouped(slices, kCellsOverTime, [](uint64_t& sum, const Slice& s) {
    sum += s.failed + s.bad_status;
  });
  std::string text =
      fmt::format("\n  over time, {:.3g} s a column{}\n",
                  base::to_seconds(result.totals.interval()) *
                      static_cast<double>((slices.size() + kCellsOverTime - 1) / kCellsOverTime),
                  result.warmup.count() == 0 ? "" : ", warm-up included");
  text += fmt::format("  answers       |{}|\n", report::sparkline(answers));
  text += fmt::format("  response p99  |{}| {}\n", report::sparkline(p99),
                      latency(*std::ranges::max_element(p99)));
  if (std::ranges::any_of(errors, [](uint64_t n) { return n != 0; })) {
    text += fmt::format("  errors        |{}|\n", report::sparkline(errors));
  }
  return text;
}

std::string addresses(const RunResult& result) {
  const std::vector<AddressTally>& tallies = result.totals.addresses();
  if (tallies.empty()) return {};
  report::Table table({{"address", Align::kLeft},
                       {"connections"},
                       {"not made"},
                       {"answers"},
                       {"errors"},
                       {"service p50"},
                       {"p99"}});
  for (size_t i = 0; i < std::min(tallies.size(), kServersShown); ++i) {
    const AddressTally& tally = tallies[i];
    const bool none = tally.service.count() == 0;
    table.add({result.plan.addresses[i].text(), format_count(tally.connections),
               format_count(tally.connect_failures), format_count(tally.answers),
               format_count(tally.failed + tally.bad_status),
               none ? "-" : latency(tally.service.percentile(50)),
               none ? "-" : latency(tally.service.percentile(99))});
  }
  std::string text = "\n" + table.text();
  if (tallies.size() > kServersShown) {
    text += fmt::format("  and {} more (--json has them all)\n", tallies.size() - kServersShown);
  }
  return text;
}

std::string servers(const Recorder& totals) {
  if (totals.servers().empty()) return {};
  report::Table table({{"server", Align::kLeft},
                       {"answers"},
                       {"share"},
                       {"service p50"},
                       {"p99"},
                       {"400 or more"}});
  const auto by_name = totals.servers_by_name();
  for (const ServerTally* tally : by_name) {
    if (table.rows() == kServersShown) break;
    table.add({report::printable(tally->name, 24), format_count(tally->answers),
               format_share(tally->answers, totals.counts().answered),
               latency(tally->service.percentile(50)), latency(tally->service.percentile(99)),
               format_count(tally->bad_status)});
  }
  std::string text = "\n" + table.text();
  if (by_name.size() > kServersShown) {
    text += fmt::format("  and {} more (--json has them all)\n", by_name.size() - kServersShown);
  }
  return text;
}

std::string tiers(const Recorder& totals) {
  report::Table table(
      {{"where the time went", Align::kLeft}, {"told by"}, {"mean"}, {"p50"}, {"p99"}, {"max"}});
  for (const TierTally& tier : totals.tiers()) {
    if (tier.took.count() == 0) continue;
    table.add({report::printable(tier.name, 24),
               format_share(tier.took.count(), totals.counts().answered),
               latency(static_cast<uint64_t>(tier.took.mean())), latency(tier.took.percentile(50)),
               latency(tier.took.percentile(99)), latency(tier.took.max())});
  }
  return table.empty() ? std::string() : "\n" + table.text();
}

std::string endings(const Counts& counts) {
  std::string text;
  for (size_t i = 0; i < counts.ends.size(); ++i) {
    const auto end = static_cast<telemetry::End>(i);
    if (end == telemetry::End::kOk || counts.ends[i] == 0) continue;
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", telemetry::name(end),
                        format_count(counts.ends[i]));
  }
  return text.empty() ? text : "  failed: " + text + "\n";
}

std::string statuses(const Counts& counts) {
  std::string text;
  for (size_t i = 1; i < counts.status_classes.size(); ++i) {
    if (counts.status_classes[i] == 0) continue;
    text += fmt::format("{}{}xx {}", text.empty() ? "" : ", ", i,
                        format_count(counts.status_classes[i]));
  }
  return text.empty() ? text : "  status: " + text + "\n";
}

// What the CPU time was spent on.
uint64_t ended_with_warmup(const Recorder& totals) {
  uint64_t ended = 0;
  for (const Slice& slice : totals.slices()) ended += slice.answered + slice.failed;
  return totals.slices().empty() ? totals.counts().answered + totals.counts().failed : ended;
}

std::string traffic(const RunResult& result) {
  const Counts& counts = result.totals.counts();
  std::string text =
      fmt::format("  connections: {} opened, {} failed", format_count(counts.connections),
                  format_count(counts.connect_failures));
  if (counts.retried != 0) {
    text += fmt::format("\n  sent again: {}, as the server had closed the idle connection",
                        format_count(counts.retried));
  }
  text += fmt::format("\n  bytes: {} sent, {} received\n", report::format_size(counts.bytes_out),
                      report::format_size(counts.bytes_in));
  text += fmt::format("  this client: {:.2f} s of CPU", base::to_seconds(result.cpu));
  if (const uint64_t ended = ended_with_warmup(result.totals); ended != 0) {
    text += fmt::format(", {} a request", format_latency(result.cpu / static_cast<int64_t>(ended)));
  }
  if (result.cpu_share > 0) {
    text += fmt::format(", {:.0f}% of its threads' time", result.cpu_share * 100);
  }
  return text + "\n";
}

std::string log_line(const RunResult& result) {
  if (!result.logged) return {};
  std::string text = fmt::format("log: {} records", format_count(result.log.written));
  if (result.log.dropped != 0) {
    text += fmt::format(", {} DROPPED because the log was full (--log-full wait loses none)",
                        format_count(result.log.dropped));
  }
  if (result.log.write_errors != 0) {
    text += fmt::format(", {} LOST to write errors", format_count(result.log.write_errors));
  }
  return "  " + wrapped(text, 2);
}

std::string thresholds(const std::vector<report::Expected>& expected) {
  if (expected.empty()) return {};
  report::Table table({{"expected", Align::kLeft}, {"measured"}, {"", Align::kLeft}});
  for (const report::Expected& one : expected) {
    table.add({one.text, one.measured, one.met ? "met" : "NOT MET"});
  }
  return "\n" + table.text();
}

std::string_view colour_of(TargetVerdict::State state) {
  switch (state) {
    case TargetVerdict::State::kNotAsked:
      return kYellow;
    case TargetVerdict::State::kNoErrors:
      return kGreen;
    case TargetVerdict::State::kErrors:
    case TargetVerdict::State::kAllFailed:
      return terminal::kAlarmCode;
  }
  return "";
}

// A line that begins with a title and a word, which is coloured where that is wanted.
std::string judgement(std::string_view title, std::string_view word, std::string_view text,
                      std::string_view colour) {
  std::string line = wrapped(fmt::format("{}: {}, {}", title, word, text), 2);
  if (colour.empty()) return line;
  line.insert(title.size() + 2 + word.size(), terminal::kPlainCode);
  return line.insert(title.size() + 2, colour);
}

// How the target did.
std::string target(const RunResult& result, bool coloured) {
  const TargetVerdict target = judge_target(result.totals.counts());
  return "\n" + judgement("target", target.word(), target.text,
                          coloured ? colour_of(target.state) : std::string_view());
}

// What the measurement is worth: never in the colour of success.
std::string verdict(const RunResult& result, bool coloured) {
  const Verdict& verdict = result.verdict;
  const std::string_view colour = verdict.valid ? terminal::kStrongCode : kYellow;
  const std::string_view meaning =
      !verdict.valid   ? "the numbers tell more of this client than of the servers"
      : verdict.judged ? "this client kept up; the numbers tell of the servers"
                       : "too little to tell whether this client kept up";
  std::string text =
      judgement("measurement", verdict.word(), meaning, coloured ? colour : std::string_view());
  for (const std::string& reason : verdict.reasons) text += "  - " + wrapped(reason + ".", 4);
  for (const std::string& note : verdict.notes) text += "  Note: " + wrapped(note + ".", 8);
  return text;
}

}  // namespace

std::vector<std::string> quiet_lines(const RunResult& result) {
  std::vector<std::string> lines;
  const auto add = [&lines](std::string text) {
    if (text.ends_with('\n')) text.pop_back();
    lines.push_back(std::move(text));
  };
  const Counts& counts = result.totals.counts();
  if (result.interrupted()) add(cut_line(result));
  if (const TargetVerdict target = judge_target(counts);
      target.state != TargetVerdict::State::kNoErrors) {
    add(fmt::format("{}, {}", target.word(), target.text));
  }
  if (counts.failed != 0) add(std::string(base::trim(endings(counts))));
  if (counts.due > counts.issued) add(never_sent(counts));
  if (result.log.dropped != 0) {
    add(fmt::format("{} records of the log were DROPPED", format_count(result.log.dropped)));
  }
  for (const report::Expected& one : result.expected) {
    if (!one.met) add(fmt::format("NOT MET {}: {}", one.text, one.measured));
  }
  // Whose fault a missed threshold is.
  if (std::ranges::any_of(result.expected, [](const auto& one) { return !one.met; })) {
    for (const std::string& reason : result.verdict.reasons) add("CLIENT-LIMITED: " + reason);
  }
  return lines;
}

std::string summary_text(const RunResult& result, bool coloured) {
  const Counts& counts = result.totals.counts();
  return headline(result) + times(result) + over_time(result) + addresses(result) +
         servers(result.totals) + tiers(result.totals) + "\n" + statuses(counts) + endings(counts) +
         traffic(result) + log_line(result) + thresholds(result.expected) +
         target(result, coloured) + verdict(result, coloured);
}

}  // namespace giliran::client
