#include "net/timer.h"

#include <algorithm>
#include <bit>

#include "base/assert.h"

namespace giliran::net {

Timer::~Timer() {
  if (wheel_ != nullptr) wheel_->disarm(*this);
}

TimerWheel::TimerWheel(base::Instant start) : start_(start) {}

TimerWheel::~TimerWheel() {
  for (Timer*& head : heads_) {
    while (head != nullptr) disarm(*head);
  }
}

uint64_t TimerWheel::tick_of(base::Instant t) const {
  if (t <= start_) return 0;
  // Unsigned, because kNoDeadline minus a negative start would overflow.
  const uint64_t ns = static_cast<uint64_t>(t.time_since_epoch().count()) -
                      static_cast<uint64_t>(start_.time_since_epoch().count());
  return ns / static_cast<uint64_t>(kTick.count());
}

void TimerWheel::arm(Timer& timer, base::Instant deadline) {
  if (timer.wheel_ != nullptr) timer.wheel_->disarm(timer);
  timer.wheel_ = this;
  timer.deadline_ = deadline;
  ++armed_;
  insert(timer);
}

void TimerWheel::disarm(Timer& timer) {
  if (timer.wheel_ == nullptr) return;
  GILIRAN_ASSERT(timer.wheel_ == this);
  unlink(timer);
  timer.wheel_ = nullptr;
  --armed_;
}

// The level is that of the highest group of bits in which the tick differs from the present one, so
// that every slot in use lies ahead within its level and none wraps round.
void TimerWheel::insert(Timer& timer) {
  // A deadline further away than the wheel reaches (2.3 years) waits at its last tick, then goes
  // on.
  const uint64_t last = tick_ | ((uint64_t{1} << (kLevels * kSlotBits)) - 1);
  const uint64_t tick = std::clamp(tick_of(timer.deadline_), tick_, last);
  const int level = (63 - std::countl_zero((tick ^ tick_) | (kSlots - 1))) / kSlotBits;
  const uint64_t slot = tick >> (level * kSlotBits) & (kSlots - 1);
  append(timer, static_cast<uint16_t>(level * kSlots + static_cast<int>(slot)));
}

void TimerWheel::append(Timer& timer, uint16_t place) {
  timer.place_ = place;
  Timer*& head = heads_[place];
  if (head == nullptr) {
    head = timer.next_ = timer.previous_ = &timer;
    if (place != kDue) occupied_[place / kSlots] |= uint64_t{1} << (place % kSlots);
    return;
  }
  timer.next_ = head;
  timer.previous_ = head->previous_;
  head->previous_->next_ = &timer;
  head->previous_ = &timer;
}

void TimerWheel::unlink(Timer& timer) {
  Timer*& head = heads_[timer.place_];
  if (timer.next_ == &timer) {
    head = nullptr;
    if (timer.place_ != kDue) {
      occupied_[timer.place_ / kSlots] &= ~(uint64_t{1} << (timer.place_ % kSlots));
    }
  } else {
    timer.next_->previous_ = timer.previous_;
    timer.previous_->next_ = timer.next_;
    if (head == &timer) head = timer.next_;
  }
  timer.next_ = timer.previous_ = nullptr;
}

// The first tick after the present one at which a slot in use begins; UINT64_MAX where none. A
// lower level always lies before a higher one.
uint64_t TimerWheel::next_occupied(int& level) const {
  for (level = 0; level < kLevels; ++level) {
    const int shift = level * kSlotBits;
    const uint64_t here = tick_ >> shift & (kSlots - 1);
    const uint64_t ahead = here == kSlots - 1 ? 0 : occupied_[level] >> (here + 1);
    if (ahead == 0) continue;
    const uint64_t distance = static_cast<uint64_t>(std::countr_zero(ahead)) + 1;
    return ((tick_ >> shift) + distance) << shift;
  }
  return UINT64_MAX;
}

void TimerWheel::cascade(uint16_t place) {
  Timer* const last = heads_[place]->previous_;
  for (bool more = true; more;) {
    Timer* timer = heads_[place];
    more = timer != last;
    unlink(*timer);
    insert(*timer);
  }
}

// Moves what is due in the present slot of the lowest level to the list of the due.
void TimerWheel::collect_due(base::Instant now) {
  Timer* timer = heads_[tick_ & (kSlots - 1)];
  if (timer == nullptr) return;
  Timer* const last = timer->previous_;
  for (bool more = true; more;) {
    Timer* const next = timer->next_;
    more = timer != last;
    if (timer->deadline_ <= now) {
      unlink(*timer);
      append(*timer, kDue);
    }
    timer = next;
  }
}

size_t TimerWheel::advance(base::Instant now) {
  GILIRAN_ASSERT(heads_[kDue] == nullptr);  // not from inside on_timer()
  const uint64_t target = tick_of(now);
  collect_due(now);
  while (tick_ < target) {
    const uint16_t here = static_cast<uint16_t>(tick_ & (kSlots - 1));
    int level = 0;
    const uint64_t next = next_occupied(level);
    const bool left_over = heads_[here] != nullptr;  // only what the wheel does not reach
    tick_ = left_over ? tick_ + 1 : std::min(next, target);
    if (left_over) cascade(here);
    if (tick_ == next && level > 0) {
      cascade(static_cast<uint16_t>(level * kSlots) +
              static_cast<uint16_t>(tick_ >> (level * kSlotBits) & (kSlots - 1)));
    }
    collect_due(now);
  }
  size_t fired = 0;
  while (Timer* timer = heads_[kDue]) {
    unlink(*timer);
    timer->wheel_ = nullptr;
    --armed_;
    ++fired;
    timer->on_timer();  // may destroy it
  }
  return fired;
}

base::Instant TimerWheel::next() const {
  if (armed_ == 0) return base::kNoDeadline;
  if (heads_[kDue] != nullptr) return start_;  // asked from inside on_timer()
  const uint64_t here = tick_ & (kSlots - 1);
  int level = 0;
  const Timer* first = heads_[here];
  if (first == nullptr) {
    const uint64_t tick = next_occupied(level);
    if (level > 0) {
      return start_ +
             base::Duration(static_cast<int64_t>(tick * static_cast<uint64_t>(kTick.count())));
    }
    first = heads_[tick & (kSlots - 1)];
  }
  base::Instant earliest = first->deadline_;
  for (const Timer* t = first->next_; t != first; t = t->next_) {
    earliest = std::min(earliest, t->deadline_);
  }
  return earliest;
}

}  // namespace giliran::net
