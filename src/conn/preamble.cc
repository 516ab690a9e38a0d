#include "conn/preamble.h"

#include "base/assert.h"
#include "wire/proxy_header/proxy_header.h"

namespace giliran::conn {

namespace proxy_header = wire::proxy_header;

Preamble::Preamble(net::Io& io, net::SocketId socket, const base::Address& peer,
                   base::Duration head_timeout, PreambleEvents& events)
    : io_(io), socket_(socket), events_(events), peer_(peer), accepted_(io.now()) {
  io_.own(socket_, *this);
  io_.arm(timer_, head_timeout);
  io_.receive(socket_);
}

void Preamble::on_received(net::SocketId, net::Received received) {
  switch (received.kind) {
    case net::Received::Kind::kData:
      bytes_ += received.data.size();
      input_.add(io_.buffers(), std::move(received.data));
      read_header();
      break;
    case net::Received::Kind::kEnd:
      fail({.end = StreamEnd::kPeerClosed}, net::CloseMode::kGraceful);
      break;
    case net::Received::Kind::kError:
      fail({.end = StreamEnd::kPeerReset, .error = received.error}, net::CloseMode::kReset);
      break;
  }
}

void Preamble::read_header() {
  proxy_header::Header header;
  const proxy_header::Result result = proxy_header::parse(input_.view(), header);
  switch (result.parse) {
    case proxy_header::Parse::kNeedMore:
      io_.receive(socket_);
      break;
    case proxy_header::Parse::kError:
      fail({.end = StreamEnd::kBadMessage, .problem = result.problem}, net::CloseMode::kGraceful);
      break;
    case proxy_header::Parse::kDone: {
      state_ = State::kHandedOn;
      io_.timers().disarm(timer_);
      input_.drop_front(result.consumed);
      Announced announced{.socket = socket_,
                          .source = header.source,
                          .destination = header.destination,
                          .early = {}};
      if (!input_.empty()) announced.early = input_.part(io_.buffers(), input_.view());
      input_.reset();
      events_.on_announced(*this, std::move(announced));
      break;
    }
  }
}

void Preamble::on_deadline() {
  fail({.end = StreamEnd::kHeadTimeout}, net::CloseMode::kGraceful);
}

void Preamble::shut() {
  if (state_ == State::kReading) fail({.end = StreamEnd::kShutdown}, net::CloseMode::kReset);
}

void Preamble::fail(const PreambleFailure& failure, net::CloseMode mode) {
  GILIRAN_ASSERT(state_ == State::kReading);
  state_ = State::kClosing;
  failure_ = failure;
  failure_.bytes = bytes_;
  io_.timers().disarm(timer_);
  input_.reset();
  io_.close(socket_, mode);
}

void Preamble::on_sent(net::SocketId, size_t, int) {}

void Preamble::on_closed(net::SocketId) {
  events_.on_preamble_failed(*this, failure_);
}

}  // namespace giliran::conn
