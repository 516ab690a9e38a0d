// What few repetitions say: medians with intervals that assume nothing about the distribution.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace giliran::report {

// The median of repetitions and an interval for the median of all that might have been made.
struct Median {
  size_t count = 0;
  double value = 0;  // of an even number: the mean of the two in the middle
  double low = 0;    // of the interval: two of the values
  double high = 0;
  // That the interval holds the true median, whatever the distribution: at least 0.95 from six
  // values on; of fewer values the interval is all of them and holds it with 1 - 2^(1-count).
  double confidence = 0;

  // "median of 5; order statistics hold the true one with 93 %"
  std::string method() const;
};

// The interval is from the k-th least to the k-th greatest value, with the largest k that gives 95
// % (the sign test turned round: Conover, Practical Nonparametric Statistics, 3.2). No values:
// zeros. They must be finite.
Median median(std::span<const double> values);

// The value below which the part `q` (0..1) lies, in a straight line between neighbours (R's type
// 7). `sorted` must not be empty.
double quantile(std::span<const double> sorted, double q);

}  // namespace giliran::report
