#include "client/session.h"

#include <algorithm>

#include "base/assert.h"
#include "client/open_loop.h"
#include "conn/stream.h"

namespace giliran::client {

Station::Station(Run& the_run, net::Io& the_io, telemetry::RecordSink* the_sink, uint32_t thread,
                 base::Rng the_rng, bool live)
    : plan(the_run.plan),
      run(the_run),
      io(the_io),
      sink(the_sink),
      rng(the_rng),
      recorder(live, plan.loop == Loop::kOpen),
      turns(plan.addresses, thread) {
  recorder.tell_addresses_apart(plan.addresses.size());
  const base::Instant now = io.now();
  wall_zero_.ns = io.clock().wall().ns - now.time_since_epoch().count();
}

base::WallTime Station::wall(base::Instant t) const {
  return {wall_zero_.ns + t.time_since_epoch().count()};
}

base::Address Station::next_source() {
  if (plan.sources.empty()) return {};
  source_ = (source_ + 1) % plan.sources.size();
  return plan.sources[source_];
}

// The only writer of the state.
void Session::enter(State next) {
  switch (next) {
    case State::kIdle:
    case State::kPausing:
      GILIRAN_ASSERT(state_ == State::kBetween || state_ == State::kPausing);
      break;
    case State::kAsking:
    case State::kLeaving:
      GILIRAN_ASSERT(state_ == State::kBetween || state_ == State::kPausing ||
                     state_ == State::kIdle);
      break;
    case State::kBetween:
      GILIRAN_ASSERT(state_ == State::kAsking || state_ == State::kIdle);
      break;
    case State::kDone:
      GILIRAN_ASSERT(state_ == State::kLeaving);
      deadline_ = base::kNoDeadline;
      break;
  }
  state_ = next;
}

// Its turn, or nothing to do.
void Session::next() {
  if (station_.open_loop == nullptr) return ask_or_leave();
  enter(State::kIdle);
  deadline_ = base::kNoDeadline;
  station_.open_loop->idle(*this);
}

void Session::ask_or_leave() {
  const StopRule::Ticket ticket = station_.run.rule.take();
  if (ticket.number == 0) return take_leave();
  take_turn({.ticket = ticket.number, .measured = ticket.measured}, station_.io.turn_started());
}

void Session::take_turn(const Turn& turn, base::Instant now) {
  turn_ = turn;
  enter(State::kAsking);
  station_.recorder.issued(now, turn.measured);
  arm_no_later_than(station_.io.turn_started() + plan().timeout);
  ask();
}

void Session::take_leave() {
  enter(State::kLeaving);
  deadline_ = base::kNoDeadline;
  if (!leave()) left();
}

Ending Session::timed(telemetry::End end, base::Instant asked, base::Instant sent,
                      base::Instant now) const {
  const bool open = turn_.scheduled();
  const base::Instant noticed = open ? turn_.noticed : asked;
  Ending ending{.end = end, .address = address_, .at = now, .measured = turn_.measured};
  ending.sent = sent != base::Instant{};
  ending.response = now - (open ? turn_.due : asked);
  if (open) ending.lag = turn_.noticed - turn_.due;
  if (!ending.sent) return ending;
  ending.wait = sent - noticed;
  ending.service = now - sent;
  return ending;
}

base::Duration Session::lateness(const Ending& ending) const {
  return turn_.scheduled() && ending.sent ? ending.lag + ending.wait : telemetry::kNotReached;
}

void Session::withdraw() {
  enter(State::kBetween);
  station_.open_loop->withdraw(*this);
}

void Session::ended(const Ending& ending) {
  enter(State::kBetween);
  deadline_ = base::kNoDeadline;
  unreached_ = ending.sent ? 0 : unreached_ + 1;
  station_.recorder.ended(ending);
}

void Session::connected(base::Duration took) {
  station_.recorder.connected(took, address_);
  station_.turns.connected(address_);
}

void Session::connect_failed(int error) {
  station_.recorder.connect_failed(address_, conn::is_shortage(error));
  station_.turns.failed(address_);
}

// A closed loop would spin where nobody listens. The pace of an open loop is its schedule, which
// nothing that servers do may stop.
void Session::ready() {
  if (unreached_ == 0 || station_.open_loop != nullptr || station_.run.rule.over()) return next();
  enter(State::kPausing);
  const uint32_t doublings = std::min(unreached_ - 1, 7u);
  const base::Duration full = std::min(kPauseMin * (1 << doublings), kPauseMax);
  // Half of it is drawn, so that clients that failed together do not come back together.
  const auto half = static_cast<uint64_t>(full.count() / 2);
  const base::Duration pause(static_cast<int64_t>(half + station_.rng.below(half + 1)));
  arm_no_later_than(station_.io.turn_started() + pause);
}

void Session::left() {
  enter(State::kDone);
  station_.io.timers().disarm(timer_);
  if (--station_.live_sessions == 0) station_.on_all_done();
}

void Session::on_stop() {
  if (state_ == State::kPausing) next();
}

// The timer is moved as rarely as possible: one that is armed already for an earlier time looks at
// the deadline when it fires.
void Session::arm_no_later_than(base::Instant deadline) {
  deadline_ = deadline;
  if (timer_.armed() && timer_.deadline() <= deadline) return;
  station_.io.timers().arm(timer_, deadline);
}

void Session::on_timer() {
  if (deadline_ == base::kNoDeadline) return;
  if (station_.io.turn_started() < deadline_) return arm_no_later_than(deadline_);
  deadline_ = base::kNoDeadline;
  switch (state_) {
    case State::kPausing:
      next();
      break;
    case State::kAsking:
      on_time_over();
      break;
    case State::kIdle:
    case State::kBetween:
    case State::kLeaving:
    case State::kDone:
      break;
  }
}

}  // namespace giliran::client
