#include "server/turn.h"

#include "base/assert.h"
#include "telemetry/record.h"

namespace giliran::server {

bool Turn::start(base::Instant ready, const Lot& lot) {
  GILIRAN_ASSERT(state_ == State::kOver);
  ready_ = ready;
  delay_ = lot.delay;
  on_thread_ = lot.needs_thread;
  abandoned_ = false;
  served_ = telemetry::kNotReached;
  if (lot.needs_thread) {
    state_ = State::kWithThread;
    pool_.submit(*this, io_, lot.hold, lot.work);
    return false;
  }
  if (delay_.count() > 0) {
    state_ = State::kDelaying;
    io_.timers().arm(timer_, ready_ + delay_);
    return false;
  }
  served_ = {};
  return true;
}

bool Turn::abandon() {
  switch (state_) {
    case State::kOver:
      return true;
    case State::kDelaying:
      io_.timers().disarm(timer_);
      state_ = State::kOver;
      return true;
    case State::kWithThread:
      abandoned_ = true;
      return false;
  }
  return true;
}

bool Turn::waiting_for_thread() const {
  return state_ == State::kWithThread && began() == base::Instant{};
}

base::Duration Turn::queued() const {
  if (!on_thread_) return {};
  return began() == base::Instant{} ? telemetry::kNotReached : began() - ready_;
}

void Turn::on_served(base::Instant done, bool cut) {
  if (!cut && !abandoned_ && delay_.count() > 0) {
    state_ = State::kDelaying;
    io_.timers().arm(timer_, done + delay_);
    return;
  }
  state_ = State::kOver;
  served_ = cut ? telemetry::kNotReached : done - began();
  owner_.on_turn_over(cut);
}

void Turn::on_delay_over() {
  state_ = State::kOver;
  served_ = io_.now() - (on_thread_ ? began() : ready_);
  owner_.on_turn_over(false);
}

}  // namespace giliran::server
