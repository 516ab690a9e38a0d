// What a run is expected to show: "p99<10ms", "errors<0.1%", "rate>5k". Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/histogram.h"

namespace giliran::report {

// What is looked at. Histograms are borrowed, in ns; null: not measured.
struct Measured {
  const base::Histogram* response = nullptr;
  const base::Histogram* service = nullptr;
  const base::Histogram* connect = nullptr;
  const base::Histogram* lag = nullptr;
  const base::Histogram* wait = nullptr;
  uint64_t ended = 0;   // answered + failed
  uint64_t errors = 0;  // failed, or a status of 400 or more
  double rate = 0;      // answers per second
};

// A threshold with what was measured.
struct Expected {
  std::string text;      // as it was written, without spaces
  std::string measured;  // "12.3 ms"; "-" where there was nothing to measure
  bool met = false;      // never where there was nothing to measure
};

class Expectation {
 public:
  // METRIC OPERATOR VALUE. Metrics: errors (a share where the value ends with %, else a count),
  // rate (per second), and p50, p99.9 (any percentile), mean, max or min of a time: of the response
  // time, or with a prefix of another: service.p99, connect.max, lag.p99, wait.p99. Operators: < <=
  // > >=. An error says what was expected, with the nearest name.
  static base::Result<Expectation> parse(std::string_view text);
  // Several, separated by commas; at least one.
  static base::Result<std::vector<Expectation>> parse_list(std::string_view text);

  Expected judge(const Measured& measured) const;
  // The measured number in the unit of bound(): ns, share, count or 1/s; negative where there was
  // nothing to measure.
  double value(const Measured& measured) const;
  double bound() const { return bound_; }
  bool holds(double value) const;
  std::string shown(double value) const;  // "12.3 ms", "0.1%"; "-" for nothing
  const std::string& text() const { return text_; }

 private:
  enum class Metric : uint8_t { kErrorShare, kErrorCount, kRate, kPercentile, kMean, kMax, kMin };
  enum class Of : uint8_t { kResponse, kService, kConnect, kLag, kWait };
  enum class Operator : uint8_t { kBelow, kAtMost, kAbove, kAtLeast };

  base::Result<void> set_metric(std::string_view name, std::string_view value);
  base::Result<void> set_bound(std::string_view value);
  const base::Histogram* histogram(const Measured& measured) const;

  std::string text_;
  Metric metric_ = Metric::kRate;
  Of of_ = Of::kResponse;
  Operator operator_ = Operator::kBelow;
  double percentile_ = 0;
  double bound_ = 0;
};

std::vector<Expected> judge(const std::vector<Expectation>& all, const Measured& measured);
// "p99<10ms: 12.3 ms" each, a line; where not met, "NOT MET" in front.
std::string text(const std::vector<Expected>& all);

}  // namespace giliran::report
