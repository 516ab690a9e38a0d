#include "control/descriptors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace giliran::control {
namespace {

using testing::HasSubstr;

size_t most_used(const DescriptorUse& use, const DescriptorPlan& plan) {
  return 2 * size_t{plan.connections_max} +
         (size_t{plan.upstream_idle_max} + 2 * size_t{plan.pipes_max}) * use.workers;
}

TEST(Descriptors, DerivedFromTheLimitWithAReserve) {
  for (const size_t limit : {size_t{256}, size_t{1024}, size_t{4096}, size_t{1} << 20}) {
    for (const uint32_t workers : {1U, 2U, 16U}) {
      const DescriptorUse use{.limit = limit, .workers = workers, .listeners = 2};
      const DescriptorPlan plan = plan_descriptors(use, {});
      EXPECT_EQ(plan.warning, "") << limit;
      EXPECT_LE(most_used(use, plan) + kDescriptorsKept + workers * 6, limit);
      const size_t carried = (limit - kDescriptorsKept - workers * 6) * 3 / 8;
      EXPECT_GE(plan.connections_max, carried - carried / 32 - 2);
      if (limit == 4096) {
        EXPECT_EQ(plan.pipes_max, workers == 1 ? 32U : workers == 2 ? 23U : 2U);
      }
    }
  }
}

TEST(Descriptors, AConfiguredNumberThatFitsIsKept) {
  const DescriptorPlan plan =
      plan_descriptors({.limit = 4096, .workers = 2, .listeners = 1}, {.connections_max = 500});
  EXPECT_EQ(plan.connections_max, 500U);
  EXPECT_EQ(plan.pipes_max, 32U);
  EXPECT_EQ(plan.warning, "");
}

TEST(Descriptors, OneThatDoesNotFitIsLoweredAndSaysWhatWould) {
  const DescriptorUse use{.limit = 1024, .workers = 2, .listeners = 1};
  const config::Limits limits{.connections_max = 5000};
  const DescriptorPlan plan = plan_descriptors(use, limits);
  EXPECT_LT(plan.connections_max, 500U);
  EXPECT_EQ(plan.pipes_max, 0U);
  EXPECT_LE(most_used(use, plan) + kDescriptorsKept, 1024U);
  EXPECT_THAT(plan.warning, HasSubstr("not 5000"));
  // What it says would do, does.
  const DescriptorUse raised{.limit = 64 + 2 * 5 + 10000 + 2048, .workers = 2, .listeners = 1};
  EXPECT_THAT(plan.warning, HasSubstr(std::to_string(raised.limit)));
  EXPECT_EQ(plan_descriptors(raised, limits).connections_max, 5000U);
  EXPECT_EQ(plan_descriptors(raised, limits).upstream_idle_max, limits.upstream_idle_max);
}

TEST(Descriptors, TooFewAreSaidAndStillServeOne) {
  const DescriptorPlan plan = plan_descriptors({.limit = 40, .workers = 1, .listeners = 1}, {});
  EXPECT_EQ(plan.connections_max, 1U);
  EXPECT_THAT(plan.warning, HasSubstr("40 descriptors are too few"));
}

TEST(Descriptors, AnUnknownLimitChangesNothing) {
  const DescriptorPlan plan = plan_descriptors({.limit = 0, .workers = 1, .listeners = 1}, {});
  EXPECT_EQ(plan.connections_max, 0U);
  EXPECT_EQ(plan.upstream_idle_max, config::Limits{}.upstream_idle_max);
}

TEST(Descriptors, ALimitlessLimitFits) {
  EXPECT_EQ(plan_descriptors({.limit = SIZE_MAX, .workers = 1, .listeners = 1}, {}).connections_max,
            (1U << 30) - 32);
}

}  // namespace
}  // namespace giliran::control
