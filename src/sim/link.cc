#include "sim/link.h"

namespace giliran::sim {

void Link::connect(const base::Address& to) {
  state_ = State::kConnecting;
  socket_ = io_.connect(to, {}, *this);
}

void Link::adopt(net::SocketId accepted) {
  socket_ = accepted;
  io_.own(socket_, *this);
  state_ = State::kUp;
  local_ = io_.local_address(socket_);
  receive();
}

void Link::on_connected(net::SocketId, int error) {
  if (error != 0) {
    broken();
    return;
  }
  state_ = State::kUp;
  local_ = io_.local_address(socket_);
  receive();
  events_.on_link_up(*this);
  flush();
}

void Link::send(std::string_view text) {
  if (broken_) return;
  out_ += text;
  flush();
}

void Link::end() {
  if (after_ == After::kNothing) after_ = After::kEnd;
  flush();
}

void Link::end_and_close() {
  after_ = After::kClose;
  flush();
}

void Link::flush() {
  if (state_ != State::kUp || sending_now_ || broken_) return;
  if (!out_.empty()) {
    sending_ = std::move(out_);
    out_.clear();
    slice_ = base::Slice::of_static(sending_);
    sending_now_ = true;
    io_.send(socket_, {&slice_, 1});
    return;
  }
  switch (after_) {
    case After::kEnd:
      after_ = After::kDone;
      io_.shutdown_send(socket_);
      break;
    case After::kClose:
      close(net::CloseMode::kGraceful);
      break;
    case After::kNothing:
    case After::kDone:
      break;
  }
}

void Link::receive() {
  if (state_ == State::kUp && reading_ && !broken_) io_.receive(socket_);
}

void Link::stop_reading() {
  reading_ = false;
  if (state_ == State::kUp) io_.watch_hangup(socket_);
}

void Link::on_pace() {
  if (!io_.receiving(socket_)) receive();
}

void Link::on_received(net::SocketId, net::Received received) {
  switch (received.kind) {
    case net::Received::Kind::kData:
      input += received.data.view();
      received.data.reset();
      if (pace_ > base::Duration{0}) {
        io_.arm(pace_timer_, pace_);
      } else {
        receive();
      }
      events_.on_link_data(*this);
      break;
    case net::Received::Kind::kEnd:
      events_.on_link_end(*this);
      break;
    case net::Received::Kind::kError:
      broken();
      break;
  }
}

void Link::on_sent(net::SocketId, size_t, int error) {
  sending_now_ = false;
  if (error != 0) {
    out_.clear();
    // What was received says more than a failed send, so that the next receive decides.
    if (!io_.receiving(socket_) && !pace_timer_.armed()) broken();
    return;
  }
  flush();
}

void Link::on_hangup(net::SocketId) {
  broken();
}

void Link::broken() {
  if (broken_) return;
  broken_ = true;
  out_.clear();
  events_.on_link_broken(*this);
}

void Link::close(net::CloseMode mode) {
  if (!open()) return;
  state_ = State::kClosing;
  io_.timers().disarm(pace_timer_);
  io_.close(socket_, mode);
}

void Link::on_closed(net::SocketId) {
  state_ = State::kClosed;
  events_.on_link_closed(*this);
}

}  // namespace giliran::sim
