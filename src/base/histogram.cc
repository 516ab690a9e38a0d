#include "base/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "base/assert.h"

namespace giliran::base {
namespace {

int bits_for(int digits) {
  uint64_t values = 2;
  for (int i = 0; i < digits; ++i) values *= 10;
  return static_cast<int>(std::bit_width(values - 1));
}

}  // namespace

// Layout: bucket b holds values of sub_bucket_bits_ + b bits in steps of 2^b. Every bucket but the
// first uses only the upper half of its sub-buckets, so that they line up in one array.
Histogram::Histogram(Options options) : options_(options) {
  GILIRAN_ASSERT(options.digits >= 1 && options.digits <= 5 && options.highest >= 1);
  sub_bucket_bits_ = bits_for(options.digits);
  counts_.resize(index_of(options.highest) + 1);
}

void Histogram::record(uint64_t value, uint64_t count) {
  if (count == 0) return;
  if (value > options_.highest) clamped_ += count;
  counts_[index_of(std::min(value, options_.highest))] += count;
  count_ += count;
  min_ = std::min(min_, value);
  max_ = std::max(max_, value);
  sum_ += static_cast<unsigned __int128>(value) * count;
}

void Histogram::record_corrected(uint64_t value, uint64_t expected_interval) {
  record(value);
  if (expected_interval == 0) return;
  while (value >= 2 * static_cast<unsigned __int128>(expected_interval)) {
    value -= expected_interval;
    record(value);
  }
}

Result<void> Histogram::add(const Histogram& other) {
  if (options_.highest != other.options_.highest || options_.digits != other.options_.digits) {
    return fail("histograms of different ranges or precisions cannot be added exactly");
  }
  for (size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
  count_ += other.count_;
  clamped_ += other.clamped_;
  min_ = std::min(min_, other.min_);
  max_ = std::max(max_, other.max_);
  sum_ += other.sum_;
  return {};
}

void Histogram::reset() {
  std::ranges::fill(counts_, 0);
  count_ = clamped_ = max_ = 0;
  min_ = UINT64_MAX;
  sum_ = 0;
}

uint64_t Histogram::min() const {
  return count_ == 0 ? 0 : min_;
}

double Histogram::mean() const {
  return count_ == 0 ? 0 : static_cast<double>(sum_) / static_cast<double>(count_);
}

double Histogram::stddev() const {
  if (count_ == 0) return 0;
  const double center = mean();
  double squares = 0;
  each([&](uint64_t lowest, uint64_t highest, uint64_t count) {
    const double middle = static_cast<double>(lowest) + static_cast<double>(highest - lowest) / 2;
    squares += (middle - center) * (middle - center) * static_cast<double>(count);
  });
  return std::sqrt(squares / static_cast<double>(count_));
}

uint64_t Histogram::percentile(double p) const {
  if (count_ == 0) return 0;
  if (p >= 100) return max_;
  // One step down first, so that 99.9 % of 1000, which is 999.0000000000001 here, is rank 999.
  const double rank = std::ceil(std::nextafter(p, 0.0) / 100 * static_cast<double>(count_));
  const uint64_t wanted =
      rank <= 1 ? 1 : (rank >= static_cast<double>(count_) ? count_ : static_cast<uint64_t>(rank));
  uint64_t seen = 0;
  for (size_t i = 0; i < counts_.size(); ++i) {
    seen += counts_[i];
    if (seen >= wanted) return std::min(lowest_at(i) + (width_at(i) - 1), max_);
  }
  return max_;
}

uint64_t Histogram::count_at_or_below(uint64_t v) const {
  if (v >= max_) return count_;
  const size_t end = index_of(std::min(v, options_.highest)) + 1;
  // The last bucket also holds the clamped values, which are above v.
  if (end == counts_.size()) return count_ - clamped_;
  uint64_t seen = 0;
  for (size_t i = 0; i < end; ++i) seen += counts_[i];
  return seen;
}

void Histogram::each(const std::function<void(uint64_t, uint64_t, uint64_t)>& visit) const {
  for (size_t i = 0; i < counts_.size(); ++i) {
    if (counts_[i] != 0) visit(lowest_at(i), lowest_at(i) + (width_at(i) - 1), counts_[i]);
  }
}

size_t Histogram::index_of(uint64_t value) const {
  const uint64_t mask = (uint64_t{1} << sub_bucket_bits_) - 1;
  const int bucket = static_cast<int>(std::bit_width(value | mask)) - sub_bucket_bits_;
  return (static_cast<size_t>(bucket) << (sub_bucket_bits_ - 1)) + (value >> bucket);
}

uint64_t Histogram::lowest_at(size_t index) const {
  const uint64_t half = uint64_t{1} << (sub_bucket_bits_ - 1);
  if (index < 2 * half) return index;
  return ((index & (half - 1)) + half) << ((index >> (sub_bucket_bits_ - 1)) - 1);
}

uint64_t Histogram::width_at(size_t index) const {
  const size_t bucket = index >> (sub_bucket_bits_ - 1);
  return bucket <= 1 ? 1 : uint64_t{1} << (bucket - 1);
}

}  // namespace giliran::base
