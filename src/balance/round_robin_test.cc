#include "balance/round_robin.h"

#include <gtest/gtest.h>

#include <numeric>
#include <thread>

#include "balance/test_world.h"

namespace giliran::balance {
namespace {

// `choices` altogether, by as many threads, on one pool.
std::vector<int> choose_at_once(TestWorld& world, int choices, size_t threads) {
  std::vector<std::vector<int>> counts(threads);
  {
    std::vector<std::jthread> all;
    for (size_t t = 0; t < threads; ++t) {
      all.emplace_back([&world, &counts, t, n = choices / static_cast<int>(threads)] {
        base::Rng random(t);
        world.choose_often(n, random, counts[t]);
      });
    }
  }
  std::vector<int> sum(world.down.size());
  for (const auto& one : counts) {
    for (size_t i = 0; i < sum.size(); ++i) sum[i] += one[i];
  }
  return sum;
}

TEST(RoundRobin, TakesTheSmoothSequence) {
  TestWorld world("round-robin", {5, 1, 1});
  base::Rng random(1);
  std::string turns;
  for (int i = 0; i < 14; ++i) turns += static_cast<char>('a' + *world.choose(random));
  EXPECT_EQ(turns, "aabacaaaabacaa");
}

TEST(RoundRobin, TurnsGoOnWhateverTheTicket) {
  base::Rng random(1);
  for (const uint64_t size : std::vector<uint64_t>{1, 2, 3, 7, 64, 1000, 10'007}) {
    TestWorld world("round-robin", std::vector<uint32_t>(size, 1));
    for (const uint64_t around : {uint64_t{0}, size, uint64_t{1} << 32, uint64_t{1} << 63,
                                  UINT64_MAX - UINT64_MAX % size, UINT64_MAX - 3}) {
      for (uint64_t ticket = around < 3 ? 0 : around - 3; ticket < around + 3; ++ticket) {
        world.pool.ticket = ticket;
        EXPECT_EQ(world.choose(random), ticket % size) << ticket << " of " << size;
      }
    }
  }
}

TEST(RoundRobin, TurnsAreExactOverAllThreads) {
  TestWorld world("round-robin", {5, 1, 1, 8, 3, 2});
  const std::vector<int> counts = choose_at_once(world, 20 * 8000, 8);
  EXPECT_EQ(counts, (std::vector<int>{40'000, 8000, 8000, 64'000, 24'000, 16'000}));
}

TEST(RoundRobin, TurnsOfOneThatIsDownAreSpreadEvenly) {
  TestWorld world("round-robin", {1, 1, 1, 1});
  world.down[1] = 1;
  base::Rng random(1);
  std::vector<int> counts;
  world.choose_often(12 * 100, random, counts);
  EXPECT_EQ(counts, (std::vector<int>{400, 0, 400, 400}));
}

TEST(RoundRobin, TurnsOfOneThatIsDownAreSpreadByWeight) {
  TestWorld world("round-robin", {4, 2, 1, 1});
  world.down[0] = 1;
  base::Rng random(1);
  std::vector<int> counts;
  world.choose_often(8 * 400, random, counts);
  // 400 x their own 2, 1, 1 turns, and of the 1600 given away a half, a quarter, a quarter.
  EXPECT_EQ(counts, (std::vector<int>{0, 1600, 800, 800}));
}

TEST(RoundRobin, NeighboursThatAreDownDoNotLoadTheirSuccessor) {
  TestWorld world("round-robin", std::vector<uint32_t>(10, 1));
  for (const size_t i : {2U, 3U, 4U, 5U}) world.down[i] = 1;
  base::Rng random(1);
  std::vector<int> counts;
  world.choose_often(60 * 100, random, counts);
  for (const size_t i : {0U, 1U, 6U, 7U, 8U, 9U}) EXPECT_EQ(counts[i], 1000) << i;
}

TEST(RoundRobin, TurnsGivenAwayStayBalancedOverAllThreads) {
  TestWorld world("round-robin", {1, 1, 1, 1});
  world.down[3] = 1;
  const std::vector<int> counts = choose_at_once(world, 8 * 12'000, 8);
  EXPECT_EQ(std::accumulate(counts.begin(), counts.end(), 0), 8 * 12'000);
  EXPECT_EQ(counts[3], 0);
  // Exact but for choices kept after many lost races.
  for (const size_t i : {0U, 1U, 2U}) EXPECT_NEAR(counts[i], 32'000, 320) << i;
}

TEST(RoundRobin, RetriesSpendNoTicket) {
  TestWorld world("round-robin", {1, 1, 1});
  base::Rng random(1);
  std::vector<int> counts(3);
  for (int i = 0; i < 300; ++i) ++counts[*world.choose(random, true)];
  EXPECT_EQ(world.pool.ticket, 0U);
  EXPECT_EQ(counts, (std::vector<int>{100, 100, 100}));
  world.choose(random);
  EXPECT_EQ(world.pool.ticket, 1U);
}

TEST(RoundRobin, ManyDownInALargePoolAreDrawnEvenly) {
  TestWorld world("round-robin", std::vector<uint32_t>(2000, 1));
  world.down.assign(2000, 1);
  const size_t up[] = {700, 701, 1500, 1999};
  for (const size_t i : up) world.down[i] = 0;
  base::Rng random(1);
  std::vector<int> counts;
  world.choose_often(8000, random, counts);
  for (const size_t i : up) EXPECT_NEAR(counts[i], 2000, 250) << i;
}

TEST(RoundRobin, TicketsOfALargerPoolBeforeStillFit) {
  TestWorld world("round-robin", {1, 1, 1});
  world.pool.ticket = UINT64_MAX - 1;
  world.pool.spill = UINT64_MAX - 1;
  base::Rng random(1);
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(world.choose(random, i % 2 == 0));
}

}  // namespace
}  // namespace giliran::balance
