#include "report/expect.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/parse.h"
#include "base/text.h"
#include "report/format.h"

namespace giliran::report {
namespace {

constexpr std::string_view kForms =
    "expected a threshold such as p99<10ms, errors<0.1%, rate>5k, service.p99<=2ms";
constexpr std::array<std::string_view, 7> kMetrics = {"errors", "rate", "mean", "max",
                                                      "min",    "p50",  "p99"};
constexpr std::array<std::string_view, 5> kTimes = {"response", "service", "connect", "lag",
                                                    "wait"};
constexpr double kNothing = -1;

std::unexpected<base::Error> refuse(std::string_view text, std::string_view why) {
  return base::fail(fmt::format("'{}': {}", text, why));
}

std::string did_you_mean(std::string_view word, std::span<const std::string_view> known) {
  const std::string_view nearest = base::nearest(word, known);
  return nearest.empty() ? std::string() : fmt::format(", did you mean {}?", nearest);
}

std::string without_spaces(std::string_view text) {
  std::string out(text);
  std::erase_if(out, [](char c) { return c == ' ' || c == '\t'; });
  return out;
}

}  // namespace

base::Result<Expectation> Expectation::parse(std::string_view text) {
  Expectation e;
  e.text_ = without_spaces(text);
  const std::string_view all = e.text_;
  const size_t at = all.find_first_of("<>=");
  if (at == std::string_view::npos || at == 0) return refuse(text, kForms);
  const bool below = all[at] == '<';
  const bool equal = at + 1 < all.size() && all[at + 1] == '=';
  if (all[at] == '=') return refuse(text, "expected one of < <= > >=");
  e.operator_ = below ? (equal ? Operator::kAtMost : Operator::kBelow)
                      : (equal ? Operator::kAtLeast : Operator::kAbove);
  const std::string_view value = all.substr(at + (equal ? 2 : 1));
  const auto metric = e.set_metric(all.substr(0, at), value);
  if (!metric) return refuse(text, metric.error().message);
  const auto bound = e.set_bound(value);
  if (!bound) return refuse(text, bound.error().message);
  return e;
}

base::Result<std::vector<Expectation>> Expectation::parse_list(std::string_view text) {
  std::vector<Expectation> list;
  std::string_view rest = text;
  std::string_view one;
  while (base::next_element(rest, one)) list.push_back(GILIRAN_TRY(parse(one)));
  if (list.empty()) return refuse(text, kForms);
  return list;
}

base::Result<void> Expectation::set_metric(std::string_view name, std::string_view value) {
  if (name == "errors") {
    metric_ = value.ends_with('%') ? Metric::kErrorShare : Metric::kErrorCount;
    return {};
  }
  if (name == "rate") {
    metric_ = Metric::kRate;
    return {};
  }
  const size_t dot = name.find('.');
  const std::string_view prefix = name.substr(0, dot);
  // The dot of p99.9 separates nothing.
  if (dot != std::string_view::npos &&
      !(prefix.starts_with('p') && prefix.size() > 1 && prefix[1] >= '0' && prefix[1] <= '9')) {
    const auto time = std::ranges::find(kTimes, prefix);
    if (time == kTimes.end()) {
      return base::fail(
          fmt::format("no time is called '{}', expected response, service, connect, "
                      "lag or wait{}",
                      prefix, did_you_mean(prefix, kTimes)));
    }
    of_ = static_cast<Of>(time - kTimes.begin());
    name.remove_prefix(dot + 1);
  }
  if (name == "mean" || name == "max" || name == "min") {
    metric_ = name == "mean" ? Metric::kMean : name == "max" ? Metric::kMax : Metric::kMin;
    return {};
  }
  if (name.starts_with('p')) {
    const auto percentile = base::parse_double(name.substr(1));
    if (percentile && *percentile > 0 && *percentile <= 100) {
      metric_ = Metric::kPercentile;
      percentile_ = *percentile;
      return {};
    }
  }
  return base::fail(
      fmt::format("nothing measured is called '{}', expected p50 to p100, mean, max, "
                  "min, errors or rate{}",
                  name, did_you_mean(name, kMetrics)));
}

base::Result<void> Expectation::set_bound(std::string_view value) {
  switch (metric_) {
    case Metric::kErrorShare:
      bound_ = GILIRAN_TRY(base::parse_fraction(value));
      break;
    case Metric::kErrorCount:
      bound_ = static_cast<double>(GILIRAN_TRY(base::parse_count(value)));
      break;
    case Metric::kRate:
      bound_ = GILIRAN_TRY(base::parse_rate(value));
      break;
    case Metric::kPercentile:
    case Metric::kMean:
    case Metric::kMax:
    case Metric::kMin:
      bound_ = static_cast<double>(GILIRAN_TRY(base::parse_duration(value)).count());
      break;
  }
  return {};
}

const base::Histogram* Expectation::histogram(const Measured& measured) const {
  const base::Histogram* found = nullptr;
  switch (of_) {
    case Of::kResponse:
      found = measured.response;
      break;
    case Of::kService:
      found = measured.service;
      break;
    case Of::kConnect:
      found = measured.connect;
      break;
    case Of::kLag:
      found = measured.lag;
      break;
    case Of::kWait:
      found = measured.wait;
      break;
  }
  return found == nullptr || found->count() == 0 ? nullptr : found;
}

double Expectation::value(const Measured& measured) const {
  const base::Histogram* const times = histogram(measured);
  const double nothing = kNothing;
  switch (metric_) {
    case Metric::kErrorShare:
      return measured.ended == 0
                 ? nothing
                 : static_cast<double>(measured.errors) / static_cast<double>(measured.ended);
    case Metric::kErrorCount:
      return measured.ended == 0 ? nothing : static_cast<double>(measured.errors);
    case Metric::kRate:
      return measured.rate;
    case Metric::kPercentile:
      return times == nullptr ? nothing : static_cast<double>(times->percentile(percentile_));
    case Metric::kMean:
      return times == nullptr ? nothing : times->mean();
    case Metric::kMax:
      return times == nullptr ? nothing : static_cast<double>(times->max());
    case Metric::kMin:
      return times == nullptr ? nothing : static_cast<double>(times->min());
  }
  return nothing;
}

bool Expectation::holds(double value) const {
  if (value < 0) return false;
  switch (operator_) {
    case Operator::kBelow:
      return value < bound_;
    case Operator::kAtMost:
      return value <= bound_;
    case Operator::kAbove:
      return value > bound_;
    case Operator::kAtLeast:
      return value >= bound_;
  }
  return false;
}

std::string Expectation::shown(double value) const {
  if (value < 0) return "-";
  switch (metric_) {
    case Metric::kErrorShare:
      return fmt::format("{:.3g}%", value * 100);
    case Metric::kErrorCount:
      return format_count(static_cast<uint64_t>(value));
    case Metric::kRate:
      return format_rate(value);
    case Metric::kPercentile:
    case Metric::kMean:
    case Metric::kMax:
    case Metric::kMin:
      return format_latency_us(value / 1e3);
  }
  return "-";
}

Expected Expectation::judge(const Measured& measured) const {
  const double found = value(measured);
  return {.text = text_, .measured = shown(found), .met = holds(found)};
}

std::vector<Expected> judge(const std::vector<Expectation>& all, const Measured& measured) {
  std::vector<Expected> judged;
  for (const Expectation& one : all) judged.push_back(one.judge(measured));
  return judged;
}

std::string text(const std::vector<Expected>& all) {
  std::string lines;
  for (const Expected& one : all) {
    lines += fmt::format("{}{}: {}\n", one.met ? "" : "NOT MET ", one.text, one.measured);
  }
  return lines;
}

}  // namespace giliran::report
