// What holds for every policy.
#include "balance/policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "balance/test_allocations.h"
#include "balance/test_world.h"

namespace giliran::balance {
namespace {

using ::testing::HasSubstr;

class EveryPolicy : public ::testing::TestWithParam<std::string_view> {};

INSTANTIATE_TEST_SUITE_P(Policies, EveryPolicy, ::testing::ValuesIn(policy_names()),
                         [](const auto& one) {
                           std::string name(one.param);
                           std::erase(name, '-');
                           return name;
                         });

std::vector<uint32_t> any_weights(base::Rng& rng, size_t size) {
  std::vector<uint32_t> weights(size);
  const uint64_t most = rng.below(2) == 0 ? 1 : 256;
  for (uint32_t& weight : weights) weight = static_cast<uint32_t>(1 + rng.below(most));
  return weights;
}

TEST_P(EveryPolicy, EmptyPoolHasNoChoice) {
  base::Rng rng(1);
  TestWorld world(GetParam(), {});
  EXPECT_FALSE(world.choose(rng));
}

TEST_P(EveryPolicy, ChoosesAUsableOneWheneverThereIsOne) {
  base::Rng rng(2);
  for (int round = 0; round < 200; ++round) {
    const size_t size = round % 10 == 0 ? 300 + rng.below(300) : 1 + rng.below(20);
    TestWorld world(GetParam(), any_weights(rng, size));
    // From nobody down to all but one down to all down.
    const uint64_t part = rng.below(5);
    for (char& down : world.down) down = rng.below(4) < part;
    if (part == 4) world.down[rng.below(size)] = static_cast<char>(rng.below(2));
    for (size_t i = 0; i < size; ++i) world.in_flight(i) = static_cast<uint32_t>(rng.below(9));
    const bool any = std::ranges::count(world.down, 0) > 0;
    for (int i = 0; i < 50; ++i) {
      const auto index = world.choose(rng, rng.below(3) == 0);
      ASSERT_EQ(index.has_value(), any);
      if (!any) continue;
      ASSERT_LT(*index, size);
      ASSERT_FALSE(world.down[*index]);
    }
  }
}

TEST_P(EveryPolicy, ChoosingAllocatesNothing) {
  base::Rng rng(3);
  for (const size_t size : {3U, 100U, 3000U}) {
    TestWorld world(GetParam(), std::vector<uint32_t>(size, 1));
    for (int down = 0; down < 3; ++down) {
      if (down == 1) world.down[0] = 1;
      if (down == 2) world.down.assign(size, 1);
      const size_t before = allocations_so_far();
      for (int i = 0; i < 1000; ++i) world.choose(rng, i % 5 == 0);
      EXPECT_EQ(allocations_so_far(), before) << size;
    }
  }
}

TEST_P(EveryPolicy, SameSeedSameChoices) {
  TestWorld one(GetParam(), {1, 2, 3, 4, 5, 6, 7, 8, 9, 10});
  TestWorld other(GetParam(), {1, 2, 3, 4, 5, 6, 7, 8, 9, 10});
  base::Rng a(4), b(4);
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(one.choose(a), other.choose(b));
}

TEST(FindPolicy, ByName) {
  for (const std::string_view name : policy_names()) {
    const auto policy = find_policy(name);
    ASSERT_TRUE(policy);
    EXPECT_EQ((*policy)->name(), name);
  }
}

TEST(FindPolicy, ErrorNamesTheNearestAndAll) {
  EXPECT_EQ(find_policy("roundrobin").error().message,
            "there is no policy 'roundrobin', did you mean 'round-robin'?; known: round-robin, "
            "least-requests");
  EXPECT_THAT(find_policy("maglev").error().message,
              HasSubstr("'maglev'; known: round-robin, least-requests"));
  EXPECT_FALSE(find_policy(""));
}

}  // namespace
}  // namespace giliran::balance
