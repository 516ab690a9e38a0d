#include "client/capacity_step.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace giliran::client {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;

struct Run {
  base::Duration service = milliseconds(5);
  base::Duration lag{};
  double cpu_share = 0.1;
  uint64_t answers = 1000;
  uint64_t failures = 0;
};

RunResult run_of(const Run& run) {
  RunResult result;
  result.elapsed = result.issuing = seconds(1);
  result.cpu_share_busiest = run.cpu_share;
  result.answered_issuing = run.answers;
  result.totals = Recorder(false, true);
  const uint32_t queue = result.totals.tier("queue");
  TierTimes tiers{};
  tiers.add(queue, 1'000'000);
  for (uint64_t i = 0; i < run.answers + run.failures; ++i) {
    const base::Instant due{};
    result.totals.due(due, due + run.lag, true);
    result.totals.issued(due + run.lag);
    result.totals.ended(
        {.end = i < run.answers ? telemetry::End::kOk : telemetry::End::kServerClosed,
         .at = due + run.lag + run.service,
         .service = run.service,
         .response = run.lag + run.service,
         .lag = run.lag,
         .tiers = &tiers});
  }
  return result;
}

std::vector<report::Expectation> conditions(const char* text) {
  return *report::Expectation::parse_list(text);
}

TEST(CapacityStep, HoldsWhereAllIsMet) {
  const CapacityStep step = judge_step(1000, run_of({}), conditions("p99<10ms,errors<0.1%"));
  EXPECT_EQ(step.held, Held::kHolds) << step.why;
  EXPECT_EQ(step.why, "");
  EXPECT_NEAR(step.times.service, 5000, 10);
  EXPECT_NEAR(step.times.tiers.at("queue"), 1000, 10);
  EXPECT_EQ(step.rate, 1000);
}

TEST(CapacityStep, SaysWhatFailed) {
  const CapacityStep slow =
      judge_step(1000, run_of({.service = milliseconds(20)}), conditions("p99<10ms,errors<0.1%"));
  EXPECT_EQ(slow.held, Held::kFails);
  EXPECT_THAT(slow.why, HasSubstr("p99<10ms: 20"));
  const CapacityStep broken =
      judge_step(1000, run_of({.failures = 10}), conditions("p99<10ms,errors<0.1%"));
  EXPECT_EQ(broken.held, Held::kFails);
  EXPECT_THAT(broken.why, HasSubstr("errors<0.1%: "));
  EXPECT_NEAR(broken.errors_share, 10.0 / 1010, 1e-9);
}

TEST(CapacityStep, AClientThatIsLateSaysNothingOfTheSystem) {
  const CapacityStep late =
      judge_step(1000, run_of({.lag = milliseconds(8)}), conditions("p99<10ms"));
  EXPECT_EQ(late.held, Held::kClientFails);
  EXPECT_THAT(late.why, HasSubstr("the client set out late"));
  const CapacityStep busy = judge_step(
      1000, run_of({.service = milliseconds(20), .cpu_share = 0.97}), conditions("p99<10ms"));
  EXPECT_EQ(busy.held, Held::kClientFails);
  // Late, but what was asked is met all the same.
  EXPECT_EQ(judge_step(1000, run_of({.lag = milliseconds(2)}), conditions("p99<10ms")).held,
            Held::kHolds);
  // Late by little: the system is the one that is slow.
  EXPECT_EQ(judge_step(1000, run_of({.service = milliseconds(20), .lag = microseconds(900)}),
                       conditions("p99<10ms"))
                .held,
            Held::kFails);
}

TEST(CapacityStep, WhatFailsAtTheServerIsNoLimitOfTheClient) {
  const RunResult most_fail =
      run_of({.lag = milliseconds(8), .cpu_share = 1, .answers = 300, .failures = 700});
  for (const char* asked : {"p99<10ms,errors<0.1%", "p99<10ms"}) {
    const CapacityStep step = judge_step(1000, most_fail, conditions(asked));
    EXPECT_EQ(step.held, Held::kFails) << asked;
    EXPECT_THAT(step.why, HasSubstr("70 % of the requests failed")) << asked;
  }
  // Errors that were not allowed, few as they are.
  EXPECT_EQ(
      judge_step(1000, run_of({.cpu_share = 1, .failures = 10}), conditions("errors<0.1%")).held,
      Held::kFails);
}

TEST(CapacityStep, OfTooLittleNobodySaysThatItWasTheClient) {
  EXPECT_EQ(judge_step(50, run_of({.lag = milliseconds(8), .cpu_share = 1, .answers = 50}),
                       conditions("p99<10ms"))
                .held,
            Held::kFails);
}

TEST(CapacityStep, NothingAnsweredHoldsNothing) {
  EXPECT_EQ(judge_step(10, run_of({.answers = 0}), conditions("p99<10ms")).held, Held::kFails);
}

TEST(FallsBehind, WhereWhatIsInTheSystemGrows) {
  std::vector<Flow> flows(50, {.in = 100, .out = 100});
  EXPECT_FALSE(falls_behind(flows));
  flows[3].out = 0;  // early: it is caught up with later, or stays as it is
  EXPECT_FALSE(falls_behind(flows));
  for (Flow& flow : flows) flow.out = 90;
  EXPECT_TRUE(falls_behind(flows));
  for (Flow& flow : flows) flow.out = 99;
  EXPECT_FALSE(falls_behind(flows));
  EXPECT_FALSE(falls_behind({}));
  const std::vector<Flow> few = {{10, 10}, {10, 2}};
  EXPECT_FALSE(falls_behind(few));  // may be chance
}

}  // namespace
}  // namespace giliran::client
