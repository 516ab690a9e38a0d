#include "client/progress.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/assert.h"
#include "report/format.h"
#include "report/table.h"

namespace giliran::client {
namespace {

base::Duration at(const base::Histogram& histogram, double percentile) {
  return base::Duration(static_cast<int64_t>(histogram.percentile(percentile)));
}

double rounded_us(const base::Histogram& histogram, double percentile) {
  return static_cast<double>(histogram.percentile(percentile) / 100) / 10;
}

}  // namespace

void ProgressMeter::look(Live now, base::Duration since) {
  answered_before_ = now_.counts.answered;
  before_ = since_;
  now_ = std::move(now);
  since_ = since;
  const auto added = so_far_.add(now_.interval);
  GILIRAN_ASSERT(added.has_value());
}

double ProgressMeter::rate() const {
  const double seconds = base::to_seconds(since_ - before_);
  const uint64_t answered = now_.counts.answered - answered_before_;
  return seconds <= 0 ? 0 : static_cast<double>(answered) / seconds;
}

std::string ProgressMeter::line(size_t columns) const {
  const uint64_t errors = now_.counts.errors();
  const std::string text =
      fmt::format("{:.1f} s  {}  p50 {}  p99 {}  {} error{}", base::to_seconds(since_),
                  report::format_rate(rate()), report::format_latency(at(so_far_, 50)),
                  report::format_latency(at(so_far_, 99)), report::format_count(errors),
                  errors == 1 ? "" : "s");
  return report::printable(text, columns);
}

std::string ProgressMeter::json() const {
  nlohmann::ordered_json object;
  object["t_s"] = static_cast<double>(since_.count() / 1'000'000) / 1e3;
  object["requests"] = now_.counts.answered + now_.counts.failed;
  object["rate"] = static_cast<double>(static_cast<int64_t>(rate() * 10 + 0.5)) / 10;
  if (now_.interval.count() != 0) {
    object["p50_us"] = rounded_us(now_.interval, 50);
    object["p99_us"] = rounded_us(now_.interval, 99);
    object["max_us"] = rounded_us(now_.interval, 100);
  } else {
    object["p50_us"] = object["p99_us"] = object["max_us"] = nullptr;
  }
  object["errors"] = now_.counts.errors();
  object["in_flight"] = now_.counts.issued - now_.counts.answered - now_.counts.failed;
  object["servers"] = nlohmann::ordered_json::object();
  for (const auto& [name, answers] : now_.servers) object["servers"][name] = answers;
  return object.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace giliran::client
