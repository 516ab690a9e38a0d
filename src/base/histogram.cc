#include "base/histogram.h"

#include <fmt/format.h>

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
  counts_.resize(size());
}

Result<Histogram> Histogram::restore(Options options, std::span<const Bucket> buckets, uint64_t min,
                                     uint64_t max, double mean) {
  Histogram h(options);
  size_t next = 0;
  for (const Bucket& b : buckets) {
    const size_t i = b.lowest > options.highest ? h.counts_.size() : h.index_of(b.lowest);
    const bool fits = i < h.counts_.size() && h.lowest_at(i) == b.lowest &&
                      h.lowest_at(i) + (h.width_at(i) - 1) == b.highest;
    const bool countable = b.count != 0 && b.count <= UINT64_MAX - h.count_;
    if (!fits || !countable || i < next) {
      return fail(fmt::format("[{}, {}, {}] is no bucket of a histogram with {} digits{}", b.lowest,
                              b.highest, b.count, options.digits,
                              fits && countable ? " at this place" : ""));
    }
    h.counts_[i] = b.count;
    h.count_ += b.count;
    next = i + 1;
  }
  if (h.count_ == 0) return h;
  const Bucket& first = buckets.front();
  const Bucket& last = buckets.back();
  const bool may_be_clamped = next == h.counts_.size();
  if (min > max || min < first.lowest || (min > first.highest && !may_be_clamped) ||
      max < last.lowest || (max > last.highest && !may_be_clamped)) {
    return fail(fmt::format("{} to {} are not the least and the greatest value of these buckets",
                            min, max));
  }
  // A mean that was written in another unit may be off by its last digit.
  const double within = std::clamp(mean, static_cast<double>(min), static_cast<double>(max));
  if (!(std::abs(mean - within) <= 1e-9 * within)) {
    return fail(fmt::format("a mean of {} is not between {} and {}", mean, min, max));
  }
  h.min_ = min;
  h.max_ = max;
  // How many were clamped is not among what is told: at least the greatest one.
  if (max > options.highest) h.clamped_ = 1;
  h.sum_ = static_cast<unsigned __int128>(
      static_cast<long double>(mean) * static_cast<long double>(h.count_) + 0.5L);
  return h;
}

void Histogram::record(uint64_t value, uint64_t count) {
  if (count == 0) return;
  if (value > options_.highest) clamped_ += count;
  const size_t index = index_of(std::min(value, options_.highest));
  if (index - first_ >= counts_.size()) [[unlikely]] {
    cover(0, size());
  }
  counts_[index - first_] += count;
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
  cover(other.first_, other.first_ + other.counts_.size());
  for (size_t i = 0; i < other.counts_.size(); ++i) {
    counts_[other.first_ - first_ + i] += other.counts_[i];
  }
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

void Histogram::trim() {
  size_t begin = 0;
  size_t end = counts_.size();
  while (begin < end && counts_[begin] == 0) ++begin;
  while (end > begin && counts_[end - 1] == 0) --end;
  counts_ = std::vector<uint64_t>(counts_.begin() + static_cast<std::ptrdiff_t>(begin),
                                  counts_.begin() + static_cast<std::ptrdiff_t>(end));
  first_ += begin;
}

// Makes room for the buckets of [first, end), keeping what there is.
void Histogram::cover(size_t first, size_t end) {
  if (first >= end || (first >= first_ && end <= first_ + counts_.size())) return;
  if (counts_.empty()) first_ = first;
  const size_t new_first = std::min(first, first_);
  std::vector<uint64_t> wider(std::max(end, first_ + counts_.size()) - new_first);
  std::ranges::copy(counts_, wider.begin() + static_cast<std::ptrdiff_t>(first_ - new_first));
  counts_ = std::move(wider);
  first_ = new_first;
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
    if (seen < wanted) continue;
    return std::min(lowest_at(first_ + i) + (width_at(first_ + i) - 1), max_);
  }
  return max_;
}

uint64_t Histogram::count_at_or_below(uint64_t v) const {
  if (v >= max_) return count_;
  const size_t end = index_of(std::min(v, options_.highest)) + 1;
  // The last bucket also holds the clamped values, which are above v.
  if (end == size()) return count_ - clamped_;
  uint64_t seen = 0;
  for (size_t i = first_; i < std::min(end, first_ + counts_.size()); ++i) {
    seen += counts_[i - first_];
  }
  return seen;
}

void Histogram::each(const std::function<void(uint64_t, uint64_t, uint64_t)>& visit) const {
  for (size_t i = 0; i < counts_.size(); ++i) {
    if (counts_[i] == 0) continue;
    const size_t index = first_ + i;
    visit(lowest_at(index), lowest_at(index) + (width_at(index) - 1), counts_[i]);
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
