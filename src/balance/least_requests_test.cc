#include "balance/least_requests.h"

#include <gtest/gtest.h>

#include <deque>
#include <numeric>

#include "balance/test_world.h"

namespace giliran::balance {
namespace {

TEST(LeastRequests, SmallPoolTakesTheLeast) {
  TestWorld world("least-requests", {1, 1, 1});
  world.in_flight(0) = 3;
  world.in_flight(1) = 2;
  world.in_flight(2) = 4;
  base::Rng random(1);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(world.choose(random), 1U);
  world.down[1] = 1;
  for (int i = 0; i < 100; ++i) EXPECT_EQ(world.choose(random), 0U);
}

TEST(LeastRequests, WeighsThem) {
  TestWorld world("least-requests", {1, 4});
  base::Rng random(1);
  world.in_flight(1) = 2;  // 3 / 4 is less than 1 / 1
  EXPECT_EQ(world.choose(random), 1U);
  world.in_flight(1) = 4;  // 5 / 4 is more
  EXPECT_EQ(world.choose(random), 0U);
}

TEST(LeastRequests, EqualsAreDrawnEvenly) {
  TestWorld world("least-requests", std::vector<uint32_t>(5, 1));
  world.in_flight(2) = 1;
  base::Rng random(1);
  std::vector<int> counts;
  world.choose_often(40'000, random, counts);
  EXPECT_EQ(counts[2], 0);
  for (const size_t i : {0U, 1U, 3U, 4U}) EXPECT_NEAR(counts[i], 10'000, 400) << i;
}

TEST(LeastRequests, LargePoolDrawsByWeight) {
  // Loads in proportion to the weights, so that every comparison but the draw is a near tie.
  std::vector<uint32_t> weights(100, 1);
  weights[7] = 100;
  TestWorld world("least-requests", weights);
  for (size_t i = 0; i < weights.size(); ++i) world.in_flight(i) = weights[i] - 1;
  base::Rng random(1);
  std::vector<int> counts;
  world.choose_often(10'000, random, counts);
  // The first draw is the heavy one in 100 of 199, else the second is in 100 of 198; it wins half.
  EXPECT_NEAR(counts[7], 10'000 * (100.0 / 199 + 99.0 / 199 * 100 / 198) / 2, 250);
}

TEST(LeastRequests, LargePoolAvoidsTheSlow) {
  // Requests leave in order; on the slow half they stay longer.
  constexpr size_t kSize = 40;
  TestWorld world("least-requests", std::vector<uint32_t>(kSize, 1));
  base::Rng random(1);
  struct Running {
    uint32_t index;
    int until;
  };
  std::vector<int> counts(kSize);
  std::deque<Running> fast, slow;
  for (int now = 0; now < 50'000; ++now) {
    for (auto* running : {&fast, &slow}) {
      while (!running->empty() && running->front().until <= now) {
        --world.in_flight(running->front().index);
        running->pop_front();
      }
    }
    const uint32_t index = *world.choose(random);
    ++world.in_flight(index);
    ++counts[index];
    const bool is_slow = index < kSize / 2;
    (is_slow ? slow : fast).push_back({index, now + (is_slow ? 400 : 40)});
  }
  const int slow_total = std::accumulate(counts.begin(), counts.begin() + kSize / 2, 0);
  // 24.4 % of the pairs are two slow ones; of the others hardly any choice is.
  EXPECT_LT(slow_total, 50'000 * 0.27);
  // And keeps the highest load close to the lowest: two choices, not one.
  uint32_t most = 0;
  for (size_t i = 0; i < kSize; ++i) most = std::max(most, world.in_flight(i).load());
  EXPECT_LE(most, 12U);
}

TEST(LeastRequests, LargePoolFindsTheLastUsable) {
  TestWorld world("least-requests", std::vector<uint32_t>(5000, 1));
  world.down.assign(5000, 1);
  world.down[4321] = 0;
  base::Rng random(1);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(world.choose(random), 4321U);
}

TEST(LeastRequests, LoadsNearTheLargestNumberDoNotWrap) {
  TestWorld world("least-requests", {256, 256});
  world.in_flight(0) = UINT32_MAX;
  world.in_flight(1) = 5;
  base::Rng random(1);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(world.choose(random), 1U);
}

}  // namespace
}  // namespace giliran::balance
