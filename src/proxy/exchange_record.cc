// What is written about an exchange: one record, whatever happened.
#include "proxy/canary.h"
#include "proxy/exchange.h"
#include "proxy/worker.h"

namespace giliran::proxy {

using telemetry::By;
using telemetry::End;
using telemetry::Phase;

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

// Once there was an attempt.
base::Duration Exchange::queue_time() {
  const conn::StreamFacts& up = attempt_.facts().stream;
  // On an idle connection the attempt begins when it is leased: the phases then add up exactly.
  const bool leased = up.reused && attempts_ == 1;
  return (leased ? up.connected : attempt_began_) - stream_.facts().head_done;
}

// Once there is a response head.
base::Duration Exchange::wait_time() {
  const conn::StreamFacts& up = attempt_.facts().stream;
  // An answer may come before the request is over.
  const bool early = up.request_sent == base::Instant{} || up.request_sent > up.head_done;
  return up.head_done - (early ? up.connected : up.request_sent);
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
    r.queue = queue_time();
    r.connect = connect_;
    if (connect_ != telemetry::kNotReached && up.request_sent != base::Instant{}) {
      r.send = up.request_sent - up.connected;
    }
    if (up.head_done != base::Instant{}) {
      r.wait = wait_time();
      r.data = now - up.head_done;
    }
  }
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
