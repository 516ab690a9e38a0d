#include "net/timer.h"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include "base/rng.h"

namespace giliran::net {
namespace {

using base::Duration;
using base::Instant;
using std::chrono::milliseconds;

struct Call final : Timer {
  explicit Call(std::function<void()> f) : call(std::move(f)) {}
  void on_timer() override { call(); }
  std::function<void()> call;
};

Instant at(Duration d) {
  return Instant(d);
}

TEST(TimerWheel, FiresAtItsDeadlineAndNotBefore) {
  TimerWheel wheel(at(Duration(12345)));
  int fired = 0;
  Call timer([&] { ++fired; });
  wheel.arm(timer, at(milliseconds(5)));
  EXPECT_TRUE(timer.armed());
  EXPECT_LE(wheel.next(), at(milliseconds(5)));
  EXPECT_EQ(wheel.advance(at(milliseconds(5) - Duration(1))), 0u);
  EXPECT_EQ(wheel.advance(at(milliseconds(5))), 1u);
  EXPECT_EQ(fired, 1);
  EXPECT_FALSE(timer.armed());
  EXPECT_EQ(wheel.next(), base::kNoDeadline);
}

TEST(TimerWheel, PassedDeadlineFiresAtTheNextTurnEvenFromInsideACallback) {
  TimerWheel wheel(at(Duration(0)));
  wheel.advance(at(milliseconds(100)));
  int fired = 0;
  Call timer([&] {
    if (++fired < 3) wheel.arm(timer, at(milliseconds(1)));
  });
  wheel.arm(timer, at(milliseconds(50)));
  EXPECT_LE(wheel.next(), at(milliseconds(100)));
  for (int turn = 1; turn <= 3; ++turn) {
    EXPECT_EQ(wheel.advance(at(milliseconds(100))), 1u);
    EXPECT_EQ(fired, turn);
  }
  EXPECT_EQ(wheel.advance(at(milliseconds(100))), 0u);
}

TEST(TimerWheel, MayDestroyItselfAndOthersInACallback) {
  TimerWheel wheel(at(Duration(0)));
  std::unique_ptr<Call> self, victim, survivor;
  bool survived = false;
  self = std::make_unique<Call>([&] {
    victim.reset();
    self.reset();
  });
  victim = std::make_unique<Call>([] { ADD_FAILURE() << "destroyed timers do not fire"; });
  survivor = std::make_unique<Call>([&] { survived = true; });
  wheel.arm(*self, at(milliseconds(1)));
  wheel.arm(*victim, at(milliseconds(1)));
  wheel.arm(*survivor, at(milliseconds(1)));
  EXPECT_EQ(wheel.advance(at(milliseconds(2))), 2u);
  EXPECT_TRUE(survived);
  EXPECT_EQ(wheel.armed(), 0u);
}

TEST(TimerWheel, OutlivedByItsTimers) {
  Call timer([] {});
  {
    TimerWheel wheel(at(Duration(0)));
    wheel.arm(timer, at(milliseconds(1)));
  }
  EXPECT_FALSE(timer.armed());
}

TEST(TimerWheel, DeadlinesFurtherThanTheWheelReaches) {
  TimerWheel wheel(at(Duration(0)));
  Call far([] {}), never([] {});
  const Instant deadline = at(std::chrono::hours(24 * 365 * 20));
  wheel.arm(far, deadline);
  wheel.arm(never, base::kNoDeadline);
  uint64_t steps = 0;
  size_t fired = 0;
  Instant now{};
  while (fired == 0 && steps < 10'000) {
    now = std::max(now, wheel.next());
    ASSERT_LE(now, deadline);
    if (now < deadline - std::chrono::hours(24 * 400)) now = now + std::chrono::hours(24 * 300);
    fired = wheel.advance(now);
    ++steps;
  }
  EXPECT_GE(now, deadline);
  EXPECT_TRUE(never.armed());
}

// Random use against a reference that is obviously right: a sorted set of (deadline, timer).
class Reference {
 public:
  explicit Reference(uint64_t seed) : rng_(seed), start_(Duration(rng_.below(1u << 30))) {
    now_ = before_ = start_;
    wheel_ = std::make_unique<TimerWheel>(start_);
    for (size_t i = 0; i < kTimers; ++i) {
      timers_.push_back(std::make_unique<Call>([this, i] { fired(i); }));
    }
  }

  void run(int steps) {
    for (int step = 0; step < steps; ++step) {
      act();
      check_next();
      now_ += some_duration(45);
      if (rng_.below(3) == 0 && wheel_->next() != base::kNoDeadline) {
        now_ = std::max(now_, wheel_->next());
      }
      last_tick_ = 0;
      wheel_->advance(now_);
      before_ = now_;
      for (const auto& [deadline, i] : due_) {
        // Only what was armed or armed again inside a callback may wait for the next turn.
        if (deadline <= now_) {
          EXPECT_TRUE(armed_inside_.contains(i));
        }
      }
      armed_inside_.clear();
      ASSERT_EQ(wheel_->armed(), due_.size());
      if (testing::Test::HasFailure()) return;
    }
  }

 private:
  static constexpr size_t kTimers = 60;

  Duration some_duration(uint64_t bits_max) {
    return Duration(rng_.next() >> (64 - 1 - rng_.below(bits_max)));
  }

  void arm(size_t i, Instant deadline) {
    disarm(i);
    due_.insert({deadline, i});
    deadlines_[i] = deadline;
    wheel_->arm(*timers_[i], deadline);
  }
  void disarm(size_t i) {
    if (auto found = deadlines_.find(i); found != deadlines_.end()) {
      due_.erase({found->second, i});
      deadlines_.erase(found);
    }
    wheel_->disarm(*timers_[i]);
  }
  void act() {
    for (uint64_t n = rng_.below(8); n > 0; --n) {
      const size_t i = rng_.below(kTimers);
      if (rng_.below(4) == 0) {
        disarm(i);
      } else if (rng_.below(10) == 0) {
        arm(i, now_ - some_duration(30));  // passed already
      } else {
        arm(i, now_ + some_duration(58));
      }
    }
  }
  void check_next() {
    const Instant next = wheel_->next();
    if (due_.empty()) {
      EXPECT_EQ(next, base::kNoDeadline);
    } else {
      EXPECT_LE(next, due_.begin()->first);
    }
  }
  void fired(size_t i) {
    auto found = deadlines_.find(i);
    ASSERT_NE(found, deadlines_.end()) << "fired though it was not armed";
    EXPECT_LE(found->second, now_) << "fired early";
    EXPECT_FALSE(armed_inside_.contains(i)) << "fired in the turn that armed it";
    if (found->second > before_) {  // those already late come whenever they come
      const int64_t tick = (found->second - start_) / TimerWheel::kTick;
      EXPECT_GE(tick, last_tick_) << "fired out of the order of ticks";
      last_tick_ = tick;
    }
    due_.erase({found->second, i});
    deadlines_.erase(found);
    for (uint64_t n = rng_.below(3); n > 0; --n) {
      const size_t other = rng_.below(kTimers);
      if (rng_.below(3) == 0) {
        disarm(other);
        armed_inside_.erase(other);
      } else if (rng_.below(5) == 0) {
        timers_[other] = std::make_unique<Call>([this, other] { this->fired(other); });
        if (auto gone = deadlines_.find(other); gone != deadlines_.end()) {
          due_.erase({gone->second, other});
          deadlines_.erase(gone);
        }
        if (other == i) return;  // the closure that runs has gone
      } else {
        arm(other, rng_.below(2) == 0 ? now_ : now_ + some_duration(40));
        armed_inside_.insert(other);
      }
    }
  }

  base::Rng rng_;
  Instant start_;
  Instant now_;
  std::unique_ptr<TimerWheel> wheel_;
  std::vector<std::unique_ptr<Call>> timers_;
  std::map<size_t, Instant> deadlines_;
  std::set<std::pair<Instant, size_t>> due_;
  std::set<size_t> armed_inside_;
  Instant before_{};       // the turn before
  int64_t last_tick_ = 0;  // of what fired in this turn
};

TEST(TimerWheel, AgreesWithASortedReference) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(seed);
    Reference reference(seed);
    reference.run(2000);
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace giliran::net
