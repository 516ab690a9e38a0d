#include <fmt/format.h>

#include "client/run_result.h"
#include "report/format.h"
#include "report/table.h"

namespace giliran::client {
namespace {

using report::Align;
using report::format_count;
using report::format_latency;
using report::format_share;

std::string latency(uint64_t ns) {
  return format_latency(base::Duration(static_cast<int64_t>(ns)));
}

std::string headline(const RunResult& result) {
  const Counts& counts = result.totals.counts();
  std::string text = fmt::format("{} requests in {:.2f} s, {}: {} answered, {} failed",
                                 format_count(counts.issued), base::to_seconds(result.elapsed),
                                 report::format_rate(result.rate()), format_count(counts.answered),
                                 format_count(counts.failed));
  if (counts.bad_status != 0) {
    text += fmt::format(", {} with status 400 or more", format_count(counts.bad_status));
  }
  return text + (result.interrupted ? " (interrupted)\n" : "\n");
}

std::string times(const Recorder& totals) {
  report::Table table(
      {{"", Align::kLeft}, {"count"}, {"p50"}, {"p90"}, {"p99"}, {"p99.9"}, {"max"}, {"mean"}});
  const auto row = [&](std::string name, const base::Histogram& histogram) {
    if (histogram.count() == 0) return;
    table.add({std::move(name), format_count(histogram.count()), latency(histogram.percentile(50)),
               latency(histogram.percentile(90)), latency(histogram.percentile(99)),
               latency(histogram.percentile(99.9)), latency(histogram.max()),
               latency(static_cast<uint64_t>(histogram.mean()))});
  };
  row("connect", totals.connect());
  row("service time", totals.service_time());
  row("response time", totals.response_time());
  return table.empty() ? std::string() : "\n" + table.text();
}

std::string servers(const Recorder& totals) {
  if (totals.servers().empty()) return {};
  report::Table table(
      {{"server", Align::kLeft}, {"answers"}, {"share"}, {"p50"}, {"p99"}, {"400 or more"}});
  for (const ServerTally* tally : totals.servers_by_name()) {
    table.add({report::printable(tally->name, 40), format_count(tally->answers),
               format_share(tally->answers, totals.counts().answered),
               latency(tally->service.percentile(50)), latency(tally->service.percentile(99)),
               format_count(tally->bad_status)});
  }
  return "\n" + table.text();
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

std::string traffic(const RunResult& result) {
  const Counts& counts = result.totals.counts();
  std::string text =
      fmt::format("  connections: {} opened, {} failed", format_count(counts.connections),
                  format_count(counts.connect_failures));
  if (counts.retried != 0) {
    text += fmt::format("; {} requests sent again: the server had closed the idle connection",
                        format_count(counts.retried));
  }
  const uint64_t ended = counts.answered + counts.failed;
  text += fmt::format("\n  bytes: {} sent, {} received\n", report::format_size(counts.bytes_out),
                      report::format_size(counts.bytes_in));
  text += fmt::format("  this client: {:.2f} s of CPU", base::to_seconds(result.cpu));
  if (ended != 0) {
    text += fmt::format(", {} a request", format_latency(result.cpu / static_cast<int64_t>(ended)));
  }
  return text + "\n";
}

std::string log_line(const RunResult& result) {
  if (!result.logged) return {};
  std::string text = fmt::format("  log: {} records", format_count(result.log.written));
  if (result.log.dropped != 0) {
    text += fmt::format(", {} DROPPED because the log was full (--log-full wait loses none)",
                        format_count(result.log.dropped));
  }
  if (result.log.write_errors != 0) {
    text += fmt::format(", {} LOST to write errors", format_count(result.log.write_errors));
  }
  return text + "\n";
}

}  // namespace

std::string summary_text(const RunResult& result) {
  const Counts& counts = result.totals.counts();
  return headline(result) + times(result.totals) + servers(result.totals) + "\n" +
         statuses(counts) + endings(counts) + traffic(result) + log_line(result);
}

}  // namespace giliran::client
