#include "client/open_loop.h"

#include <algorithm>

#include "base/assert.h"

namespace giliran::client {
namespace {

ScheduleOptions schedule_of(const Plan& plan) {
  return {.kind = plan.arrivals,
          .profile = &plan.profile,
          .replay = plan.replay_due,
          .seed = plan.seed,
          .requests = plan.requests,
          .warmup = plan.warmup,
          .duration = plan.duration};
}

}  // namespace

OpenLoop::OpenLoop(Station& station, uint32_t thread, size_t sessions)
    : station_(station),
      noticing_(schedule_of(station.plan), thread, station.plan.threads),
      issuing_(noticing_),
      idle_(station.plan.addresses.size() + 1),
      notices_(kNoticesMax) {
  for (auto& list : idle_) list.reserve(sessions / (idle_.size() - 1) + 1);
  idle_.back().reserve(sessions);
}

void OpenLoop::start(base::Instant started) {
  started_ = started;
  now_busy(idle_count_ == 0);
  if (over()) return let_go();
  arm();
}

void OpenLoop::stop() {
  if (stopped_) return;
  station_.io.timers().disarm(timer_);
  const base::Instant now = station_.io.now();
  notice(now);
  dispatch(now);
  now_busy(false);
  stopped_ = true;
  let_go();
}

void OpenLoop::on_due() {
  const base::Instant now = station_.io.now();
  notice(now);
  dispatch(now);
  if (over()) return let_go();
  arm();
}

void OpenLoop::arm() {
  const base::Duration due = noticing_.next().due;
  if (due == RateProfile::kNever) return;
  station_.io.timers().arm(timer_, started_ + due);
}

// Everything that has become due, however late this look is.
void OpenLoop::notice(base::Instant now) {
  const uint64_t before = noticed_;
  while (noticing_.next().due <= now - started_) {
    const Arrival& arrival = noticing_.next();
    station_.recorder.due(started_ + arrival.due, now, arrival.measured);
    ++noticed_;
    noticing_.advance();
  }
  if (noticed_ == before) return;
  backlog_ += noticed_ - before;
  if (notice_count_ < kNoticesMax) {
    notices_[(first_notice_ + notice_count_++) % kNoticesMax] = {.at = now, .until = noticed_};
  } else {
    notices_[(first_notice_ + notice_count_ - 1) % kNoticesMax].until = noticed_;
  }
}

void OpenLoop::dispatch(base::Instant now) {
  while (backlog_ != 0 && idle_count_ != 0) {
    Turn turn = next_turn();
    turn.address = station_.turns.next();
    take_idle(turn.address).take_turn(turn, now);
  }
  now_busy(idle_count_ == 0);
  if (backlog_ != 0) station_.recorder.backlog(backlog_);
}

Turn OpenLoop::next_turn() {
  GILIRAN_ASSERT(backlog_ != 0 && notice_count_ != 0);
  const Arrival arrival = issuing_.next();
  issuing_.advance();
  --backlog_;
  const Notice& notice = notices_[first_notice_];
  const base::Instant due = started_ + arrival.due;
  const Turn turn{.ticket = arrival.ticket,
                  .measured = arrival.measured,
                  .due = due,
                  .noticed = std::max(due, notice.at)};
  if (++issued_ == notice.until) {
    first_notice_ = (first_notice_ + 1) % kNoticesMax;
    --notice_count_;
  }
  return turn;
}

void OpenLoop::idle(Session& session) {
  if (stopped_) return session.take_leave();
  if (backlog_ != 0) {
    session.take_turn(next_turn(), station_.io.turn_started());
    if (over()) let_go();
    return;
  }
  if (over()) return session.take_leave();
  list_of(session).push_back(&session);
  ++idle_count_;
  now_busy(false);
}

std::vector<Session*>& OpenLoop::list_of(const Session& session) {
  return session.has_connection() ? idle_[session.address_number()] : idle_.back();
}

// One that is connected to the address, else one that may connect to it, else any.
Session& OpenLoop::take_idle(uint32_t address) {
  std::vector<Session*>* from = &idle_[address];
  if (from->empty()) from = &idle_.back();
  for (auto list = idle_.begin(); from->empty(); ++list) from = &*list;
  Session& session = *from->back();
  from->pop_back();
  --idle_count_;
  return session;
}

void OpenLoop::withdraw(Session& session) {
  std::vector<Session*>& list = list_of(session);
  const auto at = std::ranges::find(list, &session);
  GILIRAN_ASSERT(at != list.end());
  list.erase(at);
  --idle_count_;
  now_busy(idle_count_ == 0);
}

// The last one that leaves may end the worker's run: nothing is touched after it.
void OpenLoop::let_go() {
  std::vector<Session*> waiting;
  waiting.reserve(idle_count_);
  for (auto& list : idle_) {
    waiting.insert(waiting.end(), list.begin(), list.end());
    list.clear();
  }
  idle_count_ = 0;
  for (Session* const session : waiting) session->take_leave();
}

void OpenLoop::now_busy(bool busy) {
  const bool was_busy = busy_since_ != base::kNoDeadline;
  if (busy == was_busy || started_ == base::kNoDeadline || stopped_) return;
  const base::Instant now = station_.io.turn_started();
  if (busy) {
    busy_since_ = now;
  } else {
    all_busy_ += now - busy_since_;
    busy_since_ = base::kNoDeadline;
  }
}

base::Duration OpenLoop::all_busy(base::Instant now) const {
  return all_busy_ + (busy_since_ == base::kNoDeadline ? base::Duration{} : now - busy_since_);
}

}  // namespace giliran::client
