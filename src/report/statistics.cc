#include "report/statistics.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace giliran::report {
namespace {

constexpr double kWanted = 0.95;

// P(at most k of n fair coins show heads). Of many coins 2^-n vanishes: logarithms.
double binomial_at_most(size_t k, size_t n) {
  double log_choose = -static_cast<double>(n) * std::log(2.0);
  double sum = std::exp(log_choose);
  for (size_t i = 1; i <= k; ++i) {
    log_choose += std::log(static_cast<double>(n - i + 1)) - std::log(static_cast<double>(i));
    sum += std::exp(log_choose);
  }
  return sum;
}

}  // namespace

std::string Median::method() const {
  if (count == 0) return "no values";
  if (count == 1) return "one value: no interval";
  return fmt::format("median of {}; order statistics hold the true one with {:.0f} %", count,
                     std::floor(confidence * 100));
}

Median median(std::span<const double> values) {
  if (values.empty()) return {};
  std::vector<double> sorted(values.begin(), values.end());
  std::ranges::sort(sorted);
  const size_t n = sorted.size();
  size_t outside = 0;  // values left out at each end
  while (2 * (outside + 2) <= n && 1 - 2 * binomial_at_most(outside + 1, n) >= kWanted) ++outside;
  return {.count = n,
          .value = quantile(sorted, 0.5),
          .low = sorted[outside],
          .high = sorted[n - 1 - outside],
          .confidence = std::max(0.0, 1 - 2 * binomial_at_most(outside, n))};
}

double quantile(std::span<const double> sorted, double q) {
  const double place = std::clamp(q, 0.0, 1.0) * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(place);
  if (below + 1 >= sorted.size()) return sorted.back();
  const double part = place - static_cast<double>(below);
  return sorted[below] + part * (sorted[below + 1] - sorted[below]);
}

}  // namespace giliran::report
