// An open loop of one thread: requests are due at the times of a schedule, whatever the servers do;
// each takes an idle session, and what finds none waits in the order in which it was due.
#pragma once

#include <cstdint>
#include <vector>

#include "client/arrivals.h"
#include "client/session.h"

namespace giliran::client {

// Loop thread only. Memory is bounded whatever waits: the schedule is read twice, once to notice
// what is due and once to send it out, so that no due time need be kept.
class OpenLoop {
 public:
  // sessions: how many there are. Borrows the station and the plan in it.
  OpenLoop(Station& station, uint32_t thread, size_t sessions);

  // From now on requests become due, from `started` on. All sessions have come to idle() before.
  void start(base::Instant started);
  // Lets everything set out that is due and finds an idle session; nothing after that.
  void stop();
  // No session gets a turn any more.
  bool over() const { return stopped_ || (issuing_.counted_out() && backlog_ == 0); }

  // A session without a request: gets its turn now, or waits for one, or leaves.
  void idle(Session& session);
  // A waiting session does not wait any more.
  void withdraw(Session& session);

  base::Duration all_busy(base::Instant now) const;  // how long no session was idle

 private:
  // Arrivals up to the number `until` were noticed at that time.
  struct Notice {
    base::Instant at{};
    uint64_t until = 0;
  };
  // Beyond, arrivals of several looks count as noticed at the first of them, or when they were due
  // if that was later: only how response time is split in lag and wait is less exact then.
  static constexpr size_t kNoticesMax = 4096;

  void on_due();
  void notice(base::Instant now);
  void dispatch(base::Instant now);
  Turn next_turn();
  std::vector<Session*>& list_of(const Session& session);
  Session& take_idle(uint32_t address);
  void let_go();
  void arm();
  void now_busy(bool busy);

  Station& station_;
  Schedule noticing_;
  Schedule issuing_;
  // By the address of their connection; behind these, those without one. Of each list the last one
  // was used last, so that few connections are opened.
  std::vector<std::vector<Session*>> idle_;
  size_t idle_count_ = 0;
  base::Instant started_ = base::kNoDeadline;
  uint64_t backlog_ = 0;  // noticed, not issued
  uint64_t noticed_ = 0;
  uint64_t issued_ = 0;
  std::vector<Notice> notices_;  // a ring
  size_t first_notice_ = 0;
  size_t notice_count_ = 0;
  base::Instant busy_since_ = base::kNoDeadline;  // that: a session is idle
  base::Duration all_busy_{};
  bool stopped_ = false;
  net::MemberTimer<OpenLoop, &OpenLoop::on_due> timer_{*this};
};

}  // namespace giliran::client
