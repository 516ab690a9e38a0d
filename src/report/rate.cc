#include "report/rate.h"

#include <algorithm>

namespace giliran::report {

namespace {

int64_t floor_divide(int64_t a, int64_t b) {
  return a >= 0 ? a / b : -((-a + b - 1) / b);
}

}  // namespace

void RateTally::add(base::WallTime at, bool error) {
  if (at.ns == 0) return;  // not known
  int64_t bucket = floor_divide(at.ns, interval_ns_);
  if (buckets_.empty()) first_ = bucket;
  for (;;) {
    const int64_t low = std::min(first_, bucket);
    const int64_t high = std::max(first_ + static_cast<int64_t>(buckets_.size()), bucket + 1);
    if (high - low <= static_cast<int64_t>(kBucketsMax)) break;
    coarsen();
    bucket = floor_divide(at.ns, interval_ns_);
  }
  if (bucket < first_) {
    buckets_.insert(buckets_.begin(), static_cast<size_t>(first_ - bucket), {});
    first_ = bucket;
  }
  const auto index = static_cast<size_t>(bucket - first_);
  if (index >= buckets_.size()) buckets_.resize(index + 1);
  ++buckets_[index].count;
  if (error) ++buckets_[index].errors;
}

void RateTally::coarsen() {
  interval_ns_ *= 10;
  const int64_t first = floor_divide(first_, 10);
  std::vector<RateBucket> wider;
  for (size_t i = 0; i < buckets_.size(); ++i) {
    const auto index =
        static_cast<size_t>(floor_divide(first_ + static_cast<int64_t>(i), 10) - first);
    if (index >= wider.size()) wider.resize(index + 1);
    wider[index].count += buckets_[i].count;
    wider[index].errors += buckets_[i].errors;
  }
  first_ = first;
  buckets_ = std::move(wider);
}

RateOverTime RateTally::result() const {
  return {.begin = {first_ * interval_ns_},
          .interval = base::Duration(interval_ns_),
          .buckets = buckets_};
}

std::vector<RateBucket> squeeze(const std::vector<RateBucket>& buckets, size_t columns) {
  const size_t width = (buckets.size() + columns - 1) / columns;
  std::vector<RateBucket> out;
  for (size_t i = 0; i < buckets.size(); ++i) {
    if (i % width == 0) out.emplace_back();
    out.back().count += buckets[i].count;
    out.back().errors += buckets[i].errors;
  }
  return out;
}

}  // namespace giliran::report
