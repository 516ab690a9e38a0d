#include "base/histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/rng.h"

namespace giliran::base {
namespace {

constexpr uint64_t kHour = 3'600'000'000;

struct Known {
  double percentile;
  double value;
};

void expect_known(const Histogram& h, std::initializer_list<Known> all) {
  for (const auto& [p, value] : all) {
    EXPECT_NEAR(static_cast<double>(h.percentile(p)), value, value * 0.001) << p;
  }
}

// HdrHistogram's own test data: 10000 values of 1000 and a stall of 100 s, in microseconds.
struct Reference : ::testing::Test {
  Reference() : raw({.highest = kHour, .digits = 3}), corrected(raw) {
    for (int i = 0; i < 10'000; ++i) {
      raw.record(1000);
      corrected.record_corrected(1000, 10'000);
    }
    raw.record(100'000'000);
    corrected.record_corrected(100'000'000, 10'000);
  }
  Histogram raw;
  Histogram corrected;
};

TEST_F(Reference, Counts) {
  EXPECT_EQ(raw.count(), 10'001U);
  EXPECT_EQ(corrected.count(), 20'000U);
  EXPECT_EQ(raw.min(), 1000U);
  EXPECT_EQ(raw.max(), 100'000'000U);
  EXPECT_EQ(corrected.max(), 100'000'000U);
  EXPECT_EQ(raw.clamped(), 0U);
}

TEST_F(Reference, Percentiles) {
  expect_known(raw, {{30, 1000}, {99, 1000}, {99.99, 1000}, {99.999, 1e8}, {100, 1e8}});
  expect_known(corrected,
               {{30, 1000}, {50, 1000}, {75, 5e7}, {90, 8e7}, {99, 9.8e7}, {99.999, 1e8}});
  EXPECT_EQ(raw.percentile(50), 1000U);  // sub-buckets are one wide up to 2047
}

TEST_F(Reference, MeanAndDeviation) {
  const double raw_mean = (1000.0 * 10'000 + 1e8) / 10'001;
  EXPECT_DOUBLE_EQ(raw.mean(), raw_mean);
  EXPECT_NEAR(corrected.mean(), (1000.0 * 10'000 + 5e7 * 10'000) / 20'000, 25e6 * 0.001);
  const double variance =
      (10'000 * std::pow(1000 - raw_mean, 2) + std::pow(1e8 - raw_mean, 2)) / 10'001;
  EXPECT_NEAR(raw.stddev(), std::sqrt(variance), std::sqrt(variance) * 0.001);
}

TEST_F(Reference, CountAtOrBelow) {
  EXPECT_EQ(raw.count_at_or_below(999), 0U);
  EXPECT_EQ(raw.count_at_or_below(1000), 10'000U);
  EXPECT_EQ(raw.count_at_or_below(99'000'000), 10'000U);
  EXPECT_EQ(raw.count_at_or_below(UINT64_MAX), 10'001U);
}

// HdrHistogram's published geometry: with 3 digits, buckets of 2048, then 1024 of every next size.
TEST(Histogram, BucketsOfThePublishedSize) {
  for (const auto& [value, width] : std::vector<std::pair<uint64_t, uint64_t>>{
           {0, 1}, {2047, 1}, {2048, 2}, {4095, 2}, {4096, 4}, {100'000'000, 65'536}}) {
    Histogram h({.highest = kHour, .digits = 3});
    h.record(value);
    int buckets = 0;
    h.each([&](uint64_t lowest, uint64_t highest, uint64_t count) {
      ++buckets;
      EXPECT_EQ(highest - lowest + 1, width) << value;
      EXPECT_EQ(lowest, value / width * width);
      EXPECT_EQ(count, 1U);
    });
    EXPECT_EQ(buckets, 1);
  }
}

TEST(Histogram, EmptyIsZero) {
  const Histogram h;
  EXPECT_EQ(h.min(), 0U);
  EXPECT_EQ(h.max(), 0U);
  EXPECT_EQ(h.mean(), 0);
  EXPECT_EQ(h.stddev(), 0);
  EXPECT_EQ(h.percentile(99), 0U);
  EXPECT_EQ(h.percentile(100), 0U);
}

TEST(Histogram, ClampsAndCounts) {
  Histogram h({.highest = 1'000'000, .digits = 3});
  h.record(10, 3);
  h.record(2'000'000, 2);
  EXPECT_EQ(h.count(), 5U);
  EXPECT_EQ(h.clamped(), 2U);
  EXPECT_EQ(h.max(), 2'000'000U);
  EXPECT_EQ(h.percentile(100), 2'000'000U);
  EXPECT_EQ(h.count_at_or_below(1'000'000), 3U);
  EXPECT_EQ(h.count_at_or_below(1'500'000), 3U);
  EXPECT_EQ(h.count_at_or_below(2'000'000), 5U);
  EXPECT_GE(h.percentile(99), 1'000'000U);
  EXPECT_DOUBLE_EQ(h.mean(), 4'000'030.0 / 5);
}

TEST(Histogram, WholeRangeOfValues) {
  Histogram h({.highest = UINT64_MAX, .digits = 2});
  h.record(0);
  h.record(UINT64_MAX);
  EXPECT_EQ(h.clamped(), 0U);
  EXPECT_EQ(h.percentile(0), 0U);
  EXPECT_EQ(h.percentile(99), UINT64_MAX);
  EXPECT_EQ(h.count(), 2U);
}

TEST(Histogram, PercentileIsTheNearestRank) {
  Histogram h;
  for (uint64_t i = 1; i <= 1000; ++i) h.record(i);
  EXPECT_EQ(h.percentile(0), 1U);
  EXPECT_EQ(h.percentile(0.1), 1U);
  EXPECT_EQ(h.percentile(50), 500U);
  EXPECT_EQ(h.percentile(99.9), 999U);
  EXPECT_EQ(h.percentile(99.91), 1000U);
}

// A value of any size, spread evenly over the sizes.
uint64_t any_value(Rng& rng, int bits_max) {
  return rng.next() >> (64 - 1 - rng.below(static_cast<uint64_t>(bits_max)));
}

TEST(Histogram, AgreesWithASortedList) {
  Rng rng(42);
  for (int digits = 1; digits <= 5; ++digits) {
    const uint64_t highest = uint64_t{1} << 40;
    Histogram h({.highest = highest, .digits = digits});
    std::vector<uint64_t> values;
    for (int i = 0; i < 5000; ++i) {
      values.push_back(any_value(rng, 40));
      h.record(values.back());
    }
    std::ranges::sort(values);
    const double error = std::pow(10, -digits);
    for (double p = 0.5; p <= 100; p += 0.5) {
      const auto rank = static_cast<size_t>(std::ceil(p * 5000 / 100));
      const auto exact = static_cast<double>(values[rank - 1]);
      const auto got = static_cast<double>(h.percentile(p));
      ASSERT_GE(got, exact) << digits << " digits, p" << p;
      ASSERT_LE(got - exact, exact * error) << digits << " digits, p" << p;
    }
    EXPECT_EQ(h.min(), values.front());
    EXPECT_EQ(h.max(), values.back());
  }
}

TEST(Histogram, BucketsTileTheRange) {
  Rng rng(3);
  Histogram h({.highest = uint64_t{1} << 30, .digits = 2});
  for (int i = 0; i < 20'000; ++i) h.record(any_value(rng, 30));
  uint64_t total = 0;
  uint64_t after_last = 0;
  h.each([&](uint64_t lowest, uint64_t highest, uint64_t count) {
    EXPECT_GE(lowest, after_last);
    EXPECT_LE(lowest, highest);
    after_last = highest + 1;
    total += count;
    EXPECT_EQ(h.count_at_or_below(lowest), total);
    EXPECT_EQ(h.count_at_or_below(highest), total);
  });
  EXPECT_EQ(total, h.count());
}

TEST(Histogram, MergeIsExact) {
  Rng rng(5);
  Histogram whole, left, right;
  for (int i = 0; i < 20'000; ++i) {
    const uint64_t value = any_value(rng, 43);  // some above `highest`
    whole.record(value);
    (i % 3 == 0 ? left : right).record(value);
  }
  ASSERT_TRUE(left.add(right));
  ASSERT_GT(whole.clamped(), 0U);
  EXPECT_EQ(left.count(), whole.count());
  EXPECT_EQ(left.clamped(), whole.clamped());
  EXPECT_EQ(left.min(), whole.min());
  EXPECT_EQ(left.max(), whole.max());
  EXPECT_EQ(left.mean(), whole.mean());
  EXPECT_EQ(left.stddev(), whole.stddev());
  std::vector<std::vector<uint64_t>> buckets[2];
  const Histogram* both[] = {&left, &whole};
  for (int i = 0; i < 2; ++i) {
    both[i]->each([&](uint64_t l, uint64_t h, uint64_t c) { buckets[i].push_back({l, h, c}); });
  }
  EXPECT_EQ(buckets[0], buckets[1]);
}

TEST(Histogram, MergeOfEmptyKeepsTheMinimum) {
  Histogram a;
  const Histogram b;
  a.record(5);
  ASSERT_TRUE(a.add(b));
  EXPECT_EQ(a.min(), 5U);
}

TEST(Histogram, MergeRefusesAnotherPrecision) {
  Histogram a({.highest = 1000, .digits = 2});
  EXPECT_FALSE(a.add(Histogram({.highest = 1000, .digits = 3})));
  EXPECT_FALSE(a.add(Histogram({.highest = 2000, .digits = 2})));
}

TEST(Histogram, CorrectionOfNoIntervalIsNone) {
  Histogram h;
  h.record_corrected(1000, 0);
  h.record_corrected(1000, 1000);
  h.record_corrected(1000, 501);
  EXPECT_EQ(h.count(), 3U);
  h.record_corrected(1000, 500);
  EXPECT_EQ(h.count(), 5U);
  EXPECT_EQ(h.min(), 500U);
}

TEST(Histogram, ResetForgets) {
  Histogram h;
  h.record(UINT64_MAX);
  h.reset();
  EXPECT_EQ(h.count(), 0U);
  EXPECT_EQ(h.clamped(), 0U);
  EXPECT_EQ(h.max(), 0U);
  h.record(7);
  EXPECT_EQ(h.percentile(50), 7U);
  EXPECT_EQ(h.min(), 7U);
  EXPECT_EQ(h.mean(), 7);
}

std::vector<Histogram::Bucket> buckets_of(const Histogram& h) {
  std::vector<Histogram::Bucket> out;
  h.each([&](uint64_t low, uint64_t high, uint64_t n) { out.push_back({low, high, n}); });
  return out;
}

TEST(Histogram, RestoredIsTheSame) {
  Rng rng(11);
  for (const int digits : {1, 2, 3, 5}) {
    const Histogram::Options options{.digits = digits};
    Histogram h(options);
    for (int i = 0; i < 5'000; ++i) h.record(any_value(rng, 40), 1 + rng.below(3));
    const auto again = Histogram::restore(options, buckets_of(h), h.min(), h.max(), h.mean());
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(buckets_of(*again), buckets_of(h));
    EXPECT_EQ(again->count(), h.count());
    EXPECT_EQ(again->min(), h.min());
    EXPECT_EQ(again->max(), h.max());
    EXPECT_NEAR(again->mean(), h.mean(), h.mean() * 1e-12);
    for (const double p : {0.0, 12.0, 50.0, 99.0, 99.9, 100.0}) {
      EXPECT_EQ(again->percentile(p), h.percentile(p)) << p;
    }
  }
  const auto empty = Histogram::restore({}, {}, 0, 0, 0);
  ASSERT_TRUE(empty);
  EXPECT_EQ(empty->count(), 0U);
}

TEST(Histogram, RestoreRefusesWhatNoHistogramHas) {
  using Buckets = std::vector<Histogram::Bucket>;
  const Histogram::Options options{.highest = 1'000'000, .digits = 3};
  EXPECT_TRUE(Histogram::restore(options, Buckets{{5, 5, 2}, {4096, 4099, 1}}, 5, 4097, 1300));
  const auto refused = [&](const Buckets& buckets, uint64_t min, uint64_t max, double mean) {
    return !Histogram::restore(options, buckets, min, max, mean);
  };
  EXPECT_TRUE(refused({{4097, 4100, 1}}, 4097, 4097, 4097));       // begins within a bucket
  EXPECT_TRUE(refused({{4096, 4103, 1}}, 4097, 4097, 4097));       // of two digits
  EXPECT_TRUE(refused({{4096, 4099, 0}}, 4097, 4097, 4097));       // empty
  EXPECT_TRUE(refused({{9, 9, 1}, {5, 5, 1}}, 5, 9, 7));           // out of order
  EXPECT_TRUE(refused({{5, 5, 1}, {5, 5, 1}}, 5, 5, 5));           // twice
  EXPECT_TRUE(refused({{5, 5, UINT64_MAX}, {6, 6, 1}}, 5, 6, 5));  // too many
  EXPECT_TRUE(refused({{1 << 21, (1 << 21) + 2047, 1}}, 1 << 21, 1 << 21, 1 << 21));  // too high
  EXPECT_TRUE(refused({{5, 5, 1}}, 4, 5, 5));
  EXPECT_TRUE(refused({{5, 5, 1}}, 5, 6, 5));
  EXPECT_TRUE(refused({{5, 5, 1}}, 5, 5, 6));
  EXPECT_TRUE(refused({{5, 5, 1}}, 5, 5, std::nan("")));
}

TEST(Histogram, TrimmedTellsTheSameAndTakesMore) {
  Histogram whole, trimmed;
  for (const uint64_t value : {7'000u, 9'000u, 9'001u, 12'000u, 800'000u}) {
    whole.record(value);
    trimmed.record(value);
  }
  trimmed.trim();
  const auto expect_same = [&] {
    EXPECT_EQ(trimmed.count(), whole.count());
    for (const double p : {0.0, 20.0, 50.0, 90.0, 99.9, 100.0}) {
      EXPECT_EQ(trimmed.percentile(p), whole.percentile(p)) << p;
    }
    for (const uint64_t v : {0u, 7'000u, 9'500u, 800'000u, 900'000u}) {
      EXPECT_EQ(trimmed.count_at_or_below(v), whole.count_at_or_below(v)) << v;
    }
    std::vector<std::array<uint64_t, 3>> a, b;
    whole.each([&](uint64_t low, uint64_t high, uint64_t n) { a.push_back({low, high, n}); });
    trimmed.each([&](uint64_t low, uint64_t high, uint64_t n) { b.push_back({low, high, n}); });
    EXPECT_EQ(a, b);
  };
  expect_same();
  Histogram other;  // reaches beyond on both sides
  for (const uint64_t value : {1u, 9'000u, 5'000'000u}) other.record(value);
  other.trim();
  ASSERT_TRUE(trimmed.add(other).has_value());
  ASSERT_TRUE(whole.add(other).has_value());
  expect_same();
  trimmed.trim();
  trimmed.record(3'000'000'000'000);
  whole.record(3'000'000'000'000);
  expect_same();
  Histogram none;
  none.trim();
  EXPECT_EQ(none.count_at_or_below(5), 0u);
  ASSERT_TRUE(none.add(whole).has_value());
  EXPECT_EQ(none.percentile(50), whole.percentile(50));
}

}  // namespace
}  // namespace giliran::base
