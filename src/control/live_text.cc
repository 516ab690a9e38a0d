#include "control/live_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "report/format.h"

namespace giliran::control {
namespace {

using terminal::LiveLine;

std::string time(const base::Histogram& total, double percentile) {
  if (total.count() == 0) return "-";
  return report::format_latency(base::Duration(static_cast<int64_t>(total.percentile(percentile))));
}

// "1:01", "25:00:09"
std::string clock_text(base::Duration d) {
  const auto s = std::chrono::floor<std::chrono::seconds>(d).count();
  const std::string hours = s < 3600 ? "" : fmt::format("{}:", s / 3600);
  return fmt::format("{}{:0{}}:{:02}", hours, s / 60 % 60, s < 3600 ? 1 : 2, s % 60);
}

}  // namespace

std::vector<LiveLine> live_lines(const LiveFigures& f, size_t columns, size_t rows) {
  using Style = LiveLine::Style;
  const double seconds = base::to_seconds(f.interval);
  const double rate = seconds <= 0 ? 0 : static_cast<double>(f.seen.records) / seconds;
  const uint64_t errors = f.errors_before + f.seen.errors;
  std::vector<LiveLine> lines = {
      {.text = fmt::format("{}   {} in flight   {} connection{}   up {}", report::format_rate(rate),
                           report::format_count(f.in_flight), report::format_count(f.connections),
                           base::plural(f.connections), clock_text(f.up)),
       .style = Style::kStrong},
      {.text = fmt::format("  p50 {}   p99 {}   max {}", time(f.seen.total, 50),
                           time(f.seen.total, 99), time(f.seen.total, 100))},
      {.text = fmt::format("  {} error{} now, {} of {} since the start",
                           report::format_count(f.seen.errors), base::plural(f.seen.errors),
                           report::format_count(errors),
                           report::format_count(f.records_before + f.seen.records)),
       .style = f.seen.errors != 0 ? Style::kAlarm : Style::kPlain}};
  lines.resize(std::min(lines.size(), rows));
  const size_t left = rows - lines.size();
  std::ranges::move(terminal::share_lines(f.servers, columns, left), std::back_inserter(lines));
  return lines;
}

}  // namespace giliran::control
