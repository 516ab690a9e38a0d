#include "proxy/exchange.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>

#include "proxy/canary.h"
#include "proxy/forward.h"
#include "proxy/header_changes.h"
#include "proxy/outcome.h"
#include "proxy/upgrade.h"
#include "proxy/worker.h"

namespace giliran::proxy {
namespace {

using telemetry::By;
using telemetry::End;
using telemetry::Phase;

constexpr uint32_t kCopyMax = 4096;  // what is kept of a body is copied up to this size

// What is announced for a response without a body of its own (HEAD, 304) is announced unchanged.
conn::BodyLength response_length(const conn::ResponseHead& head, std::string_view method) {
  switch (head.framing) {
    case wire::http1::Framing::kNone:
      break;
    case wire::http1::Framing::kLength:
      return conn::BodyLength::known(head.content_length);
    case wire::http1::Framing::kChunked:
    case wire::http1::Framing::kUntilClose:
      return conn::BodyLength::unknown();
  }
  if (head.has_content_length) return conn::BodyLength::known(head.content_length);
  return method == "HEAD" ? conn::BodyLength::unknown() : conn::BodyLength::none();
}

bool becomes_tunnel(const conn::ResponseHead& head, std::string_view method) {
  return head.status == 101 || (method == "CONNECT" && head.status / 100 == 2);
}

}  // namespace

void Exchange::enter(State to) {
  switch (to) {
    case State::kChoosing:
      GILIRAN_ASSERT(state_ == State::kQueued || state_ == State::kWaiting ||
                     state_ == State::kRelaying);
      break;
    case State::kQueued:
    case State::kWaiting:
      GILIRAN_ASSERT(state_ == State::kChoosing);
      break;
    case State::kRelaying:
    case State::kTunnel:
      GILIRAN_ASSERT(state_ == State::kWaiting);
      break;
    case State::kAnswering:
      GILIRAN_ASSERT(state_ == State::kChoosing);
      break;
    case State::kEnded:
      GILIRAN_ASSERT(state_ != State::kEnded);
      break;
  }
  state_ = to;
}

// --- the request body ---

void Exchange::on_request_data(base::Slice data) {
  const uint32_t size = data.size();
  body_in_ += size;
  const bool wanted = attempt_.active() ? state_ != State::kTunnel : state_ == State::kQueued;
  if (wanted && body_bytes_max_ != 0 && body_in_ > body_bytes_max_) {
    too_large();
    return;
  }
  if (state_ == State::kQueued) {
    // All of it: nobody has it yet. No more than a window comes, for no credit is given meanwhile.
    keep(data);
    return;
  }
  if (!attempt_.active()) {  // an answer of our own, or one that came early: read and dropped
    consumed_ += size;
    stream_.consume(size);
    return;
  }
  if (state_ == State::kWaiting && replayable_) keep_for_another(data);
  attempt_.stream().send_data(std::move(data));
}

// Small pieces are copied together: blocks are shared with the attempt's queue only where they are
// full.
void Exchange::keep(const base::Slice& data) {
  replay_bytes_ += data.size();
  base::BufferPool& pool = worker_.io().buffers();
  if (data.size() > kCopyMax) {
    replay_.push_back(pool.fitted(data.share()));
    return;
  }
  const uint32_t copied = replay_.empty() ? 0 : replay_.back().extend(data.view());
  if (copied != data.size()) replay_.push_back(pool.copy(data.view().substr(copied)));
}

void Exchange::keep_for_another(const base::Slice& data) {
  if (replay_bytes_ + data.size() <= kReplayBytesMax) return keep(data);
  forget_body();
}

void Exchange::forget_body() {
  replayable_ = false;
  replay_.clear();
}

void Exchange::keep_trailers(const conn::Fields& trailers) {
  FieldList& fields = worker_.fields();
  forward_request_trailers(parse_again().fields, trailers, fields);
  if (route_ != nullptr) apply_to_trailers(route_->options.request_headers, fields);
  if (fields.count == 0) return;
  trailers_ = std::make_unique<OwnedTrailers>();
  for (const conn::Field& f : fields.all()) trailers_->emplace_back(f.name, f.value);
}

void Exchange::on_request_end(const conn::Fields& trailers) {
  request_body_ = RequestBody::kEnded;
  if (state_ == State::kTunnel) {
    if (attempt_.active()) attempt_.stream().send_end();
    return;
  }
  if (trailers.count != 0) keep_trailers(trailers);
  if (attempt_.active()) send_request_end(attempt_.stream());
}

void Exchange::on_upstream_credit(uint32_t bytes) {
  attempt_credit_ += bytes;  // of this attempt: what an earlier one took is not given back twice
  if (attempt_credit_ <= consumed_) return;
  const auto fresh = static_cast<uint32_t>(attempt_credit_ - consumed_);
  consumed_ = attempt_credit_;
  stream_.consume(fresh);
}

void Exchange::drop_rest_of_request() {
  if (body_in_ <= consumed_) return;
  const auto rest = static_cast<uint32_t>(body_in_ - consumed_);
  consumed_ = body_in_;
  stream_.consume(rest);
}

void Exchange::too_large() {
  leave_queue();
  if (attempt_.active()) {
    note_attempt();
    attempt_.abandon();
    if (!take_back()) {
      end_ = End::kBodyTooLarge;
      by_ = By::kClient;
      phase_ = Phase::kSend;
      reason_.clear();
      cut();
      return;
    }
    release_slot();
  }
  fail({.end = End::kBodyTooLarge, .by = By::kClient, .phase = Phase::kSend});
}

uint64_t Exchange::held() const {
  uint64_t bytes = head_bytes_.block_capacity() + attempt_.held();
  for (const base::Slice& part : replay_) bytes += part.block_capacity();
  return bytes;
}

// --- the response ---

void Exchange::on_upstream_interim(const conn::ResponseHead& head) {
  if (++interims_ > kInterimsMax) {
    note_attempt();
    attempt_.abandon();
    attempt_failed({.end = conn::StreamEnd::kBadMessage,
                    .problem = wire::http1::Problem::kNone,
                    .error = EOVERFLOW});
    return;
  }
  FieldList& fields = worker_.fields();
  forward_response(head, fields);
  stream_.send_interim(head.status, fields.all());
}

// A protocol that nobody offered would be spoken to a client that does not know it.
void Exchange::bad_switch() {
  note_attempt();
  attempt_.abandon();
  attempt_failed(
      {.end = conn::StreamEnd::kBadMessage, .problem = wire::http1::Problem::kBadUpgrade});
}

void Exchange::on_upstream_head(const conn::ResponseHead& head) {
  if (head.status == 101) {
    upgrade_ = agreed_protocol(parse_again(), head);
    if (upgrade_.empty()) return bad_switch();
  }
  cluster::Endpoint& endpoint = *attempt_.endpoint();
  worker_.answering(*pool_, endpoint, head.status);
  if (tried_elsewhere(head)) return;
  const bool tunnel = asks_tunnel_ && becomes_tunnel(head, method_);
  if (tunnel) worker_.answered(*pool_, endpoint, head.status);  // it may end as it likes
  enter(tunnel ? State::kTunnel : State::kRelaying);
  // The answer may still be taken back and another server asked, until something of it has left.
  replayable_ = replayable_ && request_body_ == RequestBody::kEnded;
  if (!replay_.empty() && (!replayable_ || tunnel || !idempotent(method_))) forget_body();
  status_ = head.status;
  attempt_deadline_ = base::kNoDeadline;
  if (tunnel) total_deadline_ = base::kNoDeadline;
  FieldList& fields = worker_.fields();
  forward_response(head, fields);
  const bool offers = listener_->options.upgrade && version_ != wire::http1::Version::k10 &&
                      forward_offer(head, fields);
  if (route_ != nullptr) apply_changes(route_->options.response_headers, fields);
  std::string cookie;
  if (!pool_->options.sticky_cookie.empty() && chosen_ != preferred_) {
    cookie = worker_.sticky_cookie(*pool_, chosen_);
    fields.add("Set-Cookie", cookie);
  }
  std::array<char, kServerTimingBytesMax> timing;
  if (listener_->options.server_timing) {
    const Phases so_far = phases(attempt_.facts().stream);
    fields.add(
        "Server-Timing",
        format_server_timing(
            {.queue = so_far.queue, .connect = so_far.connect, .wait = so_far.wait}, timing));
  }
  stream_.send_head(
      {.status = head.status,
       .reason = head.reason,
       .fields = fields.all(),
       .body = tunnel ? conn::BodyLength::none() : response_length(head, method_),
       // Bytes behind a CONNECT were meant for a tunnel: no requests.
       .close = request_body_ == RequestBody::kComing || (!tunnel && method_ == "CONNECT"),
       .upgrade = offers,
       .tunnel = tunnel});
}

void Exchange::on_upstream_data(base::Slice data) {
  if (broken(Mistake::kSpoilBytes)) {
    data = worker_.io().buffers().copy(std::string(data.size(), '?'));
  }
  if (broken(Mistake::kLoseBytes) && state_ == State::kTunnel) {
    attempt_.stream().consume(data.size());
    return;
  }
  stream_.send_data(std::move(data));
}

void Exchange::on_response_sent(uint32_t bytes) {
  body_out_ += bytes;
  if (!replay_.empty()) forget_body();
  const bool relays = state_ == State::kRelaying || state_ == State::kTunnel;
  if (relays && attempt_.active()) attempt_.stream().consume(bytes);
}

void Exchange::on_upstream_end(const conn::Fields& trailers) {
  FieldList& fields = worker_.fields();
  forward_response_trailers(trailers, fields);
  if (route_ != nullptr && fields.count != 0) {
    apply_to_trailers(route_->options.response_headers, fields);
  }
  stream_.send_end(fields.all());
  // As of a flow: a tunnel that the server has ended is no load of the server's.
  if (state_ == State::kTunnel) release_slot();
}

// --- an attempt is over ---

void Exchange::note_attempt() {
  const AttemptFacts& facts = attempt_.facts();
  up_in_ += facts.stream.bytes_in;
  up_out_ += facts.stream.bytes_out;
  const bool was_connected = facts.stream.connected != base::Instant{};
  if (was_connected) {
    const bool alive = !facts.stream.reused || facts.stream.bytes_in != 0;
    if (alive) worker_.connected(*attempt_.endpoint());
  }
}

void Exchange::note_tried(std::string_view how) {
  spend_attempt();
  tried_before_ = tried_text_.size();
  if (!tried_text_.empty()) tried_text_ += "; ";
  tried_text_ += attempt_.endpoint()->name;
  tried_text_ += ' ';
  tried_text_ += how;
}

void Exchange::release_slot() {
  if (slot_ == nullptr || broken(Mistake::kKeepSlot)) return;
  worker_.release(*pool_, *slot_);
  if (broken(Mistake::kReleaseTwice)) worker_.release(*pool_, *slot_);
  slot_ = nullptr;
}

void Exchange::on_attempt_closed(const conn::StreamClosed& closed) {
  note_attempt();
  attempt_deadline_ = base::kNoDeadline;
  if (closed.end == conn::StreamEnd::kComplete) {
    worker_.answered(*pool_, *attempt_.endpoint(), status_);
    release_slot();
    replay_.clear();         // nobody else is asked
    drop_rest_of_request();  // of a request that was answered before it was over
    return;
  }
  attempt_failed(closed);
}

void Exchange::attempt_failed(const conn::StreamClosed& closed) {
  cluster::Endpoint& endpoint = *attempt_.endpoint();
  const bool connect_failed = is_connect_failure(closed.end);
  const bool idle_died = closed.retry != base::Retry::kNever && attempt_.facts().stream.reused;
  const bool shortage = connect_failed && conn::is_shortage(closed.error);
  if (connect_failed) {
    if (!shortage) worker_.connect_failed(*pool_, endpoint, closed);
  } else if (!idle_died && closed.end != conn::StreamEnd::kShutdown &&
             closed.end != conn::StreamEnd::kTunnelIdle) {
    worker_.failed(*pool_, endpoint, {.closed = closed});
  }
  end_ = shortage ? End::kLimit : end_of_attempt(closed.end);
  by_ = shortage || by_coordinator(end_) ? By::kCoordinator : By::kServer;
  phase_ = connect_failed                                           ? Phase::kConnect
           : state_ == State::kRelaying || state_ == State::kTunnel ? Phase::kData
           : request_body_ == RequestBody::kEnded                   ? Phase::kWait
                                                                    : Phase::kSend;
  reason_ = reason_of(closed);
  if (!take_back()) {
    cut();
    return;
  }
  if (shortage) {  // another server could not be connected either
    release_slot();
    fail({.end = end_, .by = by_, .phase = phase_, .reason = reason_});
    return;
  }
  retry_or_answer(closed);
}

// The attempt is over: whether its client can still get another answer, because it has nothing of
// this one. The status in the record is one that was sent.
bool Exchange::take_back() {
  const bool possible =
      state_ == State::kWaiting || (state_ == State::kRelaying && stream_.take_back());
  if (!possible) return false;
  status_ = 0;
  enter(State::kChoosing);
  return true;
}

// The attempt failed without an answer that could be passed on; the slot is still held.
void Exchange::retry_or_answer(const conn::StreamClosed& closed) {
  const base::Retry safe = closed.retry;
  const bool repeatable = idempotent(method_) || broken(Mistake::kRepeatUnsafe);
  const bool not_executed =
      safe == base::Retry::kAlways || (safe == base::Retry::kIfReused && repeatable);
  if (replayable_ && !replaced_ && not_executed && attempt_.facts().stream.reused) {
    // The connection was dead, not the server: the same one again, on a fresh one.
    replaced_ = true;
    note_tried("connection-was-dead");
    attempt(parse_again(), chosen_, true);
    return;
  }
  release_slot();
  if (replayable_ && wanted_elsewhere(closed) && may_retry()) {
    note_tried(telemetry::name(end_));
    choose_and_attempt(parse_again());
    return;
  }
  fail({.end = end_, .by = by_, .phase = phase_, .reason = reason_});
}

// By the pool's retry_on: of what the server may have executed, idempotent requests only.
bool Exchange::wanted_elsewhere(const conn::StreamClosed& closed) const {
  const config::RetryOn& on = pool_->options.retry_on;
  if (closed.retry == base::Retry::kAlways) return on.connect;
  if (!idempotent(method_) && !broken(Mistake::kRepeatUnsafe)) return false;
  return is_named(on, closed.end) || on.names(status_of(end_));
}

bool Exchange::may_retry() {
  const bool nobody_else = tried_.full() || tried_.count() >= pool_->endpoints.size();
  if (nobody_else || retries_ >= pool_->options.retries_max) return false;
  if (!pool_->state->retry_budget.withdraw(worker_.io().turn_started(),
                                           {.part = pool_->options.retry_budget,
                                            .floor_per_s = pool_->options.retry_budget_floor}) &&
      !broken(Mistake::kNoBudget)) {
    ++worker_.counted().retries_refused;
    return false;
  }
  ++retries_;
  return true;
}

// An answer for which the configuration wants another server asked. False: this one is passed on.
bool Exchange::tried_elsewhere(const conn::ResponseHead& head) {
  if (!pool_->options.retry_on.names(head.status)) return false;
  if (!idempotent(method_) || !replayable_ || asks_tunnel_) return false;
  const Choice other = choose_now(true);
  if (other.kind != Choice::Kind::kOne) return false;
  if (!may_retry()) {
    worker_.release(*pool_, *pool_->endpoints[other.index]);
    return false;
  }
  worker_.answered(*pool_, *attempt_.endpoint(), head.status);
  note_attempt();
  note_tried(fmt::format_int(head.status).c_str());
  attempt_.abandon();
  release_slot();
  enter(State::kChoosing);
  attempt(parse_again(), other.index, false);
  return true;
}

// --- time-outs of the exchange as a whole ---

void Exchange::arm_timer() {
  const base::Instant due = std::min({total_deadline_, attempt_deadline_, queue_deadline_});
  if (due == base::kNoDeadline) return;
  if (!timer_.armed() || timer_.deadline() > due) worker_.io().timers().arm(timer_, due);
}

void Exchange::on_deadline() {
  const base::Instant now = worker_.io().turn_started();
  if (total_deadline_ <= now) {
    total_timed_out();
  } else if (state_ == State::kQueued && queue_deadline_ <= now) {
    leave_queue();
    fail({.end = End::kQueueTimeout, .phase = Phase::kQueue});
  } else if (state_ == State::kWaiting && attempt_deadline_ <= now) {
    attempt_timed_out();
  } else {
    arm_timer();
  }
}

void Exchange::attempt_timed_out() {
  note_attempt();
  const bool connected = attempt_.facts().stream.connected != base::Instant{};
  attempt_.abandon();
  attempt_deadline_ = base::kNoDeadline;
  arm_timer();
  if (connected && request_body_ == RequestBody::kComing && attempt_credit_ >= body_in_) {
    // The server has all there is, and waits as we do.
    release_slot();
    enter(State::kChoosing);
    fail({.end = End::kClientTimeout,
          .by = By::kClient,
          .phase = Phase::kSend,
          .reason = "attempt-timeout",
          .status = 408});
    return;
  }
  attempt_failed(
      {.end = connected ? conn::StreamEnd::kHeadTimeout : conn::StreamEnd::kConnectTimeout,
       .error = ETIMEDOUT,
       .retry = connected ? base::Retry::kNever : base::Retry::kAlways});
}

void Exchange::total_timed_out() {
  total_deadline_ = base::kNoDeadline;
  phase_ = phase_now();
  leave_queue();
  if (attempt_.active()) {
    note_attempt();
    attempt_.abandon();
  }
  switch (state_) {
    case State::kWaiting:
    case State::kRelaying:
      if (take_back()) {
        release_slot();
        fail({.end = End::kTotalTimeout, .phase = phase_});
        break;
      }
      end_ = End::kTotalTimeout;
      by_ = By::kCoordinator;
      reason_.clear();
      cut();
      break;
    case State::kChoosing:
      fail({.end = End::kTotalTimeout, .phase = phase_});
      break;
    case State::kQueued:
    case State::kTunnel:
    case State::kAnswering:
    case State::kEnded:
      break;
  }
}

// --- endings ---

// An answer of our own instead of a server's.
void Exchange::fail(const Failure& failure) {
  failed_at_ = worker_.io().now();
  end_ = failure.end;
  by_ = failure.by;
  phase_ = failure.phase;
  reason_ = std::string(failure.reason);
  const uint16_t status = failure.status != 0 ? failure.status : status_of(failure.end);
  const conn::OwnAnswer text =
      worker_.answer_text(status, {.end = end_, .by = by_, .phase = phase_, .reason = reason_});
  std::array<conn::Field, 4> fields;
  size_t count = 0;
  fields[count++] = {.name = "Content-Type", .value = text.content_type};
  fields[count++] = {.name = "Proxy-Status", .value = text.proxy_status};
  if (status == 405) {
    fields[count++] = {.name = "Allow", .value = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"};
  }
  std::string seconds;
  if (failure.retry_after.count() > 0) {
    const auto whole = std::chrono::ceil<std::chrono::seconds>(failure.retry_after).count();
    seconds = std::to_string(whole);
    fields[count++] = {.name = "Retry-After", .value = seconds};
  }
  const bool close = end_ == End::kBadRequest || end_ == End::kBodyTooLarge ||
                     end_ == End::kLimit || end_ == End::kClientTimeout;
  respond(status, fields.data(), count, text.body, close);
}

void Exchange::respond(uint16_t status, const conn::Field* fields, size_t count,
                       std::string_view body, bool close) {
  enter(State::kAnswering);
  status_ = status;
  total_deadline_ = attempt_deadline_ = base::kNoDeadline;
  replay_.clear();
  drop_rest_of_request();
  stream_.send_head({.status = status,
                     .reason = {},
                     .fields = {fields, count},
                     .body = conn::BodyLength::known(body.size()),
                     .close = close});
  if (!body.empty()) stream_.send_data(worker_.io().buffers().copy(body));
  stream_.send_end({});
}

// The response is partly out and cannot be completed: the client must see that. end_, by_, phase_
// and reason_ say why.
void Exchange::cut() {
  if (!stream_.answer_sent()) status_ = 0;
  record();
  stream_.abort();
  worker_.destroy(*this);
}

void Exchange::on_closed(const conn::StreamClosed& closed) {
  const bool was_active = attempt_.active();
  if (closed.end != conn::StreamEnd::kComplete) {
    phase_ = phase_now();
    end_ = end_of_client(closed.end);
    by_ = by_coordinator(end_) ? By::kCoordinator : By::kClient;
    reason_ = std::string(reason_of(closed));
    if (!stream_.answer_sent()) {
      status_ = closed.answered;
      if (closed.answered != 0) body_out_ = connection_.own_body_sent();
    }
    if (end_ == End::kShutdown) ++worker_.counted().cut;
  } else if (state_ == State::kRelaying || state_ == State::kTunnel) {
    end_ = End::kOk;
  }
  leave_queue();
  if (was_active) {
    note_attempt();
    attempt_.abandon();
  }
  record();
  worker_.destroy(*this);
}

}  // namespace giliran::proxy
