// What is written about an exchange: one record, whatever happened.
#include <algorithm>

#include "proxy/canary.h"
#include "proxy/exchange.h"
#include "proxy/worker.h"

namespace giliran::proxy {

using telemetry::By;
using telemetry::End;
using telemetry::Phase;

namespace {

// The time from `at` to `to` went to `phase`.
void spend(base::Duration& phase, base::Instant& at, base::Instant to) {
  phase = std::max(phase, base::Duration{0}) + (to - at);
  at = to;
}

}  // namespace

Phase Exchange::phase_now() {
  switch (state_) {
    case State::kChoosing:
    case State::kQueued:
      return Phase::kQueue;
    case State::kWaiting:
      if (request_body_ == RequestBody::kComing) return Phase::kSend;
      return attempt_.facts().stream.connected == base::Instant{} ? Phase::kConnect : Phase::kWait;
    case State::kRelaying:
    case State::kAnswering:
      // An answer that was begun and taken back is none.
      if (request_body_ == RequestBody::kComing && !stream_.answer_sent()) return Phase::kSend;
      return Phase::kData;
    case State::kTunnel:
    case State::kEnded:
      return Phase::kData;
  }
  return Phase::kNone;
}

// Those of the attempt under way up to what it has reached. The phases of the attempts before are
// in them: the time lost on another server is of the phase in which it was lost.
Exchange::Phases Exchange::phases(const conn::StreamFacts& up) const {
  Phases p = spent_;
  if (p.until == base::Instant{}) p.until = stream_.facts().head_done;
  if (attempts_ == 0 || attempt_spent_) return p;
  constexpr base::Instant kNot{};
  // On an idle connection the attempt begins when it is leased: the phases then add up exactly.
  spend(p.queue, p.until, up.reused ? up.connected : attempt_began_);
  if (up.connected == kNot) return p;
  spend(p.connect, p.until, up.connected);
  // An answer may come before the request is over: it waited since the connection was ready.
  const bool answered = up.head_done != kNot;
  const bool early = answered && (up.request_sent == kNot || up.request_sent > up.head_done);
  if (up.request_sent != kNot) {
    base::Instant from = p.until;
    spend(p.send, early ? from : p.until, up.request_sent);
  }
  if (answered) spend(p.wait, p.until, up.head_done);
  return p;
}

// The attempt came to nothing, and its time is spent: on what it was at.
void Exchange::spend_attempt() {
  const conn::StreamFacts& up = attempt_.facts().stream;
  constexpr base::Instant kNot{};
  spent_ = phases(up);
  base::Duration& last = up.connected == kNot                              ? spent_.connect
                         : up.request_sent == kNot && up.head_done == kNot ? spent_.send
                                                                           : spent_.wait;
  spend(last, spent_.until, worker_.io().now());
  attempt_spent_ = true;
}

// What is left of the time until the end belongs to the phase in which it ended; what an answer of
// our own then takes, which is as long as its reader wants, to its data.
void Exchange::record_phases(base::Instant now, const conn::StreamFacts& up, telemetry::Record& r) {
  Phases p = phases(up);
  const bool failed = failed_at_ != base::Instant{};
  const base::Instant end = failed ? std::max(failed_at_, p.until) : now;
  const bool answered = attempts_ != 0 && !attempt_spent_ && up.head_done != base::Instant{};
  if (answered) {
    spend(r.data, p.until, now);
  } else if (r.phase == Phase::kQueue) {
    spend(p.queue, p.until, end);
  } else if (r.phase == Phase::kConnect) {
    spend(p.connect, p.until, end);
  } else if (r.phase == Phase::kSend) {
    spend(p.send, p.until, end);
  } else if (r.phase == Phase::kWait) {
    spend(p.wait, p.until, end);
  } else if (r.phase == Phase::kData) {
    spend(r.data, p.until, end);
  }
  if (failed && r.phase != Phase::kRequest) spend(r.data, p.until, now);
  r.queue = p.queue;
  r.connect = p.connect;
  r.send = p.send;
  r.wait = p.wait;
}

void Exchange::record() {
  enter(State::kEnded);
  worker_.io().timers().disarm(timer_);
  const conn::StreamFacts& down = stream_.facts();
  const conn::StreamFacts& up = attempt_.facts().stream;
  const base::Instant now = worker_.io().now();
  telemetry::Record r;
  r.arrived = arrived_;
  r.end = end_;
  r.by = end_ == End::kOk ? By::kNobody : by_;
  r.phase = end_ == End::kOk ? Phase::kNone : phase_;
  r.proto =
      version_ == wire::http1::Version::k10 ? telemetry::Proto::kHttp10 : telemetry::Proto::kHttp11;
  r.status = status_;
  r.attempts = attempts_;
  r.trace = trace_;
  r.span = span_;
  r.parent = parent_;
  r.connection = down.connection;
  r.sequence = down.sequence;
  r.peer = connection_.peer();
  if (!(client_ == r.peer)) r.client = client_;
  r.local = connection_.local();
  r.idle = down.first_byte - down.began;
  r.head = down.head_done - down.first_byte;
  r.total = now - down.first_byte;
  r.down_in = down.bytes_in;
  r.down_out = down.bytes_out;
  r.up_out = up_out_;
  r.up_in = up_in_;
  r.body_in = body_in_;
  r.body_out = body_out_;
  r.method = method_;
  r.target = target_;
  r.host = host_;
  r.user_agent = user_agent_;
  r.referer = referer_;
  if (status_ == 101 || (asks_tunnel_ && method_ == "CONNECT" && status_ / 100 == 2)) {
    r.upgrade = upgrade_;
  }
  r.tried = tried_text_;
  r.reason = end_ == End::kOk ? std::string_view() : std::string_view(reason_);
  if (attempts_ != 0) {
    const cluster::Endpoint& endpoint = *attempt_.endpoint();
    r.server = endpoint.name;
    r.upstream = endpoint.address;
    r.upstream_local = attempt_.facts().local;
    r.reused = up.reused;
  }
  record_phases(now, up, r);
  if (pool_ != nullptr) {
    r.pool = pool_->name;
    r.policy = pool_->policy;
  }
  if (route_ != nullptr) r.route = route_->options.name;
  r.process_name = listener_->name;
  r.gauges.queued_pool = queued_behind_;
  if (worker_.gauges()) {
    worker_.read_gauges(*listener_, pool_, attempts_ == 0 ? nullptr : attempt_.endpoint(),
                        slot_ != nullptr, r);
  }
  worker_.count_record(r);
  if (!broken(Mistake::kLoseRecord) || r.sequence % 4 != 0) worker_.sink().write(r);
  if (broken(Mistake::kRecordTwice) && r.sequence % 4 == 0) worker_.sink().write(r);
  release_slot();
}

}  // namespace giliran::proxy
