// Timers of one loop: a hierarchical timing wheel (Varghese and Lauck 1987), constant time to arm
// and to disarm. A timer fires no earlier than its deadline and at most one tick later (plus the
// loop's own lateness); a tick is how finely timers are ordered. Loop thread only.
#pragma once

#include <cstdint>

#include "base/time.h"

namespace giliran::net {

class TimerWheel;

// Something to do at a time. Intrusive: lives in its owner, disarms itself when destroyed.
class Timer {
 public:
  Timer() = default;
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  virtual ~Timer();

  bool armed() const { return wheel_ != nullptr; }
  base::Instant deadline() const { return deadline_; }

 protected:
  // On the loop. May arm or disarm any timer, itself too, and may destroy itself.
  virtual void on_timer() = 0;

 private:
  friend class TimerWheel;
  TimerWheel* wheel_ = nullptr;
  Timer* previous_ = nullptr;
  Timer* next_ = nullptr;
  uint16_t place_ = 0;  // level * slots + slot
  base::Instant deadline_{};
};

// A timer that calls a member function of its owner: MemberTimer<Flow, &Flow::on_idle>
// idle_{*this}.
template <typename Owner, void (Owner::*kMethod)()>
class MemberTimer final : public Timer {
 public:
  explicit MemberTimer(Owner& owner) : owner_(owner) {}

 private:
  void on_timer() override { (owner_.*kMethod)(); }
  Owner& owner_;
};

class TimerWheel {
 public:
  static constexpr base::Duration kTick{1 << 14};  // 16.4 us

  explicit TimerWheel(base::Instant start);
  ~TimerWheel();

  // Arms, or moves an armed timer. A deadline that has passed fires at the next turn of the loop.
  void arm(Timer& timer, base::Instant deadline);
  void disarm(Timer& timer);  // also where it is not armed

  // Fires everything due at `now`, in order of ticks. Returns how many fired.
  size_t advance(base::Instant now);
  // A time not later than the first deadline, where advance() should run next; kNoDeadline where
  // none.
  base::Instant next() const;
  size_t armed() const { return armed_; }

 private:
  static constexpr int kLevels = 7;
  static constexpr int kSlotBits = 6;
  static constexpr int kSlots = 1 << kSlotBits;
  static constexpr uint16_t kDue = kLevels * kSlots;  // the list of what advance() is firing
  uint64_t tick_of(base::Instant t) const;
  uint64_t next_occupied(int& level) const;
  void insert(Timer& timer);
  void append(Timer& timer, uint16_t place);
  void unlink(Timer& timer);
  void cascade(uint16_t place);
  void collect_due(base::Instant now);

  base::Instant start_;
  uint64_t tick_ = 0;  // ticks since start: every slot before this one is empty
  size_t armed_ = 0;
  uint64_t occupied_[kLevels] = {};
  Timer* heads_[kLevels * kSlots + 1] = {};  // circular lists, in order of arming
};

}  // namespace giliran::net
