#include "proxy/admission.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "proxy/test_admission.h"

namespace giliran::proxy {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Outcome = Admission::Outcome;

// --- one worker ---

class OneWorker : public testing::Test {
 protected:
  ~OneWorker() override {
    for (auto& job : jobs) admission.leave(*job);
  }
  Job& job(uint32_t not_this = kNoEndpoint) {
    jobs.push_back(std::make_unique<Job>(pool));
    Job& made = *jobs.back();
    made.number = jobs.size();
    made.not_this = not_this;
    made.then = [this, &made](Turn turn) {
      (turn == Turn::kTaken ? served : refused).push_back(made.number);
    };
    return made;
  }
  Outcome admit(Job& one, uint32_t queue_max = 100) {
    return admission.admit(pool.queue, queue_max, one.not_this != kNoEndpoint, one);
  }
  void release(uint32_t endpoint = 0) {
    pool.in_flight[endpoint].fetch_sub(1);
    admission.release(pool.queue);
  }
  void turn() {
    woken = 0;
    admission.serve();
  }

  TestPool pool{2, 1};
  int woken = 0;
  Admission admission{0, [this](uint32_t worker) {
                        EXPECT_EQ(worker, 0U);
                        ++woken;
                      }};
  std::vector<std::unique_ptr<Job>> jobs;
  std::vector<uint64_t> served, refused;
};

TEST_F(OneWorker, GrantsWhileThereIsRoomThenQueuesThenIsFull) {
  EXPECT_EQ(admit(job(), 2), Outcome::kGranted);
  EXPECT_EQ(admit(job(), 2), Outcome::kGranted);
  EXPECT_FALSE(admission.waits());
  EXPECT_EQ(admit(job(), 2), Outcome::kQueued);
  EXPECT_TRUE(admission.waits());
  EXPECT_EQ(admit(job(), 2), Outcome::kQueued);
  EXPECT_EQ(jobs[3]->waited_behind(), 1U);
  EXPECT_EQ(admit(job(), 2), Outcome::kQueueFull);
  EXPECT_FALSE(jobs[4]->waits());
  EXPECT_EQ(pool.queue.waiting, 2U);
  EXPECT_EQ(admit(job(), 0), Outcome::kQueueFull);
}

TEST_F(OneWorker, NoQueueAtAll) {
  EXPECT_EQ(admit(job(), 0), Outcome::kGranted);
  EXPECT_EQ(admit(job(), 0), Outcome::kGranted);
  EXPECT_EQ(admit(job(), 0), Outcome::kQueueFull);
}

TEST_F(OneWorker, FirstComeFirstServedAndNeverInsideTheRelease) {
  for (int i = 0; i < 6; ++i) admit(job());
  release(0);
  EXPECT_THAT(served, IsEmpty());
  EXPECT_EQ(woken, 1);
  turn();
  EXPECT_THAT(served, ElementsAre(3));
  release(0);
  release(1);
  EXPECT_EQ(woken, 1);  // once for both
  turn();
  EXPECT_THAT(served, ElementsAre(3, 4, 5));
  turn();
  EXPECT_THAT(served, ElementsAre(3, 4, 5));
  EXPECT_EQ(pool.taken(), 2U);
}

TEST_F(OneWorker, WhoArrivesQueuesBehindThoseWhoWait) {
  for (int i = 0; i < 3; ++i) admit(job());
  release();
  EXPECT_EQ(admit(job()), Outcome::kQueued);  // a slot is free, but not its
  turn();
  EXPECT_THAT(served, ElementsAre(3));
}

TEST_F(OneWorker, WhoLeavesIsNotServed) {
  for (int i = 0; i < 6; ++i) admit(job());
  admission.leave(*jobs[2]);
  admission.leave(*jobs[4]);
  admission.leave(*jobs[4]);  // again: nothing
  EXPECT_EQ(pool.queue.waiting, 2U);
  release(0);
  release(1);
  turn();
  EXPECT_THAT(served, ElementsAre(4, 6));
  EXPECT_EQ(pool.queue.waiting, 0U);
  EXPECT_FALSE(admission.waits());
}

TEST_F(OneWorker, ATurnOfOneWhoLeftIsTheNextOnes) {
  for (int i = 0; i < 4; ++i) admit(job());
  release();
  admission.leave(*jobs[2]);
  turn();
  EXPECT_THAT(served, ElementsAre(4));
}

TEST_F(OneWorker, WhoLeavesTheFrontHasTheNextLook) {
  for (int i = 0; i < 4; ++i) admit(job());
  pool.in_flight[0].fetch_sub(1);  // its turn is lost with who leaves
  admission.leave(*jobs[2]);
  EXPECT_EQ(woken, 1);
  turn();
  EXPECT_THAT(served, ElementsAre(4));
}

// Another worker gives its slot back when this one has seen none and has not joined yet: nobody
// waits, so that nobody is given a turn.
TEST_F(OneWorker, ASlotThatIsFreedBeforeTheJoiningIsSeen) {
  struct Unlucky final : Waiter {
    explicit Unlucky(TestPool& pool_of_it) : pool(pool_of_it) {}
    Turn take() override {
      if (pool.take(0)) return Turn::kTaken;
      pool.in_flight[0].fetch_sub(1);
      Admission(1, [](uint32_t) { FAIL() << "nobody waits"; }).release(pool.queue);
      return Turn::kFull;
    }
    void on_turn(Turn) override {}
    TestPool& pool;
  };
  admit(job());
  Unlucky one(pool);
  EXPECT_EQ(admission.admit(pool.queue, 9, false, one), Outcome::kGranted);
  EXPECT_EQ(pool.queue.waiting, 0U);
  EXPECT_FALSE(admission.waits());
}

TEST_F(OneWorker, AReleaseWithNobodyWaitingWakesNobody) {
  admit(job());
  release();
  EXPECT_EQ(woken, 0);
}

TEST_F(OneWorker, WaitingInVainEnds) {
  for (int i = 0; i < 5; ++i) admit(job());
  pool.all_down = true;
  EXPECT_EQ(admit(job()), Outcome::kQueued);
  admission.pump();
  EXPECT_THAT(refused, ElementsAre(3, 4, 5, 6));
  EXPECT_FALSE(admission.waits());
  EXPECT_EQ(admit(job()), Outcome::kNone);
}

TEST_F(OneWorker, APumpHealsALostRelease) {
  for (int i = 0; i < 4; ++i) admit(job());
  pool.in_flight[0].fetch_sub(1);  // and nobody says so
  admission.pump();
  EXPECT_THAT(served, ElementsAre(3));
  admission.pump();
  EXPECT_THAT(served, ElementsAre(3));
}

TEST_F(OneWorker, AChoosyOneLetsOthersPass) {
  admit(job());
  admit(job());
  admit(job(0));  // 3: not endpoint 0
  admit(job());   // 4
  release(0);
  turn();
  EXPECT_THAT(served, ElementsAre(4));
  admit(job());  // 5
  release(1);
  turn();
  EXPECT_THAT(served, ElementsAre(4, 3));
  release(0);
  turn();
  EXPECT_THAT(served, ElementsAre(4, 3, 5));
}

TEST_F(OneWorker, NobodyWaitsForWhatAChoosyOneWaitsForWithoutNeed) {
  admit(job());
  admit(job());
  EXPECT_EQ(admit(job(0)), Outcome::kQueued);
  release(0);
  turn();  // not for the choosy one
  EXPECT_EQ(admit(job()), Outcome::kQueued);
  turn();  // its arrival has given a turn
  EXPECT_THAT(served, ElementsAre(4));
}

TEST_F(OneWorker, ATurnMayDoAnything) {
  for (int i = 0; i < 8; ++i) admit(job());
  jobs[2]->then = [&](Turn) {  // fails at once, and takes its neighbour with it
    served.push_back(3);
    admission.leave(*jobs[3]);
    release(0);
    EXPECT_EQ(admit(job()), Outcome::kQueued);
  };
  jobs[4]->then = [&](Turn) {
    served.push_back(5);
    for (auto& one : jobs) admission.leave(*one);
  };
  release(0);
  turn();
  EXPECT_THAT(served, ElementsAre(3, 5));
  EXPECT_FALSE(admission.waits());
  EXPECT_EQ(pool.queue.waiting, 0U);
}

TEST_F(OneWorker, APoolMayEndInTheTurnOfItsLast) {
  auto gone = std::make_unique<TestPool>(1, 1);
  auto first = std::make_unique<Job>(*gone);
  auto last = std::make_unique<Job>(*gone);
  admission.admit(gone->queue, 9, false, *first);
  admission.admit(gone->queue, 9, false, *last);
  last->then = [&](Turn) {
    auto* const holder = &first;  // this function goes with `last`
    auto* const pool_of_both = &gone;
    last.reset();
    holder->reset();
    pool_of_both->reset();
  };
  gone->in_flight[0].fetch_sub(1);
  admission.release(gone->queue);
  admission.serve();
  EXPECT_EQ(gone, nullptr);
  EXPECT_FALSE(admission.waits());
}

TEST_F(OneWorker, PoolsDoNotMix) {
  TestPool other(1, 1);
  Job holds(other);
  Job waits_there(other);
  admission.admit(other.queue, 9, false, holds);
  admission.admit(other.queue, 9, false, waits_there);
  for (int i = 0; i < 3; ++i) admit(job());
  other.in_flight[0].fetch_sub(1);
  admission.release(other.queue);
  turn();
  EXPECT_FALSE(waits_there.waits());
  EXPECT_THAT(served, IsEmpty());
}

}  // namespace
}  // namespace giliran::proxy
