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

// --- failures in a row ---

struct FailuresTest : BackoffTest {
  std::optional<Duration> no_answer(uint32_t after = 3) {
    return backoff.failed(now, after, kExact, rng);
  }
  void mark_down() {
    EXPECT_FALSE(no_answer());
    EXPECT_FALSE(no_answer());
    EXPECT_EQ(no_answer(), seconds(1));
  }
};

TEST_F(FailuresTest, TheThirdInARowMarksDown) {
  mark_down();
  EXPECT_EQ(admit(), Verdict::kDown);
  now += seconds(1);
  EXPECT_EQ(admit(), Verdict::kTrial);
}

TEST_F(FailuresTest, ASuccessBetweenBeginsAgain) {
  for (int i = 0; i < 20; ++i) {
    EXPECT_FALSE(no_answer());
    EXPECT_FALSE(no_answer());
    EXPECT_FALSE(backoff.succeeded());  // it was not down
  }
  EXPECT_EQ(admit(), Verdict::kUp);
  mark_down();
}

TEST_F(FailuresTest, AConnectionBetweenDoesNot) {
  EXPECT_FALSE(no_answer());
  EXPECT_FALSE(no_answer());
  EXPECT_FALSE(backoff.connected());
  EXPECT_TRUE(no_answer());
}

TEST_F(FailuresTest, ZeroMeansNever) {
  for (int i = 0; i < 1000; ++i) EXPECT_FALSE(no_answer(0));
  EXPECT_EQ(admit(), Verdict::kUp);
}

// The last one of a pool: it stays in use, and a row of failures is told.
TEST_F(FailuresTest, OneThatIsKeptOnlyCounts) {
  for (int row = 0; row < 3; ++row) {
    EXPECT_FALSE(backoff.failed_and_kept(3));
    EXPECT_FALSE(backoff.failed_and_kept(3));
    EXPECT_TRUE(backoff.failed_and_kept(3));
    for (int i = 0; i < 100; ++i) EXPECT_TRUE(backoff.failed_and_kept(3));
    EXPECT_EQ(admit(), Verdict::kUp);
    EXPECT_TRUE(backoff.succeeded(3));
    EXPECT_FALSE(backoff.succeeded(3));
  }
  backoff.failed_and_kept(3);
  EXPECT_FALSE(backoff.succeeded(3));  // no row
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(backoff.failed_and_kept(0));
  EXPECT_FALSE(backoff.succeeded(0));
}

TEST_F(FailuresTest, OneMeansTheFirst) {
  EXPECT_TRUE(no_answer(1));
}

TEST_F(FailuresTest, ItTakesAnAnswerToBeUpAgain) {
  mark_down();
  now += seconds(1);
  ASSERT_EQ(admit(), Verdict::kTrial);
  EXPECT_FALSE(backoff.connected());
  EXPECT_EQ(admit(), Verdict::kDown);
  EXPECT_EQ(no_answer(), seconds(2));  // the trial's: doubled at once, whatever the row
  EXPECT_EQ(backoff.failures(), 2U);
  now += seconds(2);
  ASSERT_EQ(admit(), Verdict::kTrial);
  EXPECT_FALSE(backoff.connected());
  EXPECT_TRUE(backoff.succeeded());
  EXPECT_FALSE(backoff.succeeded());
  EXPECT_EQ(admit(), Verdict::kUp);
  mark_down();
}

TEST_F(FailuresTest, ATrialThatCannotConnectStillNeedsAnAnswer) {
  mark_down();
  now += seconds(1);
  ASSERT_EQ(admit(), Verdict::kTrial);
  EXPECT_EQ(fail(), seconds(2));
  now += seconds(2);
  ASSERT_EQ(admit(), Verdict::kTrial);
  EXPECT_FALSE(backoff.connected());
  EXPECT_TRUE(backoff.succeeded());
}

TEST_F(FailuresTest, AfterAFailedConnectAConnectionIsEnough) {
  fail();
  now += seconds(1);
  ASSERT_EQ(admit(), Verdict::kTrial);
  EXPECT_TRUE(backoff.connected());
  EXPECT_FALSE(backoff.connected());
  EXPECT_EQ(admit(), Verdict::kUp);
}

TEST_F(FailuresTest, AttemptsFromBeforeCountOnce) {
  mark_down();
  now += milliseconds(300);
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(no_answer());
  EXPECT_EQ(backoff.failures(), 1U);
  EXPECT_EQ(backoff.look(now + milliseconds(700)), Verdict::kTrial);
}

TEST_F(FailuresTest, AnAnswerToAnOldAttemptMakesItUp) {
  mark_down();
  EXPECT_TRUE(backoff.succeeded());
  EXPECT_EQ(admit(), Verdict::kUp);
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

TEST_F(FailuresTest, OfManyThreadsExactlyOneMarksDown) {
  for (int round = 0; round < 200; ++round) {
    std::atomic<int> marked{0};
    at_once([&](uint64_t t) {
      base::Rng mine(t);
      for (int i = 0; i < 10; ++i) marked += backoff.failed(now, 80, kExact, mine) ? 1 : 0;
    });
    ASSERT_EQ(marked, 1);  // the eightieth of eighty: none was lost
    ASSERT_EQ(backoff.failures(), 1U);
    ASSERT_TRUE(backoff.succeeded());
  }
}

TEST_F(FailuresTest, OfManyThreadsExactlyOneMakesItUp) {
  for (int round = 0; round < 200; ++round) {
    ASSERT_TRUE(no_answer(1));
    std::atomic<int> up{0};
    at_once([&](uint64_t) { up += backoff.succeeded() ? 1 : 0; });
    ASSERT_EQ(up, 1);
  }
}

// Whatever crosses whatever: it is never stuck down, and never up while failures go on.
TEST_F(FailuresTest, CrossingEventsLeaveItUsable) {
  for (int round = 0; round < 100; ++round) {
    at_once([&](uint64_t t) {
      base::Rng mine(t + 8 * static_cast<uint64_t>(round));
      for (int i = 0; i < 50; ++i) {
        switch (mine.below(5)) {
          case 0:
            backoff.succeeded();
            break;
          case 1:
            backoff.connected();
            break;
          case 2:
            backoff.connect_failed(now, kExact, mine);
            break;
          case 3:
            backoff.admit(now, kTrial);
            break;
          default:
            backoff.failed(now, 3, kExact, mine);
        }
      }
    });
    now += seconds(31);
    ASSERT_NE(admit(), Verdict::kDown);
    backoff.succeeded();
    ASSERT_EQ(admit(), Verdict::kUp);
    mark_down();
    backoff.succeeded();
  }
}

}  // namespace
}  // namespace giliran::health
