// Two results of the client, or two sets of repeated ones: is B better or worse than A? Pure.
//
// Percentiles come from the whole histograms. How sure they are comes from resampling the run's
// intervals: a moving-block bootstrap over time, because neighbouring intervals are alike (Kuensch
// 1989). The length of a block is that of Politis and White 2004 for the autocorrelation that the
// intervals' mean response times show, at least n^(1/3). Intervals of few blocks are widened by
// Student's t, as Hesterberg 2015 ("What Teachers Should Know about the Bootstrap") advises.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "report/client_result.h"

namespace giliran::report {

// All intervals are of this confidence: among a dozen rows a false difference is to be rare.
constexpr double kCompareConfidence = 0.99;
// A share of errors that differs by less is no difference.
constexpr double kErrorsThreshold = 0.001;
// Fewer intervals a side make weak statistics: it is said.
constexpr size_t kFewIntervals = 10;

struct CompareOptions {
  double threshold = 0.05;  // a smaller change is no difference
  size_t resamples = 2000;
  uint64_t seed = 1;  // the same files give the same numbers
};

enum class Change : uint8_t { kNone, kBetter, kWorse, kMixed, kNotJudged };
std::string_view name(Change change);  // "no difference shown", "better", ...

struct ComparedRow {
  std::string metric;  // response_time, service_time, rate, errors
  std::string what{};  // p99; empty: nothing to say
  std::string unit{};  // us, 1/s, share
  double a = 0;
  double b = 0;
  std::optional<double> change{};  // b / a - 1; errors: b - a; none where a is 0
  struct Interval {
    double low = 0;
    double high = 0;
  };
  std::optional<Interval> interval{};  // of the change
  Change verdict = Change::kNotJudged;
  std::string why{};  // where not judged
};

// One side: the files of repeated runs of one thing.
struct ComparedSide {
  std::vector<std::string> files;
  std::string url;
  std::string loop;
  ClientTotals totals;
  double measured_s = 0;
  double rate = 0;                              // answers per second while requests were issued
  base::Histogram service_time, response_time;  // ns
  size_t intervals = 0;                         // that can be resampled
  size_t block_intervals = 1;
  std::vector<std::string> limited;       // why clients were CLIENT-LIMITED; empty: none was
  std::vector<ClientInterval> over_time;  // of the first file, without warm-up

  double errors_share() const;
};

struct Compared {
  CompareOptions options;
  ComparedSide a, b;
  std::vector<ComparedRow> rows{};
  std::vector<std::string> warnings{};
  Change verdict = Change::kNone;

  std::string sentence() const;
};

// Both sides have at least one.
Compared compare(std::span<const ClientResult> a, std::span<const ClientResult> b,
                 const CompareOptions& options);

// docs/formats/compare.md
nlohmann::ordered_json to_json(const Compared& compared);
// Several lines for people.
std::string text(const Compared& compared);

}  // namespace giliran::report
