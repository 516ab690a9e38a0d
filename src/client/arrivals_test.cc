#include "client/arrivals.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

namespace giliran::client {
namespace {

using base::Duration;
using std::chrono::milliseconds;
using std::chrono::seconds;

std::vector<Arrival> all(const ScheduleOptions& options, uint32_t threads) {
  std::vector<Arrival> arrivals;
  for (uint32_t thread = 0; thread < threads; ++thread) {
    Schedule schedule(options, thread, threads);
    Duration before{};
    for (; schedule.next().due != RateProfile::kNever; schedule.advance()) {
      EXPECT_EQ((schedule.next().ticket - 1) % threads, thread);
      EXPECT_GE(schedule.next().due, before);
      before = schedule.next().due;
      arrivals.push_back(schedule.next());
    }
  }
  std::ranges::sort(arrivals, {}, &Arrival::ticket);
  return arrivals;
}

bool same(const std::vector<Arrival>& a, const std::vector<Arrival>& b) {
  return std::ranges::equal(a, b, [](const Arrival& x, const Arrival& y) {
    return x.due == y.due && x.ticket == y.ticket && x.measured == y.measured;
  });
}

TEST(Schedule, AConstantRateIsSpacedEvenlyAndExact) {
  const RateProfile profile = RateProfile::constant(20'000);
  const auto arrivals = all({.profile = &profile, .duration = seconds(10)}, 1);
  ASSERT_EQ(arrivals.size(), 200'000u);
  for (size_t k = 0; k < arrivals.size(); ++k) {
    ASSERT_EQ(arrivals[k].due.count(), static_cast<int64_t>(k) * 50'000);
    ASSERT_EQ(arrivals[k].ticket, k + 1);
    ASSERT_TRUE(arrivals[k].measured);
  }
}

TEST(Schedule, ThreadsDoNotChangeWhatIsDue) {
  const auto listed = parse_stages("500ms:3k,1s:777,300ms:=0,200ms:=5k").value();
  const RateProfile profile = RateProfile::stages(10, milliseconds(250), listed);
  for (const Arrivals kind : {Arrivals::kConstant, Arrivals::kPoisson}) {
    const ScheduleOptions options{.kind = kind,
                                  .profile = &profile,
                                  .seed = 11,
                                  .warmup = milliseconds(250),
                                  .duration = profile.length()};
    const auto one = all(options, 1);
    ASSERT_GT(one.size(), 3000u);
    for (const uint32_t threads : {2u, 3u, 7u, 64u}) EXPECT_TRUE(same(all(options, threads), one));
  }
}

TEST(Schedule, TheSumOverThreadsIsWhatWasPlanned) {
  base::Rng rng(3);
  for (int world = 0; world < 60; ++world) {
    const double rate = 1 + rng.uniform() * 9000;
    const Duration length = milliseconds(1 + static_cast<int64_t>(rng.below(1500)));
    const RateProfile profile = RateProfile::constant(rate);
    const double planned = rate * base::to_seconds(length);
    const uint32_t threads = 1 + static_cast<uint32_t>(rng.below(8));
    const auto arrivals = all({.profile = &profile, .duration = length}, threads);
    EXPECT_NEAR(static_cast<double>(arrivals.size()), planned, 1.0);
    for (uint32_t t = 0; t < threads; ++t) {
      const auto mine = std::ranges::count_if(
          arrivals, [&](const Arrival& a) { return (a.ticket - 1) % threads == t; });
      EXPECT_NEAR(static_cast<double>(mine), planned / threads, 1.0);
    }
  }
}

TEST(Schedule, SoManyAfterTheWarmUp) {
  const RateProfile profile = RateProfile::constant(1000);
  for (const Arrivals kind : {Arrivals::kConstant, Arrivals::kPoisson}) {
    for (const uint32_t threads : {1u, 4u}) {
      const auto arrivals = all({.kind = kind,
                                 .profile = &profile,
                                 .seed = 5,
                                 .requests = 70,
                                 .warmup = milliseconds(100)},
                                threads);
      const auto measured = std::ranges::count_if(arrivals, &Arrival::measured);
      EXPECT_EQ(measured, 70);
      for (const Arrival& a : arrivals) EXPECT_EQ(a.measured, a.due >= milliseconds(100));
      if (kind == Arrivals::kConstant) {
        EXPECT_EQ(arrivals.size(), 170u);
      }
    }
  }
  Schedule schedule({.profile = &profile, .requests = 1}, 0, 1);
  EXPECT_FALSE(schedule.counted_out());
  schedule.advance();
  EXPECT_TRUE(schedule.counted_out());
}

TEST(Schedule, TheSeedDecidesOverPoissonArrivals) {
  const RateProfile profile = RateProfile::constant(2000);
  ScheduleOptions options{
      .kind = Arrivals::kPoisson, .profile = &profile, .seed = 1, .duration = seconds(1)};
  const auto first = all(options, 2);
  EXPECT_TRUE(same(all(options, 2), first));
  options.seed = 2;
  EXPECT_FALSE(same(all(options, 2), first));
}

// Gaps of a Poisson process are exponential: mean, variance and the share above the mean. Counts of
// equal windows have a variance equal to their mean. 200,000 gaps: the bounds are five sigmas wide.
TEST(Schedule, PoissonArrivalsAreAPoissonProcess) {
  const RateProfile profile = RateProfile::constant(20'000);
  const auto arrivals = all(
      {.kind = Arrivals::kPoisson, .profile = &profile, .seed = 42, .duration = seconds(10)}, 1);
  const auto n = static_cast<double>(arrivals.size());
  EXPECT_NEAR(n, 200'000, 5 * std::sqrt(200'000.0));
  double sum = 0, squares = 0, above = 0;
  for (size_t i = 1; i < arrivals.size(); ++i) {
    const auto gap = static_cast<double>((arrivals[i].due - arrivals[i - 1].due).count()) / 50'000;
    sum += gap;
    squares += gap * gap;
    above += gap > 1 ? 1 : 0;
  }
  EXPECT_NEAR(sum / n, 1, 5 / std::sqrt(n));
  EXPECT_NEAR(squares / n, 2, 5 * std::sqrt(20 / n));
  EXPECT_NEAR(above / n, std::exp(-1), 5 * 0.5 / std::sqrt(n));
  std::vector<double> windows(1000);
  for (const Arrival& a : arrivals) windows[static_cast<size_t>(a.due / milliseconds(10))] += 1;
  double variance = 0;
  for (const double count : windows) variance += (count - 200) * (count - 200) / 1000;
  EXPECT_NEAR(variance / 200, 1, 5 * std::sqrt(2.0 / 1000));
}

// Time rescaling: of a ramp from 0 the second half of the time has three quarters of the arrivals.
TEST(Schedule, PoissonArrivalsFollowTheProfile) {
  const auto listed = parse_stages("10s:4k").value();
  const RateProfile profile = RateProfile::stages(0, {}, listed);
  const auto arrivals = all(
      {.kind = Arrivals::kPoisson, .profile = &profile, .seed = 9, .duration = profile.length()},
      3);
  const auto n = static_cast<double>(arrivals.size());
  EXPECT_NEAR(n, 20'000, 5 * std::sqrt(20'000.0));
  const auto late =
      std::ranges::count_if(arrivals, [](const Arrival& a) { return a.due >= seconds(5); });
  EXPECT_NEAR(static_cast<double>(late) / n, 0.75, 5 * 0.5 / std::sqrt(n));
}

TEST(Schedule, AReplayIsItsList) {
  const std::vector<Duration> due{{}, milliseconds(1), milliseconds(1), seconds(2), seconds(3)};
  const ScheduleOptions options{
      .kind = Arrivals::kReplay, .replay = due, .warmup = milliseconds(1500)};
  for (const uint32_t threads : {1u, 2u, 8u}) {
    const auto arrivals = all(options, threads);
    ASSERT_EQ(arrivals.size(), 5u);
    for (size_t i = 0; i < due.size(); ++i) {
      EXPECT_EQ(arrivals[i].due, due[i]);
      EXPECT_EQ(arrivals[i].measured, i >= 3);
    }
  }
  Schedule none(options, 6, 8);
  EXPECT_TRUE(none.counted_out());
}

}  // namespace
}  // namespace giliran::client
