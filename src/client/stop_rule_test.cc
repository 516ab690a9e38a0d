#include "client/stop_rule.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>
#include <vector>

namespace giliran::client {
namespace {

TEST(StopRule, GivesEachTicketOnceOverThreads) {
  constexpr uint64_t kRequests = 20'000;
  StopRule rule(kRequests);
  std::vector<std::vector<uint64_t>> taken(4);
  {
    std::vector<std::jthread> threads;
    for (auto& mine : taken) {
      threads.emplace_back([&rule, &mine] {
        while (const uint64_t ticket = rule.take()) mine.push_back(ticket);
      });
    }
  }
  std::vector<uint64_t> all;
  for (const auto& mine : taken) all.insert(all.end(), mine.begin(), mine.end());
  std::ranges::sort(all);
  ASSERT_EQ(all.size(), kRequests);
  for (uint64_t i = 0; i < kRequests; ++i) ASSERT_EQ(all[i], i + 1);
  EXPECT_TRUE(rule.over());
  EXPECT_EQ(rule.take(), 0u);
}

TEST(StopRule, WithoutABoundGoesOnUntilStopped) {
  StopRule rule(0);
  for (uint64_t i = 1; i <= 1000; ++i) EXPECT_EQ(rule.take(), i);
  EXPECT_FALSE(rule.over());
  rule.stop();
  EXPECT_TRUE(rule.over());
  EXPECT_EQ(rule.take(), 0u);
}

}  // namespace
}  // namespace giliran::client
