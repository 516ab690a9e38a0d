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
        while (const uint64_t ticket = rule.take().number) mine.push_back(ticket);
      });
    }
  }
  std::vector<uint64_t> all;
  for (const auto& mine : taken) all.insert(all.end(), mine.begin(), mine.end());
  std::ranges::sort(all);
  ASSERT_EQ(all.size(), kRequests);
  for (uint64_t i = 0; i < kRequests; ++i) ASSERT_EQ(all[i], i + 1);
  EXPECT_TRUE(rule.over());
  EXPECT_EQ(rule.take().number, 0u);
}

TEST(StopRule, WithoutABoundGoesOnUntilStopped) {
  StopRule rule(0);
  for (uint64_t i = 1; i <= 1000; ++i) EXPECT_EQ(rule.take().number, i);
  EXPECT_FALSE(rule.over());
  rule.stop();
  EXPECT_TRUE(rule.over());
  EXPECT_EQ(rule.take().number, 0u);
}

TEST(StopRule, TheWarmUpIsNotCountedWhereverItEnds) {
  constexpr uint64_t kRequests = 5'000;
  StopRule rule(kRequests, true);
  std::vector<std::vector<StopRule::Ticket>> taken(4);
  std::atomic<uint64_t> warm = 0;
  {
    std::vector<std::jthread> threads;
    for (auto& mine : taken) {
      threads.emplace_back([&] {
        while (true) {
          const StopRule::Ticket ticket = rule.take();
          if (ticket.number == 0) return;
          mine.push_back(ticket);
          ++warm;
        }
      });
    }
    while (warm < 1000) std::this_thread::yield();
    rule.begin_measuring();
  }
  std::vector<uint64_t> all;
  uint64_t measured = 0, last_warm = 0, first_measured = UINT64_MAX;
  for (const auto& mine : taken) {
    for (const StopRule::Ticket& ticket : mine) {
      all.push_back(ticket.number);
      measured += ticket.measured ? 1 : 0;
      if (ticket.measured) first_measured = std::min(first_measured, ticket.number);
      if (!ticket.measured) last_warm = std::max(last_warm, ticket.number);
    }
  }
  EXPECT_EQ(measured, kRequests);
  EXPECT_LT(last_warm, first_measured);
  std::ranges::sort(all);
  for (uint64_t i = 0; i < all.size(); ++i) ASSERT_EQ(all[i], i + 1);
  EXPECT_TRUE(rule.over());
}

}  // namespace
}  // namespace giliran::client
