#include "proxy/rate_limiter.h"

#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/rng.h"

namespace giliran::proxy {
namespace {

using base::Address;
using base::Duration;
using base::Instant;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

Address client(uint32_t i) {
  return Address::ipv4(0x0a000000 + i, static_cast<uint16_t>(1000 + i % 100));
}

struct RateLimiterTest : ::testing::Test {
  int take(const Address& who, int most, const RateLimit& limit) {
    int taken = 0;
    while (taken < most && limiter.admit(who, now, limit).allowed) ++taken;
    return taken;
  }
  RateLimiter limiter{1};
  Instant now{seconds(5000)};
};

// The reference vectors of the SipHash paper: key 00..0f, input 00..0e.
TEST(SipHash, IsAsPublished) {
  const HashKey key{.low = 0x0706050403020100ULL, .high = 0x0f0e0d0c0b0a0908ULL};
  std::string input;
  for (char c = 0; c < 15; ++c) input += c;
  EXPECT_EQ(SipHash::of(key, input), 0xa129ca6149be45e5ULL);
  EXPECT_EQ(SipHash::of(key, ""), 0x726fdb47dd0e0e31ULL);
  input += '\x0f';
  EXPECT_EQ(SipHash::of(key, input), SipHash::of(key, key.low, key.high));
}

TEST(RateLimit, OfOptions) {
  EXPECT_EQ(RateLimit::of(0, 5).interval, Duration(0));
  EXPECT_EQ(RateLimit::of(10, 5).interval, milliseconds(100));
  EXPECT_EQ(RateLimit::of(10, 5).burst, 5U);
  EXPECT_EQ(RateLimit::of(10, 0).burst, 10U);
  EXPECT_EQ(RateLimit::of(0.5, 0).burst, 1U);
  EXPECT_EQ(RateLimit::of(0.5, 0).interval, seconds(2));
}

TEST_F(RateLimiterTest, TheBurstAtOnceThenTheRate) {
  const RateLimit limit = RateLimit::of(10, 5);
  EXPECT_EQ(take(client(1), 100, limit), 5);
  const auto refused = limiter.admit(client(1), now, limit);
  EXPECT_FALSE(refused.allowed);
  EXPECT_EQ(refused.retry_after, milliseconds(100));
  now += milliseconds(100) - Duration(1);
  EXPECT_EQ(limiter.admit(client(1), now, limit).retry_after, Duration(1));
  now += Duration(1);
  EXPECT_EQ(take(client(1), 100, limit), 1);
  now += milliseconds(250);
  EXPECT_EQ(take(client(1), 100, limit), 2);
  now += hours(10);
  EXPECT_EQ(take(client(1), 100, limit), 5);
}

TEST_F(RateLimiterTest, RetryAfterIsWhenItWouldBeAllowed) {
  const RateLimit limit = RateLimit::of(7, 3);
  base::Rng rng(3);
  for (int i = 0; i < 10'000; ++i) {
    now += Duration(static_cast<int64_t>(rng.below(200'000'000)));
    const auto verdict = limiter.admit(client(1), now, limit);
    if (verdict.allowed) continue;
    ASSERT_FALSE(limiter.admit(client(1), now + verdict.retry_after - Duration(1), limit).allowed);
    ASSERT_TRUE(limiter.admit(client(1), now + verdict.retry_after, limit).allowed);
    now += verdict.retry_after;
  }
}

TEST_F(RateLimiterTest, NoLimitAllowsAll) {
  EXPECT_EQ(take(client(1), 1000, {}), 1000);
}

TEST_F(RateLimiterTest, AClientIsAnAddressAnIpv6NetworkOrAllUnixSockets) {
  const RateLimit one = RateLimit::of(1, 1);
  const auto at = [](const char* text) { return *Address::parse(text); };
  const auto same = [&](const char* a, const char* b) {
    now += hours(1);
    EXPECT_EQ(take(at(a), 1, one), 1);
    return take(at(b), 1, one) == 0;
  };
  EXPECT_TRUE(same("1.2.3.4:1", "1.2.3.4:2"));
  EXPECT_FALSE(same("1.2.3.4:1", "1.2.3.5:1"));
  EXPECT_TRUE(same("[2001:db8:1:2::1]:1", "[2001:db8:1:2:ffff::9]:7"));
  EXPECT_FALSE(same("[2001:db8:1:2::1]:1", "[2001:db8:1:3::1]:1"));
  EXPECT_TRUE(same("[::ffff:1.2.3.4]:1", "1.2.3.4:1"));
  EXPECT_FALSE(same("[::ffff:1.2.3.4]:1", "[::ffff:1.2.3.5]:1"));
  EXPECT_TRUE(same("unix:/a", "unix:/b"));
  EXPECT_FALSE(same("unix:/a", "0.0.0.0:1"));
}

TEST_F(RateLimiterTest, ManyClientsEachHaveTheirOwn) {
  const RateLimit limit = RateLimit::of(10, 2);
  for (uint32_t i = 0; i < 10'000; ++i) ASSERT_EQ(take(client(i), 10, limit), 2) << i;
  for (uint32_t i = 0; i < 10'000; ++i) ASSERT_EQ(take(client(i), 10, limit), 0) << i;
  EXPECT_EQ(limiter.evicted(), 0U);
}

TEST_F(RateLimiterTest, SlotsAtRestAreGivenAwayWithoutALoss) {
  const RateLimit limit = RateLimit::of(1000, 1);
  for (uint32_t i = 0; i < 1'000'000; ++i) {
    ASSERT_TRUE(limiter.admit(client(i), now, limit).allowed);
    if (i % 10 == 0) now += milliseconds(1);
  }
  EXPECT_EQ(limiter.evicted(), 0U);
}

TEST_F(RateLimiterTest, WhereAllAreBusyTheOneNearestToItsRestIsGivenUp) {
  RateLimiter small(1, RateLimiter::kWays);
  const RateLimit limit = RateLimit::of(1, 10);
  for (uint32_t i = 0; i < RateLimiter::kWays; ++i) {
    for (uint32_t n = 0; n <= i; ++n) ASSERT_TRUE(small.admit(client(i), now, limit).allowed);
  }
  EXPECT_EQ(small.evicted(), 0U);
  for (int n = 0; n < 10; ++n) ASSERT_TRUE(small.admit(client(100), now, limit).allowed);
  EXPECT_FALSE(small.admit(client(100), now, limit).allowed);  // it has no debt but its own
  EXPECT_EQ(small.evicted(), 1U);
  // The one that had asked most is still known.
  for (uint32_t n = RateLimiter::kWays; n < 10; ++n) {
    ASSERT_TRUE(small.admit(client(RateLimiter::kWays - 1), now, limit).allowed);
  }
  EXPECT_FALSE(small.admit(client(RateLimiter::kWays - 1), now, limit).allowed);
  EXPECT_EQ(small.evicted(), 1U);
}

TEST_F(RateLimiterTest, InAnyWindowAtMostTheBurstAndTheRate) {
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    base::Rng rng(seed);
    const double rate = static_cast<double>(1 + rng.below(1000));
    const auto burst = static_cast<uint32_t>(1 + rng.below(20));
    const RateLimit limit = RateLimit::of(rate, burst);
    const uint64_t step = 1 + rng.below(50'000'000);
    std::vector<Instant> allowed;
    for (int i = 0; i < 1000; ++i) {
      now += Duration(static_cast<int64_t>(rng.below(step)));
      if (limiter.admit(client(static_cast<uint32_t>(seed)), now, limit).allowed) {
        allowed.push_back(now);
      }
    }
    for (size_t first = 0; first < allowed.size(); ++first) {
      for (size_t last = first; last < allowed.size(); last += 7) {
        const double window = base::to_seconds(allowed[last] - allowed[first]);
        const auto count = static_cast<double>(last - first + 1);
        ASSERT_LE(count, burst + rate * window * (1 + 1e-6) + 1e-6) << "seed " << seed;
      }
    }
    now += hours(1);
  }
}

TEST_F(RateLimiterTest, ThreadsTogetherTakeTheBurstAndErrByOneEachAtMost) {
  constexpr int kThreads = 8;
  constexpr uint32_t kBurst = 1000;
  const RateLimit limit = RateLimit::of(0.001, kBurst);
  for (uint32_t round = 0; round < 20; ++round) {
    std::atomic<uint32_t> taken{0};
    std::atomic<int> waiting{kThreads};
    {
      std::vector<std::jthread> all;
      for (int t = 0; t < kThreads; ++t) {
        all.emplace_back([&] {
          --waiting;
          while (waiting > 0) std::this_thread::yield();
          for (uint32_t i = 0; i < kBurst; ++i) {
            if (limiter.admit(client(round), now, limit).allowed) ++taken;
          }
        });
      }
    }
    EXPECT_GE(taken, kBurst);
    EXPECT_LE(taken, kBurst + kThreads);
  }
}

// A table far too small for its clients, all workers at it: it errs towards allowing, never towards
// refusing one who asks below its rate.
TEST_F(RateLimiterTest, UnderPressureNobodyIsRefusedForAnother) {
  RateLimiter small(7, 64);
  const RateLimit limit = RateLimit::of(1, 4);
  std::atomic<int> refused{0};
  {
    std::vector<std::jthread> all;
    for (uint32_t t = 0; t < 4; ++t) {
      all.emplace_back([&, t] {
        for (uint32_t i = 0; i < 20'000; ++i) {
          // Each client once: of the burst of four, three may go astray in races.
          if (!small.admit(client(t * 20'000 + i), now, limit).allowed) ++refused;
        }
      });
    }
  }
  EXPECT_EQ(refused, 0);
  EXPECT_GT(small.evicted(), 70'000U);
}

}  // namespace
}  // namespace giliran::proxy
