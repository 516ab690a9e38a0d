// The High Dynamic Range histogram (Gil Tene's HdrHistogram): counts of integer values with a
// bounded relative error, constant memory, constant-time record, exact merge.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "base/error.h"

namespace giliran::base {

class Histogram {
 public:
  struct Options {
    uint64_t highest =
        3'600'000'000'000;  // highest value told apart; above it: clamped and counted
    int digits = 3;         // significant decimal digits, 1..5
  };
  struct Bucket {
    uint64_t lowest = 0;
    uint64_t highest = 0;
    uint64_t count = 0;
    bool operator==(const Bucket&) const = default;
  };
  Histogram() : Histogram(Options{}) {}
  explicit Histogram(Options options);
  // The histogram whose each() visited these buckets, and which said these of itself: counts,
  // percentiles and merges are exactly its own, the mean to the precision of a double. An error
  // where no histogram with these options can have: it names the bucket.
  static Result<Histogram> restore(Options options, std::span<const Bucket> buckets, uint64_t min,
                                   uint64_t max, double mean);

  void record(uint64_t value, uint64_t count = 1);
  // Adds what a stalled closed loop did not measure: value - interval, value - 2 interval, ...
  void record_corrected(uint64_t value, uint64_t expected_interval);
  // Exact where both have the same options; an error otherwise.
  Result<void> add(const Histogram& other);
  void reset();
  // Gives back the memory outside of the range used so far. What is recorded or added later takes
  // what it needs again. For histograms that are kept after they were filled.
  void trim();

  uint64_t count() const { return count_; }
  uint64_t clamped() const { return clamped_; }  // values above `highest`
  uint64_t min() const;                          // 0 where empty
  uint64_t max() const { return max_; }          // exact, also where clamped
  double mean() const;                           // exact
  double stddev() const;                         // from the buckets, within their relative error
  // The highest value equivalent to the one at the percentile (0..100, nearest rank), never above
  // max(); max() itself at 100; 0 where empty.
  uint64_t percentile(double p) const;
  // Counts of values <= v, or equivalent to v.
  uint64_t count_at_or_below(uint64_t v) const;

  // Calls visit(lowest equivalent, highest equivalent, count) for every bucket that is not empty.
  void each(const std::function<void(uint64_t, uint64_t, uint64_t)>& visit) const;
  const Options& options() const { return options_; }

 private:
  size_t index_of(uint64_t value) const;
  uint64_t lowest_at(size_t index) const;
  uint64_t width_at(size_t index) const;
  size_t size() const { return index_of(options_.highest) + 1; }  // of all buckets
  void cover(size_t first, size_t end);

  Options options_;
  int sub_bucket_bits_ = 0;  // sub-buckets of the first bucket: 1 << bits
  // Counts of the buckets from first_ on; all of them, unless trimmed.
  size_t first_ = 0;
  std::vector<uint64_t> counts_;
  uint64_t count_ = 0;
  uint64_t clamped_ = 0;
  uint64_t min_ = UINT64_MAX;
  uint64_t max_ = 0;
  unsigned __int128 sum_ = 0;
};

}  // namespace giliran::base
