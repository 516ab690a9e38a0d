#include "client/bottleneck.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace giliran::client {
namespace {

using testing::HasSubstr;

TEST(Bottleneck, TheServersQueue) {
  const auto found = find_bottleneck(
      {.answered = 1, .wait = 10, .service = 6000, .tiers = {{"queue", 200}, {"service", 5000}}},
      {.answered = 1,
       .wait = 90'000,
       .service = 26'000,
       .tiers = {{"queue", 20'000}, {"service", 5100}}});
  EXPECT_EQ(found.tier, LimitingTier::kServer);
  EXPECT_EQ(found.text, "the server: queue grew from 200 µs to 20.0 ms a request");
}

TEST(Bottleneck, TheServersWorkAndTheTimeBeforeItsClock) {
  EXPECT_THAT(find_bottleneck({.answered = 1, .service = 1000, .tiers = {{"app", 900}}},
                              {.answered = 1, .service = 9000, .tiers = {{"app", 8900}}})
                  .text,
              HasSubstr("the server: app grew"));
  const auto found =
      find_bottleneck({.answered = 1, .service = 1000, .tiers = {{"app", 300}, {"gl-wait", 800}}},
                      {.answered = 1, .service = 9000, .tiers = {{"app", 300}, {"gl-wait", 8800}}});
  EXPECT_EQ(found.tier, LimitingTier::kServer);
  EXPECT_THAT(found.text, HasSubstr("before its clock starts"));
}

TEST(Bottleneck, TheCoordinator) {
  const auto queue = find_bottleneck(
      {.answered = 1, .service = 1000, .tiers = {{"gl-queue", 5}, {"gl-wait", 800}}},
      {.answered = 1, .service = 9000, .tiers = {{"gl-queue", 8005}, {"gl-wait", 800}}});
  EXPECT_EQ(queue.text, "the coordinator: queue grew from 5.00 µs to 8.01 ms a request");
  const auto own = find_bottleneck(
      {.answered = 1, .service = 1000, .tiers = {{"gl-queue", 5}, {"gl-wait", 800}}},
      {.answered = 1, .service = 9000, .tiers = {{"gl-queue", 5}, {"gl-wait", 800}}});
  EXPECT_EQ(own.tier, LimitingTier::kCoordinator);
  EXPECT_THAT(own.text, HasSubstr("its own work"));
}

TEST(Bottleneck, NobodyTells) {
  const auto found =
      find_bottleneck({.answered = 1, .service = 1000}, {.answered = 1, .service = 9000});
  EXPECT_EQ(found.tier, LimitingTier::kPath);
  EXPECT_THAT(found.text, HasSubstr("--coordinator-log"));
}

TEST(Bottleneck, TooFewConnections) {
  const auto found = find_bottleneck(
      {.answered = 1, .wait = 10, .service = 5000, .tiers = {{"service", 5000}}},
      {.answered = 1, .wait = 90'000, .service = 5100, .tiers = {{"service", 5050}}});
  EXPECT_EQ(found.tier, LimitingTier::kConnections);
  EXPECT_THAT(found.text, HasSubstr("raise -c"));
}

TEST(Bottleneck, NothingGrewOrNothingWasAnswered) {
  EXPECT_EQ(
      find_bottleneck({.answered = 1, .service = 5000}, {.answered = 1, .service = 5100}).tier,
      LimitingTier::kUnknown);
  EXPECT_EQ(find_bottleneck({.answered = 1, .service = 5000}, {}).tier, LimitingTier::kUnknown);
}

TEST(Bottleneck, WhereNothingHoldsTheLargestPart) {
  const auto found = find_bottleneck(
      {}, {.answered = 9, .service = 9000, .tiers = {{"queue", 7000}, {"service", 1500}}});
  EXPECT_EQ(found.tier, LimitingTier::kServer);
  EXPECT_EQ(found.text, "the server: queue takes 7.00 ms a request");
}

TEST(Bottleneck, PartsAddUp) {
  const TierTimesOfStep step{
      .answered = 1,
      .lag = 10,
      .wait = 20,
      .service = 1000,
      .tiers = {{"gl-queue", 50}, {"gl-connect", 30}, {"gl-wait", 700}, {"app", 400}}};
  double sum = 0;
  for (const TimePart& part : find_bottleneck({}, step).parts) sum += part.fails_us;
  EXPECT_DOUBLE_EQ(sum, 1030);
}

TEST(Bottleneck, StepsAreAveragedByTheirAnswers) {
  TierTimesOfStep sum;
  sum.add({.answered = 1, .service = 100, .tiers = {{"a", 40}}});
  sum.add({.answered = 3, .service = 200, .tiers = {{"b", 8}}});
  EXPECT_DOUBLE_EQ(sum.service, 175);
  EXPECT_DOUBLE_EQ(sum.tiers["a"], 10);
  EXPECT_DOUBLE_EQ(sum.tiers["b"], 6);
  EXPECT_EQ(sum.answered, 4);
}

}  // namespace
}  // namespace giliran::client
