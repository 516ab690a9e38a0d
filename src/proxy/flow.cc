#include "proxy/flow.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "proxy/outcome.h"
#include "proxy/worker.h"

namespace giliran::proxy {
namespace {

using telemetry::By;
using telemetry::End;
using telemetry::Phase;

End connect_end(int error) {
  return end_of_attempt(conn::connect_end(error));
}

}  // namespace

Flow::Flow(Worker& worker, size_t listener, net::SocketId socket, const base::Address& peer,
           uint64_t number, conn::Arrival arrival, bool over_limit)
    : worker_(worker),
      listener_(listener),
      down_(socket),
      peer_(peer),
      client_(arrival.client.none() ? peer : arrival.client),
      local_(arrival.local),
      pool_(worker.listener(listener).pool),
      arrived_(worker.io().clock().wall()),
      accepted_(worker.io().now()),
      span_(base::SpanId::make(worker.random())),
      number_(number) {
  net::Io& io = worker_.io();
  io.own(down_, *this);
  io.watch_hangup(down_);
  if (local_.none()) local_ = io.local_address(down_);
  first_[1] = std::move(arrival.early);
  if (over_limit) {
    finish(End::kLimit, By::kCoordinator, Phase::kRequest, 0);
  } else {
    pool_->state->retry_budget.deposit(
        {.part = pool_->options.retry_budget, .floor_per_s = pool_->options.retry_budget_floor});
    choose_and_attempt();
  }
}

void Flow::enter(State to) {
  switch (to) {
    case State::kQueued:
      GILIRAN_ASSERT(state_ == State::kConnecting);
      break;
    case State::kConnecting:
      GILIRAN_ASSERT(state_ == State::kQueued);
      break;
    case State::kRelaying:
      GILIRAN_ASSERT(state_ == State::kConnecting);
      break;
    case State::kClosing:
      GILIRAN_ASSERT(state_ != State::kClosing);
      break;
  }
  state_ = to;
}

// --- connecting ---

void Flow::choose_and_attempt() {
  if (!pool_->limited) {
    if (take() == Turn::kTaken) {
      attempt();
    } else {
      nobody_left();
    }
    return;
  }
  switch (worker_.admission().admit(pool_->state->queue, pool_->options.queue_max,
                                    tried_.count() != 0, *this)) {
    case Admission::Outcome::kGranted:
      attempt();
      break;
    case Admission::Outcome::kQueued:
      enter(State::kQueued);
      queued_behind_ = waited_behind();
      deadline_ = worker_.io().turn_started() + pool_->options.queue_timeout;
      worker_.io().timers().arm(timer_, deadline_);
      worker_.pump_queues();
      break;
    case Admission::Outcome::kQueueFull:
      finish(End::kQueueFull, By::kCoordinator, Phase::kQueue, 0);
      break;
    case Admission::Outcome::kNone:
      nobody_left();
      break;
  }
}

Turn Flow::take() {
  const Choice choice =
      choose(*pool_, {.tried = tried_, .waited = waits()}, worker_.io().turn_started(),
             worker_.options().connect_timeout * 2, worker_.random());
  switch (choice.kind) {
    case Choice::Kind::kOne:
      chosen_index_ = choice.index;
      return Turn::kTaken;
    case Choice::Kind::kFull:
      return Turn::kFull;
    case Choice::Kind::kNone:
      break;
  }
  return Turn::kNone;
}

void Flow::on_turn(Turn turn) {
  enter(State::kConnecting);
  if (turn == Turn::kTaken) {
    attempt();
  } else {
    nobody_left();
  }
}

void Flow::nobody_left() {
  if (tried_.count() == 0) {
    finish(End::kNoServer, By::kCoordinator, Phase::kQueue, 0);
  } else {
    finish(connect_end(error_), By::kServer, Phase::kConnect, error_);
  }
}

void Flow::attempt() {
  net::Io& io = worker_.io();
  const proxy::Options& options = worker_.options();
  tried_.add(chosen_index_);
  endpoint_ = pool_->endpoints[chosen_index_].get();
  endpoint_->live.chosen.fetch_add(1, std::memory_order_relaxed);
  in_flight_ = true;
  if (attempts_++ == 0) {
    chosen_ = io.now();
  } else {
    ++worker_.counted().retries;
  }
  up_ = io.connect(endpoint_->address, {.source = {}, .tcp = worker_.tcp_options()}, *this);
  ++sockets_;
  deadline_ = io.turn_started() + options.connect_timeout;
  io.timers().arm(timer_, deadline_);
}

void Flow::attempt_failed(int error) {
  error_ = error;
  if (conn::is_shortage(error)) {
    finish(End::kLimit, By::kCoordinator, Phase::kConnect, error);
    return;
  }
  worker_.connect_failed(*pool_, *endpoint_, {.end = conn::connect_end(error), .error = error});
  release_slot();
  if (!tried_text_.empty()) tried_text_ += "; ";
  tried_text_ += fmt::format("{} {}", endpoint_->name, telemetry::name(connect_end(error)));
  worker_.io().close(up_);
  up_ = {};
  if (!may_retry()) {
    nobody_left();
  } else {
    choose_and_attempt();
  }
}

void Flow::on_connected(net::SocketId socket, int error) {
  GILIRAN_ASSERT(socket == up_);
  if (error != 0) {
    attempt_failed(error);
    return;
  }
  net::Io& io = worker_.io();
  connected_ = io.now();
  worker_.connected(*endpoint_);
  upstream_local_ = io.local_address(up_);
  enter(State::kRelaying);
  io.watch_hangup(up_);
  up_half_.from = down_half_.to = down_;
  up_half_.to = down_half_.from = up_;
  if (!send_first()) io.receive(down_);
  io.receive(up_);
  deadline_ = base::kNoDeadline;
  touch();
}

// What goes up before anything is read from the client; false where there is nothing.
bool Flow::send_first() {
  if (pool_->options.proxy_protocol != config::ProxyProtocol::kNone) {
    std::string header;
    worker_.append_proxy_header(*pool_, client_, local_, header);
    header_bytes_ = static_cast<uint32_t>(header.size());
    first_[0] = worker_.io().buffers().copy(header);
  }
  const bool header = !first_[0].empty();
  const bool early = !first_[1].empty();
  if (!header && !early) return false;
  worker_.io().send(up_, {&first_[header ? 0 : 1], header && early ? size_t{2} : size_t{1}});
  return true;
}

// --- relaying ---

void Flow::read(Half& half) {
  if (half.large >= worker_.options().splice.receives) {
    worker_.io().splice(half.from, half.to);
  } else {
    worker_.io().receive(half.from);
  }
}

void Flow::on_received(net::SocketId socket, net::Received received) {
  Half& half = half_from(socket);
  switch (received.kind) {
    case net::Received::Kind::kData:
      touch();
      half.large = received.data.size() < worker_.options().splice.from_bytes
                       ? uint8_t{0}
                       : static_cast<uint8_t>(half.large + 1);
      half.moving = std::move(received.data);
      worker_.io().send(half.to, {&half.moving, 1});
      break;
    case net::Received::Kind::kEnd:
      pass_end(half);
      break;
    case net::Received::Kind::kError:
      on_hangup(socket);
      break;
  }
}

void Flow::on_sent(net::SocketId socket, size_t bytes, int error) {
  Half& half = half_to(socket);
  half.bytes += bytes;
  if (error != 0) {
    on_hangup(socket);
    return;
  }
  half.moving.reset();
  for (base::Slice& slice : first_) {
    if (&half == &up_half_) slice.reset();
  }
  touch();
  read(half);
}

void Flow::on_spliced(net::SocketId from, net::Spliced spliced) {
  Half& half = half_from(from);
  half.bytes += spliced.bytes;
  switch (spliced.kind) {
    case net::Spliced::Kind::kData:
      touch();
      if (spliced.bytes < worker_.options().splice.down_to_bytes) half.large = 0;
      read(half);
      break;
    case net::Spliced::Kind::kUnable:
      half.large = 0;
      worker_.io().receive(half.from);
      break;
    case net::Spliced::Kind::kEnd:
      pass_end(half);
      break;
    case net::Spliced::Kind::kFromError:
      on_hangup(half.from);
      break;
    case net::Spliced::Kind::kToError:
      on_hangup(half.to);
      break;
  }
}

// A slot is a connection that the server still serves. When it has ended its half it is done with
// it, as far as can be seen: what a client keeps open is no load of the server's.
void Flow::pass_end(Half& half) {
  half.ended = true;
  if (up_half_.ended && down_half_.ended) {
    finish(End::kOk, By::kNobody, Phase::kNone, 0);  // closing passes the second end
  } else {
    worker_.io().shutdown_send(half.to);
    if (&half == &down_half_) release_slot();
  }
}

void Flow::on_hangup(net::SocketId socket) {
  if (state_ == State::kClosing) return;
  const bool client = socket == down_;
  finish(client ? End::kClientClosed : End::kServerClosed, client ? By::kClient : By::kServer,
         phase_now(), ECONNRESET);
}

void Flow::touch() {
  deadline_ = worker_.io().turn_started() + worker_.options().flow_idle_timeout;
  // Armed for the connect, it may be for later than this.
  if (!timer_.armed() || timer_.deadline() > deadline_) {
    worker_.io().timers().arm(timer_, deadline_);
  }
}

// When bytes last went, also of a send or splice that is not through yet.
base::Instant Flow::last_progress() const {
  const net::Io& io = worker_.io();
  return std::max(io.send_progress(up_), io.send_progress(down_));
}

void Flow::on_deadline() {
  if (state_ == State::kRelaying) {
    deadline_ = std::max(deadline_, last_progress() + worker_.options().flow_idle_timeout);
  }
  if (deadline_ > worker_.io().turn_started()) {
    worker_.io().timers().arm(timer_, deadline_);
    return;
  }
  switch (state_) {
    case State::kQueued:
      finish(End::kQueueTimeout, By::kCoordinator, Phase::kQueue, 0);
      break;
    case State::kConnecting:
      attempt_failed(ETIMEDOUT);
      break;
    case State::kRelaying:
      finish(End::kIdleTimeout, By::kCoordinator, Phase::kData, 0);
      break;
    case State::kClosing:
      break;
  }
}

// --- ending ---

Phase Flow::phase_now() const {
  switch (state_) {
    case State::kQueued:
      return Phase::kQueue;
    case State::kConnecting:
      return Phase::kConnect;
    case State::kRelaying:
    case State::kClosing:
      break;
  }
  return Phase::kData;
}

bool Flow::may_retry() {
  const config::Pool& options = pool_->options;
  const bool nobody_else = tried_.full() || tried_.count() >= pool_->endpoints.size();
  if (nobody_else || !options.retry_on.connect) return false;
  if (tried_.count() > options.retries_max) return false;
  if (pool_->state->retry_budget.withdraw(
          worker_.io().turn_started(),
          {.part = options.retry_budget, .floor_per_s = options.retry_budget_floor})) {
    return true;
  }
  ++worker_.counted().retries_refused;
  return false;
}

void Flow::release_slot() {
  if (!in_flight_) return;
  in_flight_ = false;
  worker_.release(*pool_, *endpoint_);
}

void Flow::finish(End end, By by, Phase phase, int error) {
  const bool never_connected = state_ != State::kRelaying;
  if (state_ == State::kQueued) worker_.admission().leave(*this);
  enter(State::kClosing);
  end_ = end;
  by_ = by;
  phase_ = phase;
  error_ = error;
  net::Io& io = worker_.io();
  // What a send under way had taken counts too.
  if (end != End::kOk && !up_.none()) {
    up_half_.bytes += io.sent_so_far(up_);
    down_half_.bytes += io.sent_so_far(down_);
  }
  record();
  release_slot();
  io.timers().disarm(timer_);
  const auto mode = end == End::kOk ? net::CloseMode::kGraceful : net::CloseMode::kReset;
  if (!up_.none()) io.close(up_, mode);
  io.close(down_, never_connected ? net::CloseMode::kGraceful : mode);
}

void Flow::shut() {
  if (state_ == State::kClosing) return;
  ++worker_.counted().cut;
  finish(End::kShutdown, By::kCoordinator, phase_now(), 0);
}

bool Flow::give_up_memory() {
  if (state_ == State::kClosing) return false;
  finish(End::kLimit, By::kCoordinator, phase_now(), ENOMEM);
  return true;
}

void Flow::on_closed(net::SocketId) {
  if (--sockets_ == 0 && state_ == State::kClosing) worker_.destroy(*this);
}

void Flow::record() {
  const base::Instant now = worker_.io().now();
  telemetry::Record r;
  r.arrived = arrived_;
  r.kind = telemetry::Kind::kFlow;
  r.proto = telemetry::Proto::kTcp;
  r.end = end_;
  r.by = by_;
  r.phase = phase_;
  r.attempts = attempts_;
  r.span = span_;
  r.connection = number_;
  r.sequence = 1;
  r.peer = peer_;
  if (!(client_ == peer_)) r.client = client_;
  r.local = local_;
  r.total = now - accepted_;
  r.up_out = up_half_.bytes;
  r.down_in = up_half_.bytes - std::min<uint64_t>(header_bytes_, up_half_.bytes);
  r.down_out = r.up_in = down_half_.bytes;
  r.pool = pool_->name;
  r.policy = pool_->policy;
  r.tried = tried_text_;
  if (attempts_ != 0) {
    r.server = endpoint_->name;
    r.upstream = endpoint_->address;
    r.upstream_local = upstream_local_;
    r.queue = chosen_ - accepted_;
  }
  if (connected_ != base::Instant{}) {
    r.connect = connected_ - chosen_;
    r.data = now - connected_;
  } else if (attempts_ != 0 && phase_ == Phase::kConnect) {
    r.connect = now - chosen_;  // until it was given up
  } else if (phase_ == Phase::kQueue) {
    r.queue = now - accepted_;
  }
  if (end_ != End::kOk && error_ != 0) r.reason = strerrorname_np(error_);
  r.process_name = worker_.listener(listener_).name;
  r.gauges.queued_pool = queued_behind_;
  if (worker_.gauges()) {
    worker_.read_gauges(worker_.listener(listener_), pool_.get(),
                        attempts_ == 0 ? nullptr : endpoint_, in_flight_, r);
  }
  worker_.count_record(r);
  worker_.sink().write(r);
}

}  // namespace giliran::proxy
