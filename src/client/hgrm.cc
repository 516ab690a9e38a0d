#include "client/hgrm.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace giliran::client {
namespace {

constexpr int kTicksPerHalving = 5;
constexpr double kNsPerMs = 1e6;

struct Bucket {
  uint64_t highest = 0;
  uint64_t count_to = 0;  // of values up to `highest`
};

std::vector<Bucket> buckets(const base::Histogram& histogram) {
  std::vector<Bucket> list;
  uint64_t sum = 0;
  histogram.each([&](uint64_t, uint64_t highest, uint64_t count) {
    sum += count;
    list.push_back({.highest = highest, .count_to = sum});
  });
  return list;
}

double ms(uint64_t ns) {
  return static_cast<double>(ns) / kNsPerMs;
}

// How far the next line is from `percentile`: half of what is left to 100, halved as often as it
// was before, in five steps.
double step(double percentile) {
  const double left = 100 - percentile;
  const double halvings = std::floor(std::log2(100 / left)) + 1;
  return 100 / (kTicksPerHalving * std::exp2(halvings));
}

// HdrHistogram's own: how it divides the values.
std::string footer(const base::Histogram& histogram) {
  const double digits = std::pow(10, histogram.options().digits);
  const auto sub_buckets = static_cast<uint64_t>(std::exp2(std::ceil(std::log2(2 * digits))));
  int count = 1;
  for (uint64_t reach = sub_buckets; reach <= histogram.options().highest / 2; reach *= 2) ++count;
  return fmt::format(
      "#[Mean    = {:12.3f}, StdDeviation   = {:12.3f}]\n"
      "#[Max     = {:12.3f}, Total count    = {:12}]\n"
      "#[Buckets = {:12}, SubBuckets     = {:12}]\n",
      histogram.mean() / kNsPerMs, histogram.stddev() / kNsPerMs, ms(histogram.max()),
      histogram.count(), count + 1, sub_buckets);
}

}  // namespace

std::string hgrm_text(const base::Histogram& histogram) {
  std::string text = fmt::format("{:>12} {:>14} {:>10} {:>14}\n\n", "Value", "Percentile",
                                 "TotalCount", "1/(1-Percentile)");
  const auto total = static_cast<double>(histogram.count());
  double percentile = 0;
  for (const Bucket& bucket : buckets(histogram)) {
    const double reached = 100 * static_cast<double>(bucket.count_to) / total;
    const double value = ms(std::min(bucket.highest, histogram.max()));
    while (percentile <= reached && percentile < 100) {
      text += fmt::format("{:12.3f} {:2.12f} {:10} {:14.2f}\n", value, percentile / 100,
                          bucket.count_to, 1 / (1 - percentile / 100));
      percentile += step(percentile);
      if (bucket.count_to == histogram.count()) break;  // the last line follows
    }
  }
  if (histogram.count() != 0) {
    text += fmt::format("{:12.3f} {:2.12f} {:10} {:>14}\n", ms(histogram.max()), 1.0,
                        histogram.count(), "inf");
  }
  return text + footer(histogram);
}

}  // namespace giliran::client
