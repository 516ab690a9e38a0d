#include "health/retry_budget.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

#include "base/rng.h"

namespace giliran::health {
namespace {

using base::Duration;
using base::Instant;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr RetryBudgetOptions kNoFloor{.part = 0.2, .floor_per_s = 0};
constexpr RetryBudgetOptions kFloorOnly{.part = 0, .floor_per_s = 10};

struct RetryBudgetTest : ::testing::Test {
  void deposit(int n, const RetryBudgetOptions& options = kNoFloor) {
    for (int i = 0; i < n; ++i) budget.deposit(options);
  }
  int take(int most, const RetryBudgetOptions& options = kNoFloor) {
    int taken = 0;
    while (taken < most && budget.withdraw(now, options)) ++taken;
    return taken;
  }
  RetryBudget budget;
  Instant now{seconds(1000)};
};

TEST_F(RetryBudgetTest, FiveRequestsMakeOneRetry) {
  deposit(4);
  EXPECT_EQ(take(10), 0);
  deposit(1);
  EXPECT_EQ(take(10), 1);
  deposit(50);
  EXPECT_EQ(take(100), 10);
  EXPECT_EQ(budget.refused(), 3U);
}

TEST_F(RetryBudgetTest, TheFloorIsTenSecondsWorthAtFirstAndRefillsByTime) {
  EXPECT_EQ(take(1000, kFloorOnly), 100);
  now += milliseconds(99);
  EXPECT_EQ(take(1000, kFloorOnly), 0);
  now += milliseconds(1);
  EXPECT_EQ(take(1000, kFloorOnly), 1);
  now += seconds(2);
  EXPECT_EQ(take(1000, kFloorOnly), 20);
  now += hours(24);
  EXPECT_EQ(take(1000, kFloorOnly), 100);
}

TEST_F(RetryBudgetTest, DepositsAreSpentBeforeTheFloor) {
  const RetryBudgetOptions both{};
  deposit(50, both);
  EXPECT_EQ(take(10, both), 10);
  EXPECT_EQ(take(1000, kFloorOnly), 100);
}

TEST_F(RetryBudgetTest, NothingWhereNothingIsAllowed) {
  const RetryBudgetOptions none{.part = 0, .floor_per_s = 0};
  deposit(1000, none);
  EXPECT_EQ(take(1, none), 0);
}

TEST_F(RetryBudgetTest, WhatWasDepositedLongAgoIsGone) {
  EXPECT_EQ(take(1), 0);  // begins to look at the time
  deposit(1000);
  now += seconds(10);
  EXPECT_EQ(take(1), 1);  // of the last ten seconds: kept
  now += seconds(10);
  EXPECT_EQ(take(1000), 0);
}

TEST_F(RetryBudgetTest, AfterALongPeaceTenSecondsWorthAreLeft) {
  EXPECT_EQ(take(1), 0);
  deposit(360'000);  // an hour of 100 a second
  now += hours(1);
  EXPECT_EQ(take(1'000'000), 200);  // 10 s of 100 a second, of which a fifth
}

TEST_F(RetryBudgetTest, TheFirstWithdrawalEverFindsNoMountain) {
  deposit(1'000'000);  // days of peace, for all it knows
  EXPECT_EQ(take(1'000'000), RetryBudget::kFirstMax);
}

TEST_F(RetryBudgetTest, AtTheStartOfTime) {
  now = Instant{};
  EXPECT_EQ(take(1000, kFloorOnly), 100);
  deposit(5);
  EXPECT_EQ(take(10), 1);
}

// Any sequence of requests, retries and time keeps to the bound, and a lively one comes near it.
TEST_F(RetryBudgetTest, NeverMoreThanItsPartAndItsFloor) {
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    base::Rng rng(seed);
    RetryBudget one;
    const RetryBudgetOptions options{.part = static_cast<double>(rng.below(5)) / 10,
                                     .floor_per_s = static_cast<uint32_t>(rng.below(30))};
    const auto greed = 1 + rng.below(100);
    const auto step_us = static_cast<int64_t>(uint64_t{1} << rng.below(25));
    const Instant began{Duration(static_cast<int64_t>(rng.below(1'000'000'000'000)))};
    Instant at = began;
    double requests = 0;
    double retries = 0;
    for (int i = 0; i < 3000; ++i) {
      at += std::chrono::microseconds(rng.below(static_cast<uint64_t>(step_us) + 1));
      if (rng.below(100) >= greed) {
        one.deposit(options);
        ++requests;
      } else if (one.withdraw(at, options)) {
        ++retries;
      }
      const double floor = options.floor_per_s;
      const double most = options.part * requests + floor * base::to_seconds(at - began) +
                          floor * base::to_seconds(RetryBudget::kStore);
      ASSERT_LE(retries, most + 1e-6) << "seed " << seed << " step " << i;
    }
  }
}

TEST_F(RetryBudgetTest, ThreadsTogetherTakeExactlyWhatIsThere) {
  EXPECT_EQ(take(1), 0);
  constexpr int kThreads = 8;
  constexpr int kRequests = 20'000;
  std::atomic<int> taken{0};
  std::atomic<int> waiting{kThreads};
  {
    std::vector<std::jthread> all;
    for (int t = 0; t < kThreads; ++t) {
      all.emplace_back([&] {
        --waiting;
        while (waiting > 0) std::this_thread::yield();
        for (int i = 0; i < kRequests; ++i) {
          budget.deposit(kNoFloor);
          // Never more than was deposited by then: it is by all once they are through.
          if (budget.withdraw(now, kNoFloor)) ++taken;
        }
      });
    }
  }
  EXPECT_LE(taken, kThreads * kRequests / 5);
  taken += take(kThreads * kRequests);
  EXPECT_EQ(taken, kThreads * kRequests / 5);
}

TEST_F(RetryBudgetTest, ThreadsWhileTimePassesNeverTakeMoreThanTheBound) {
  constexpr int kThreads = 4;
  constexpr int kSteps = 50'000;
  std::atomic<int64_t> clock_ms{1'000'000};
  std::atomic<int> taken{0};
  {
    std::vector<std::jthread> all;
    for (int t = 0; t < kThreads; ++t) {
      all.emplace_back([&] {
        for (int i = 0; i < kSteps; ++i) {
          const Instant at{milliseconds(clock_ms.fetch_add(1))};
          budget.deposit(kNoFloor);
          if (budget.withdraw(at, {.part = 0.2, .floor_per_s = 10})) ++taken;
        }
      });
    }
  }
  const double passed = kThreads * kSteps / 1000.0;
  EXPECT_LE(taken, kThreads * kSteps * 0.2 + 10 * passed + 100);
  EXPECT_GT(taken, 10 * passed);
}

}  // namespace
}  // namespace giliran::health
