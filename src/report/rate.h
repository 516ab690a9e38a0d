// How many, over time, in bounded memory.
#pragma once

#include "report/report.h"

namespace giliran::report {

// Buckets of 100 ms that become ten times as wide whenever they would be more than 3,600.
class RateTally {
 public:
  static constexpr size_t kBucketsMax = 3600;
  void add(base::WallTime at, bool error);
  RateOverTime result() const;

 private:
  void coarsen();

  int64_t interval_ns_ = 100'000'000;
  int64_t first_ = 0;  // number of the first bucket since 1970
  std::vector<RateBucket> buckets_;
};

// At most `columns` values: neighbours added up.
std::vector<RateBucket> squeeze(const std::vector<RateBucket>& buckets, size_t columns);

}  // namespace giliran::report
