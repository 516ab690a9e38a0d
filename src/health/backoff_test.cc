#include "health/backoff.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace giliran::health {
namespace {

using base::Duration;
using base::Instant;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Duration kTrial = milliseconds(500);
constexpr BackoffOptions kExact{.first = seconds(1), .max = seconds(30), .jitter = 0};

struct BackoffTest : ::testing::Test {
  Duration fail(const BackoffOptions& options = kExact) {
    return backoff.connect_failed(now, options, rng);
  }
  Verdict admit() { return backoff.admit(now, kTrial); }
  Backoff backoff;
  base::Rng rng{1};
  Instant now{seconds(100)};
};

TEST_F(BackoffTest, UpAtFirst) {
  EXPECT_EQ(admit(), Verdict::kUp);
  EXPECT_EQ(backoff.look(now), Verdict::kUp);
  EXPECT_EQ(backoff.failures(), 0U);
}

TEST_F(BackoffTest, DownForItsWhileThenOneTrial) {
  EXPECT_EQ(fail(), seconds(1));
  EXPECT_EQ(admit(), Verdict::kDown);
  now += seconds(1) - Duration(1);
  EXPECT_EQ(admit(), Verdict::kDown);
  now += Duration(1);
  EXPECT_EQ(backoff.look(now), Verdict::kTrial);
  EXPECT_EQ(backoff.look(now), Verdict::kTrial);  // looking takes nothing
  EXPECT_EQ(admit(), Verdict::kTrial);
  EXPECT_EQ(admit(), Verdict::kDown);
  EXPECT_EQ(backoff.look(now), Verdict::kDown);
}

TEST_F(BackoffTest, ATrialWithoutOutcomeIsFollowedByAnother) {
  fail();
  now += seconds(1);
  EXPECT_EQ(admit(), Verdict::kTrial);
  now += kTrial - Duration(1);
  EXPECT_EQ(admit(), Verdict::kDown);
  now += Duration(1);
  EXPECT_EQ(admit(), Verdict::kTrial);
  EXPECT_EQ(admit(), Verdict::kDown);
}

TEST_F(BackoffTest, DoublesUpToTheMost) {
  for (const int expected : {1, 2, 4, 8, 16, 30, 30, 30}) {
    EXPECT_EQ(fail(), seconds(expected));
    now += seconds(expected);
    ASSERT_EQ(admit(), Verdict::kTrial);
  }
  EXPECT_EQ(backoff.failures(), 8U);
}

TEST_F(BackoffTest, ManyFailuresDoNotOverflow) {
  for (int i = 0; i < 200; ++i) {
    EXPECT_LE(fail(), seconds(30));
    now += seconds(30);
  }
}

TEST_F(BackoffTest, JitterStaysInItsPartAndIsUsed) {
  const BackoffOptions options{.first = seconds(1), .max = seconds(30), .jitter = 0.2};
  Duration least = Duration::max();
  Duration most{};
  for (int i = 0; i < 1000; ++i) {
    const Duration d = fail(options);
    least = std::min(least, d);
    most = std::max(most, d);
    // What is returned is what holds.
    ASSERT_EQ(backoff.look(now + d - Duration(1)), Verdict::kDown);
    ASSERT_EQ(backoff.look(now + d), Verdict::kTrial);
    backoff.connected();
  }
  EXPECT_GE(least, milliseconds(800) - Duration(2));
  EXPECT_LE(least, milliseconds(820));
  EXPECT_GE(most, milliseconds(1180));
  EXPECT_LE(most, milliseconds(1200));
}

TEST_F(BackoffTest, ConnectedResets) {
  fail();
  now += seconds(1);
  admit();
  fail();
  EXPECT_EQ(backoff.failures(), 2U);
  backoff.connected();
  EXPECT_EQ(admit(), Verdict::kUp);
  EXPECT_EQ(backoff.failures(), 0U);
  EXPECT_EQ(fail(), seconds(1));
  EXPECT_EQ(backoff.failures(), 1U);
}

TEST_F(BackoffTest, AttemptsFromBeforeCountOnce) {
  fail();
  now += milliseconds(300);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(fail(), milliseconds(700));
  EXPECT_EQ(backoff.failures(), 1U);
}

TEST_F(BackoffTest, AnOldFailureDuringATrialAndTheTrialsOwnCountOnce) {
  fail();
  now += seconds(1);
  ASSERT_EQ(admit(), Verdict::kTrial);
  EXPECT_EQ(fail(), seconds(2));
  now += milliseconds(400);
  EXPECT_EQ(fail(), milliseconds(1600));
  EXPECT_EQ(backoff.failures(), 2U);
}

TEST_F(BackoffTest, ATrialThatFailsAfterItsTimeStillCounts) {
  fail();
  now += seconds(1);
  ASSERT_EQ(admit(), Verdict::kTrial);
  now += 4 * kTrial;
  EXPECT_EQ(fail(), seconds(2));
}

TEST_F(BackoffTest, WorksAtTheStartOfTime) {
  now = Instant{};
  fail();
  EXPECT_EQ(admit(), Verdict::kDown);
  now += seconds(1);
  EXPECT_EQ(admit(), Verdict::kTrial);
}

// Runs `act` on eight threads at once.
template <typename Act>
void at_once(Act act) {
  std::atomic<int> waiting{8};
  std::vector<std::jthread> all;
  for (uint64_t t = 0; t < 8; ++t) {
    all.emplace_back([&waiting, &act, t] {
      --waiting;
      while (waiting > 0) std::this_thread::yield();
      act(t);
    });
  }
}

TEST_F(BackoffTest, ExactlyOneOfManyThreadsWinsATrial) {
  for (int round = 1; round <= 200; ++round) {
    now += fail();
    std::atomic<int> trials{0};
    at_once([&](uint64_t) {
      for (int i = 0; i < 20; ++i) trials += admit() == Verdict::kTrial ? 1 : 0;
    });
    ASSERT_EQ(trials, 1) << round;
  }
}

TEST_F(BackoffTest, FailuresOfManyThreadsAtOnceCountOnce) {
  for (int round = 0; round < 200; ++round) {
    at_once([&](uint64_t t) {
      base::Rng mine(t);
      backoff.connect_failed(now, kExact, mine);
    });
    ASSERT_EQ(backoff.failures(), 1U);
    backoff.connected();
  }
}

}  // namespace
}  // namespace giliran::health
