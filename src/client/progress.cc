#include "client/progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/assert.h"
#include "client/plan_loop.h"
#include "report/format.h"
#include "report/json_text.h"
#include "report/table.h"
#include "terminal/shares.h"

namespace giliran::client {
namespace {

using report::format_count;
using report::format_latency;
using report::format_rate;

// Fewer answers than these in an interval tell nothing of shares.
constexpr uint64_t kAnswersTelling = 50;

base::Duration at(const base::Histogram& histogram, double percentile) {
  return base::Duration(static_cast<int64_t>(histogram.percentile(percentile)));
}

nlohmann::ordered_json rounded_us(const base::Histogram& histogram, double percentile) {
  if (histogram.count() == 0) return nullptr;
  return static_cast<double>(histogram.percentile(percentile) / 100) / 10;
}

double one_decimal(double x) {
  return static_cast<double>(static_cast<int64_t>(x * 10 + 0.5)) / 10;
}

std::string times(std::string_view name, const base::Histogram& histogram) {
  if (histogram.count() == 0) return fmt::format("  {:<22}{:>10}", name, "-");
  std::string text = fmt::format("  {:<22}", name);
  for (const double p : {50.0, 90.0, 99.0, 100.0}) {
    const std::string cell = format_latency(at(histogram, p));
    text.append(11 - std::min<size_t>(10, report::width(cell)), ' ');
    text += cell;
  }
  return text;
}

}  // namespace

void ProgressMeter::look(Live now, base::Duration since) {
  served_before_.clear();
  for (auto& [name, answers] : now_.servers) served_before_[name] = answers;
  answered_before_ = now_.counts.answered;
  before_ = since_;
  now_ = std::move(now);
  since_ = since;
  const auto response = response_.add(now_.interval);
  const auto service = service_.add(now_.service);
  GILIRAN_ASSERT(response.has_value() && service.has_value());
}

double ProgressMeter::rate() const {
  const double seconds = base::to_seconds(since_ - before_);
  const uint64_t answered = now_.counts.answered - answered_before_;
  return seconds <= 0 ? 0 : static_cast<double>(answered) / seconds;
}

std::optional<double> ProgressMeter::planned_rate() const {
  if (plan_ == nullptr || plan_->loop == Loop::kClosed) return std::nullopt;
  if (plan_->arrivals != Arrivals::kReplay) return plan_->profile.rate_at(since_);
  const auto& due = plan_->replay_due;
  const auto count = std::ranges::lower_bound(due, since_) - std::ranges::lower_bound(due, before_);
  const double seconds = base::to_seconds(since_ - before_);
  return seconds <= 0 ? 0 : static_cast<double>(count) / seconds;
}

std::optional<base::Duration> ProgressMeter::left() const {
  if (plan_ == nullptr) return std::nullopt;
  const base::Duration end = planned_length(*plan_);
  if (end.count() == 0) return std::nullopt;
  return std::max(end - since_, base::Duration{});
}

std::vector<LiveLine> ProgressMeter::block(size_t columns, size_t rows) const {
  using Style = LiveLine::Style;
  const Counts& counts = now_.counts;
  std::string time = fmt::format("{:.1f} s", base::to_seconds(since_));
  if (const auto rest = left()) {
    time += rest->count() == 0 ? ", waiting for the last answers"
                               : fmt::format(", {:.0f} s left", base::to_seconds(*rest));
  } else if (plan_ != nullptr && plan_->requests != 0) {
    time += fmt::format(", {} of the requests",
                        report::format_share(counts.answered + counts.failed, plan_->requests));
  }
  if (warming()) time += "  WARM-UP";
  std::string rates = format_rate(rate());
  if (const auto planned = planned_rate()) rates += " of " + format_rate(*planned) + " planned";
  std::string state = fmt::format("  in flight {}", format_count(now_.in_flight()));
  if (now_.backlog() != 0) state += fmt::format("   WAITING {}", format_count(now_.backlog()));
  std::vector<LiveLine> lines = {
      {.text = fmt::format("{}   {}", rates, time), .style = Style::kStrong},
      {.text = fmt::format("  {} answered   {} errors{}", format_count(counts.answered),
                           format_count(counts.errors()), state),
       .style = counts.errors() != 0 ? Style::kAlarm : Style::kPlain},
      {.text = fmt::format("  {:<22}{:>11}{:>11}{:>11}{:>11}", "", "p50", "p90", "p99", "max"),
       .style = Style::kFaint},
      {.text = times("response time, now", now_.interval)},
      {.text = times("response time, overall", response_)},
      {.text = times("service time, overall", service_), .style = Style::kFaint}};
  if (lines.size() > rows) lines.resize(std::max<size_t>(rows, 1));
  if (lines.size() < rows) add_servers(columns, rows - lines.size(), lines);
  return lines;
}

void ProgressMeter::add_servers(size_t columns, size_t rows, std::vector<LiveLine>& lines) const {
  const bool recent = now_.counts.answered - answered_before_ >= kAnswersTelling;
  std::vector<terminal::Share> shares;
  uint64_t all = 0;
  for (const auto& [name, count] : now_.servers) {
    const auto before = served_before_.find(name);
    const uint64_t n = recent && before != served_before_.end() ? count - before->second : count;
    shares.push_back({.name = name, .count = n});
    all += n;
  }
  if (shares.size() < 2 || all == 0) return;
  std::ranges::move(terminal::share_lines(shares, columns, rows), std::back_inserter(lines));
}

std::string ProgressMeter::json() const {
  using Json = nlohmann::ordered_json;
  const auto rest = left();
  const auto planned = planned_rate();
  Json object;
  object["t_s"] = static_cast<double>(since_.count() / 1'000'000) / 1e3;
  object["left_s"] = rest ? Json(static_cast<double>(rest->count() / 1'000'000) / 1e3) : Json();
  if (warming()) object["warmup"] = true;
  object["requests"] = now_.counts.answered + now_.counts.failed;
  object["rate"] = one_decimal(rate());
  object["rate_planned"] = planned ? Json(one_decimal(*planned)) : Json();
  object["p50_us"] = rounded_us(now_.interval, 50);
  object["p99_us"] = rounded_us(now_.interval, 99);
  object["max_us"] = rounded_us(now_.interval, 100);
  object["service_p50_us"] = rounded_us(now_.service, 50);
  object["service_p99_us"] = rounded_us(now_.service, 99);
  object["total_p50_us"] = rounded_us(response_, 50);
  object["total_p99_us"] = rounded_us(response_, 99);
  object["errors"] = now_.counts.errors();
  object["in_flight"] = now_.in_flight();
  object["backlog"] = now_.backlog();
  object["servers"] = Json::object();
  for (const auto& [name, answers] : now_.servers) object["servers"][name] = answers;
  return report::json_text(object) + "\n";
}

}  // namespace giliran::client
