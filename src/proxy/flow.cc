#include "proxy/flow.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>

#include "proxy/worker.h"

namespace giliran::proxy {
namespace {

using telemetry::By;
using telemetry::End;
using telemetry::Phase;

End connect_end(int error) {
  if (error == ECONNREFUSED) return End::kConnectRefused;
  if (error == ETIMEDOUT) return End::kConnectTimeout;
  return End::kConnectFailed;
}

}  // namespace

Flow::Flow(Worker& worker, size_t listener, net::SocketId socket, const base::Address& peer,
           uint64_t number)
    : worker_(worker),
      listener_(listener),
      down_(socket),
      peer_(peer),
      pool_(worker.listener(listener).pool),
      arrived_(worker.io().clock().wall()),
      accepted_(worker.io().now()),
      span_(base::SpanId::make(worker.random())),
      number_(number) {
  net::Io& io = worker_.io();
  io.own(down_, *this);
  io.watch_hangup(down_);
  local_ = io.local_address(down_);
  attempt();
}

void Flow::enter(State to) {
  switch (to) {
    case State::kConnecting:
      GILIRAN_ASSERT(state_ == State::kConnecting);
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

void Flow::attempt() {
  net::Io& io = worker_.io();
  const proxy::Options& options = worker_.options();
  const auto index =
      choose(*pool_, tried_, io.turn_started(), options.connect_timeout * 2, worker_.random());
  if (!index) {
    if (tried_.count() == 0) {
      finish(End::kNoServer, By::kCoordinator, Phase::kQueue, 0);
    } else {
      finish(connect_end(error_), By::kServer, Phase::kConnect, error_);
    }
    return;
  }
  tried_.add(*index);
  endpoint_ = pool_->endpoints[*index];
  endpoint_->live.in_flight.fetch_add(1, std::memory_order_relaxed);
  endpoint_->live.chosen.fetch_add(1, std::memory_order_relaxed);
  in_flight_ = true;
  if (attempts_++ == 0) {
    chosen_ = io.now();
  } else {
    ++worker_.counted().retries;
  }
  up_ = io.connect(endpoint_->address, {}, *this);
  ++sockets_;
  deadline_ = io.turn_started() + options.connect_timeout;
  io.timers().arm(timer_, deadline_);
}

void Flow::attempt_failed(int error) {
  error_ = error;
  worker_.connect_failed(*endpoint_, error);
  release_endpoint();
  if (!tried_text_.empty()) tried_text_ += "; ";
  tried_text_ += fmt::format("{} {}", endpoint_->name, telemetry::name(connect_end(error)));
  worker_.io().close(up_);
  up_ = {};
  attempt();
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
  io.receive(down_);
  io.receive(up_);
  deadline_ = base::kNoDeadline;
  touch();
}

// --- relaying ---

void Flow::on_received(net::SocketId socket, net::Received received) {
  Half& half = half_from(socket);
  switch (received.kind) {
    case net::Received::Kind::kData:
      touch();
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
  touch();
  worker_.io().receive(half.from);
}

void Flow::pass_end(Half& half) {
  half.ended = true;
  worker_.io().shutdown_send(half.to);
  if (up_half_.ended && down_half_.ended) finish(End::kOk, By::kNobody, Phase::kNone, 0);
}

void Flow::on_hangup(net::SocketId socket) {
  if (state_ == State::kClosing) return;
  const bool client = socket == down_;
  finish(client ? End::kClientClosed : End::kServerClosed, client ? By::kClient : By::kServer,
         state_ == State::kConnecting ? Phase::kConnect : Phase::kData, ECONNRESET);
}

void Flow::touch() {
  deadline_ = worker_.io().turn_started() + worker_.options().flow_idle_timeout;
  // Armed for the connect, it may be for later than this.
  if (!timer_.armed() || timer_.deadline() > deadline_) {
    worker_.io().timers().arm(timer_, deadline_);
  }
}

void Flow::on_deadline() {
  if (deadline_ > worker_.io().turn_started()) {
    worker_.io().timers().arm(timer_, deadline_);
    return;
  }
  switch (state_) {
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

void Flow::release_endpoint() {
  if (!in_flight_) return;
  in_flight_ = false;
  endpoint_->live.in_flight.fetch_sub(1, std::memory_order_relaxed);
}

void Flow::finish(End end, By by, Phase phase, int error) {
  const bool never_connected = state_ == State::kConnecting;
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
  release_endpoint();
  io.timers().disarm(timer_);
  const auto mode = end == End::kOk ? net::CloseMode::kGraceful : net::CloseMode::kReset;
  if (!up_.none()) io.close(up_, mode);
  io.close(down_, never_connected ? net::CloseMode::kGraceful : mode);
}

void Flow::shut() {
  if (state_ == State::kClosing) return;
  ++worker_.counted().cut;
  finish(End::kShutdown, By::kCoordinator,
         state_ == State::kConnecting ? Phase::kConnect : Phase::kData, 0);
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
  r.local = local_;
  r.total = now - accepted_;
  r.down_in = r.up_out = up_half_.bytes;
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
  }
  if (end_ != End::kOk && error_ != 0) r.reason = strerrorname_np(error_);
  r.process_name = worker_.listener(listener_).name;
  worker_.count_record(r);
  worker_.sink().write(r);
}

}  // namespace giliran::proxy
