// What must hold between the points of a scenario: "p99 of least-requests < 0.5 * p99 of
// round-robin", "rate of threads-16 > 2k". Judged on the medians over the repetitions.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "lab/scenario.h"
#include "report/expect.h"

namespace giliran::lab {

class ParsedClaim {
 public:
  // Whether a text is meant to be a claim, and not a threshold for every run: it has " of ".
  static bool meant(std::string_view text);
  // METRIC of POINT OPERATOR [NUMBER *] METRIC of POINT, or METRIC of POINT OPERATOR VALUE. Metrics
  // and values: report/expect.h; errors are a share, with a %. Operators: < <= > >=.
  static base::Result<ParsedClaim> parse(std::string_view text);

  // The points it names: one or two.
  std::vector<std::string> points() const;

  // values: of each finished repetition of a point, as Expectation::value() has them; negative ones
  // count for nothing.
  using Values =
      std::function<std::vector<double>(std::string_view point, const report::Expectation& metric)>;
  // `measured` is the two sides as they were compared, "100 ms < 0.8 × 273 ms", and what is true of
  // them: "300 ms ≥ 0.8 × 273 ms" where it is not met. Not met, with a "?", where there is nothing
  // to compare.
  report::Expected judge(const Values& values) const;

 private:
  struct Side {
    report::Expectation metric;
    std::string point;
    double factor = 1;
  };
  static base::Result<Side> parse_side(std::string_view text);
  static std::optional<double> median(const Side& side, const Values& values);  // factor apart
  static std::string shown(const Side& side, const std::optional<double>& value);

  std::string text_;
  std::string operator_;
  Side left_{};
  std::optional<Side> right_{};  // none: a bound within left_.metric
};

}  // namespace giliran::lab
