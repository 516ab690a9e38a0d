#include "client/find_max.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "base/rng.h"
#include "client/find_max_run.h"

namespace giliran::client {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

FoundMax search(FindMaxOptions options, const std::function<Held(double)>& system) {
  FindMax find(options);
  uint32_t tries = 0;
  while (const auto rate = find.next()) {
    EXPECT_EQ(find.next(), rate);
    EXPECT_LE(++tries, options.tries_max);
    if (tries > options.tries_max) break;
    find.report(*rate, system(*rate));
  }
  return find.found();
}

TEST(FindMax, FindsAnExactLimitFromAnyStart) {
  for (const double start : {1.0, 10.0, 100.0, 5'000.0, 100'000.0}) {
    for (const double limit : {3.0, 87.0, 800.0, 12'345.0, 990'000.0}) {
      const FoundMax found = search({.start_rate = start}, [&](double rate) {
        return rate <= limit ? Held::kHolds : Held::kFails;
      });
      EXPECT_LE(found.holds, limit);
      EXPECT_GT(found.fails, limit);
      EXPECT_LE(found.fails - found.holds, 0.0501 * found.holds) << start << " " << limit;
      EXPECT_TRUE(found.settled);
      EXPECT_FALSE(found.client_limit);
    }
  }
}

TEST(FindMax, EveryRateIsRepeated) {
  std::map<double, int> tries;
  const FoundMax found = search({}, [&](double rate) {
    ++tries[rate];
    return rate <= 800 ? Held::kHolds : Held::kFails;
  });
  for (const auto& [rate, count] : tries) EXPECT_GE(count, 2) << rate;
  EXPECT_EQ(tries[found.holds], 3);
  EXPECT_EQ(tries[found.fails], 3);
}

// An M/M/1 queue whose p99 of -ln(0.01)/(mu - lambda) is measured from few requests, with a bad
// moment now and then: where p99 < 50 ms the limit is mu - 92.1.
TEST(FindMax, FindsTheLimitOfANoisyQueue) {
  constexpr double kMu = 1000;
  const double limit = kMu - std::log(100) / 0.05;
  base::Rng rng(17);
  int near = 0;
  constexpr int kSearches = 300;
  for (int i = 0; i < kSearches; ++i) {
    const FoundMax found = search({.start_rate = 50}, [&](double rate) {
      if (rng.uniform() < 0.03) return Held::kFails;  // something else on the machine
      const double noise = 1 + 0.2 * (rng.uniform() + rng.uniform() - 1);
      const double p99_s = rate >= kMu ? 10 : std::log(100) / (kMu - rate) * noise;
      return p99_s < 0.05 ? Held::kHolds : Held::kFails;
    });
    EXPECT_LT(found.holds, found.fails);
    near += found.fails > limit * 0.93 && found.holds < limit * 1.07 ? 1 : 0;
  }
  EXPECT_GE(near, kSearches * 95 / 100);
}

TEST(FindMax, AClientThatCannotIsNoLimitOfTheSystem) {
  const FoundMax found = search({.start_rate = 100}, [](double rate) {
    return rate <= 5000 ? Held::kHolds : Held::kClientFails;
  });
  EXPECT_TRUE(found.client_limit);
  EXPECT_LE(found.holds, 5000);
  EXPECT_GT(found.fails, 5000);
}

TEST(FindMax, NothingHolds) {
  const FoundMax found = search({.start_rate = 100}, [](double) { return Held::kFails; });
  EXPECT_EQ(found.holds, 0);
  EXPECT_EQ(found.fails, 1);
  EXPECT_FALSE(found.settled);
}

TEST(FindMax, EverythingHolds) {
  const FoundMax found =
      search({.start_rate = 100, .rate_max = 3000}, [](double) { return Held::kHolds; });
  EXPECT_EQ(found.holds, 3000);
  EXPECT_EQ(found.fails, 0);
}

TEST(FindMax, EndsWhateverItIsTold) {
  base::Rng rng(4);
  for (int i = 0; i < 300; ++i) {
    const FindMaxOptions options{.start_rate = 1 + 1e5 * rng.uniform(), .tries_max = 60};
    const FoundMax found = search(options, [&](double) { return static_cast<Held>(rng.below(3)); });
    EXPECT_LE(found.tries, 60U);
    EXPECT_TRUE(found.fails == 0 || found.holds < found.fails);
  }
}

Capacity found(double holds, double fails, bool client_limit) {
  Capacity capacity;
  capacity.found = {.holds = holds, .fails = fails, .client_limit = client_limit, .tries = 1};
  capacity.failed = "p99<10ms: 31 ms";
  CapacityStep& step = capacity.steps.emplace_back();
  step.rate = holds;
  step.held = Held::kHolds;
  step.conditions = {{.text = "p99<10ms", .measured = "1 ms", .met = true}};
  return capacity;
}

TEST(FindMaxText, SaysThatFailedRequestsAreInNoPercentile) {
  Capacity capacity = found(800, 840, false);
  EXPECT_THAT(text(capacity), Not(HasSubstr("Note")));
  capacity.steps.front().errors_share = 0.37;
  EXPECT_THAT(text(capacity), HasSubstr("Note: at 800/s, which holds, 37 % of the requests"));
  capacity.steps.front().conditions.push_back({.text = "errors<50%", .measured = "37%"});
  EXPECT_THAT(text(capacity), Not(HasSubstr("Note")));
}

TEST(FindMaxText, SaysNothingOfTheSystemWhereTheClientWasTheLimit) {
  EXPECT_THAT(text(found(0, 100, true)), StartsWith("highest rate: not known; at 100/s already"));
  EXPECT_THAT(text(found(0, 100, false)), StartsWith("highest rate: below 100/s; no rate held"));
  EXPECT_THAT(text(found(80, 100, true)), StartsWith("highest rate: 80.0/s or more; at 100/s"));
}

TEST(FindMaxText, WhatWasNotMeasuredIsNoNumber) {
  Capacity capacity = found(0, 1, false);
  capacity.failed = "p99<1ms: -";
  capacity.steps.front().rate = 1;
  capacity.steps.front().held = Held::kFails;
  capacity.limit = find_bottleneck({}, {});
  const std::string said = text(capacity);
  EXPECT_THAT(said, HasSubstr("what limits it is not known: where it fails, no answer came"));
  EXPECT_THAT(said, Not(HasSubstr("limited by")));
  EXPECT_THAT(said, testing::ContainsRegex("- +- +- +0%"));
  EXPECT_THAT(to_json(capacity), HasSubstr("\"response_p99_us\":null"));
}

}  // namespace
}  // namespace giliran::client
