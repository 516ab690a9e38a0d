#include "conn/server_connection.h"

#include <algorithm>
#include <cerrno>

#include "base/assert.h"

namespace giliran::conn {
namespace {

using wire::http1::BodyEvent;
using wire::http1::Framing;
using wire::http1::Parse;
using wire::http1::Problem;

// How long the answer to a request that was not read to its end is protected from being lost to a
// reset (RFC 9112, 9.6).
constexpr base::Duration kLinger = std::chrono::seconds(2);
// A drain waits so long for the first request of who has just connected: it is on its way.
constexpr base::Duration kFirstRequest = std::chrono::seconds(1);

const Fields& no_trailers() {
  static const Fields none{};
  return none;
}

// What is behind a CONNECT is the tunnel's; content in front of it has no meaning (RFC
// 9110, 9.3.6), and two readers could differ about where the tunnel begins.
Problem content_of_connect(const RequestHead& head) {
  if (head.method != "CONNECT" || head.framing == Framing::kNone) return Problem::kNone;
  if (head.framing != Framing::kLength) return Problem::kBadTransferEncoding;
  return head.content_length == 0 ? Problem::kNone : Problem::kBadContentLength;
}

RequestHead& scratch_head() {
  thread_local RequestHead head;  // 5 KiB; used during one call only
  return head;
}

}  // namespace

OwnAnswer ServerHandler::own_answer(const ServerConnection&, const StreamClosed&, uint16_t) {
  return {};
}

bool ServerHandler::end_gives_up(const ServerConnection&) {
  return false;
}

ServerConnection::ServerConnection(net::Io& io, net::SocketId socket, const base::Address& peer,
                                   uint64_t number, const ServerOptions& options,
                                   ServerHandler& handler, Arrival arrival)
    : io_(io),
      socket_(socket),
      options_(options),
      handler_(handler),
      peer_(peer),
      client_(arrival.client),
      local_(arrival.local),
      parser_(options.limits) {
  facts_.connection = number;
  facts_.began = io_.turn_started();
  io_.own(socket_, *this);
  io_.watch_hangup(socket_);
  io_.watch_end(socket_);
  refresh_deadline();
  input_.add(io_.buffers(), std::move(arrival.early));
  if (input_.empty()) {
    receive_more();
  } else {
    io_.timers().arm(timer_, io_.turn_started());  // nothing happens inside this call
  }
}

ServerConnection::~ServerConnection() = default;

const base::Address& ServerConnection::local() {
  if (local_.none()) local_ = io_.local_address(socket_);
  return local_;
}

void ServerConnection::enter(State next) {
  switch (next) {
    case State::kIdle:
      GILIRAN_ASSERT(state_ == State::kExchange);
      break;
    case State::kHead:
      GILIRAN_ASSERT(state_ == State::kIdle);
      break;
    case State::kExchange:
      GILIRAN_ASSERT(state_ == State::kHead);
      break;
    case State::kTunnel:
      GILIRAN_ASSERT(state_ == State::kExchange);
      break;
    case State::kLingering:
      GILIRAN_ASSERT(state_ == State::kIdle || state_ == State::kHead ||
                     state_ == State::kExchange);
      break;
    case State::kClosing:
      GILIRAN_ASSERT(state_ != State::kClosing);
      break;
  }
  state_ = next;
  switch (next) {
    case State::kIdle:
      facts_.began = io_.now();
      break;
    case State::kHead:
      facts_.first_byte = io_.now();
      break;
    case State::kExchange:
      facts_.head_done = io_.now();
      break;
    case State::kTunnel:
    case State::kLingering:
    case State::kClosing:
      break;
  }
}

// --- time-outs: one timer, moved lazily: it fires early and looks at the real deadline ---

void ServerConnection::set_deadline_at(base::Instant deadline) {
  deadline_ = deadline;
  if (deadline == base::kNoDeadline) return;
  if (!timer_.armed() || timer_.deadline() > deadline_) io_.timers().arm(timer_, deadline_);
}

void ServerConnection::refresh_deadline() {
  const base::Instant now = io_.turn_started();
  switch (state_) {
    case State::kIdle:
      set_deadline_at(now + options_.idle_timeout);
      break;
    case State::kHead:
      set_deadline_at(now + options_.head_timeout);
      break;
    case State::kExchange:
      set_deadline_at(exchange_deadline());
      break;
    case State::kTunnel:
      set_deadline_at(now + options_.tunnel_idle_timeout);
      break;
    case State::kLingering:
      set_deadline_at(now + kLinger);
      break;
    case State::kClosing:
      set_deadline_at(base::kNoDeadline);
      break;
  }
}

base::Instant ServerConnection::exchange_deadline() const {
  const base::Instant write = out_.empty() ? base::kNoDeadline : wrote_ + options_.write_timeout;
  return std::min(write, body_deadline());
}

// Once all is answered nobody waits for the rest of a body; while an answer is on its way, a client
// that takes it is not silent.
base::Instant ServerConnection::body_deadline() const {
  if (request_half_ == RequestHalf::kEnded || !read_clock_.running() ||
      response_half_ == ResponseHalf::kEnded) {
    return base::kNoDeadline;
  }
  const base::Instant moved = std::max(read_clock_.moved(), wrote_);
  const base::Instant stopped = moved + options_.body_timeout;
  if (options_.body_rate_min == 0 || response_half_ != ResponseHalf::kWaiting) return stopped;
  return std::min(stopped,
                  read_clock_.too_slow_at(options_.body_rate_min, options_.body_rate_grace));
}

// Either the deadline, or something that must not happen inside a call of the handler's.
void ServerConnection::on_deadline() {
  if ((state_ == State::kIdle || state_ == State::kTunnel) && !input_.empty()) return process();
  if (state_ == State::kTunnel) maybe_end_tunnel();
  if (state_ == State::kExchange && response_half_ == ResponseHalf::kEnded && out_.empty()) {
    maybe_complete();
    return;
  }
  if (put_off()) return;
  switch (state_) {
    case State::kIdle:
    case State::kLingering:
      close_now(net::CloseMode::kGraceful);
      break;
    case State::kHead:
      refuse({.end = StreamEnd::kHeadTimeout}, 408);
      break;
    case State::kExchange:
      exchange_overdue();
      break;
    case State::kTunnel:
      end_stream({.end = StreamEnd::kTunnelIdle});
      if (state_ != State::kClosing) close_now(net::CloseMode::kReset);
      break;
    case State::kClosing:
      break;
  }
}

// Whether the deadline is not yet, by what is known now of a send that is half done.
bool ServerConnection::put_off() {
  if (deadline_ == base::kNoDeadline) return true;
  if (!out_.empty() && (state_ == State::kExchange || state_ == State::kTunnel)) {
    wrote_ = std::max(wrote_, io_.send_progress(socket_));
    if (state_ == State::kExchange) deadline_ = exchange_deadline();
    if (state_ == State::kTunnel) {
      deadline_ = std::max(deadline_, wrote_ + options_.tunnel_idle_timeout);
    }
  }
  if (deadline_ <= io_.turn_started()) return false;
  io_.timers().arm(timer_, deadline_);
  return true;
}

void ServerConnection::exchange_overdue() {
  const base::Instant now = io_.turn_started();
  if (!out_.empty() && wrote_ + options_.write_timeout <= now) {
    end_stream({.end = StreamEnd::kWriteTimeout});
    if (state_ != State::kClosing) close_now(net::CloseMode::kReset);
    return;
  }
  const bool stopped = std::max(read_clock_.moved(), wrote_) + options_.body_timeout <= now;
  fail_exchange({.end = stopped ? StreamEnd::kBodyTimeout : StreamEnd::kBodyTooSlow}, 408);
}

// --- reading ---

void ServerConnection::receive_more() {
  if (state_ == State::kClosing || io_.receiving(socket_)) return;
  if (state_ == State::kExchange || state_ == State::kTunnel) {
    if (request_half_ == RequestHalf::kEnded || unconsumed_ >= options_.window_bytes) {
      read_clock_.pause(io_.turn_started());
      return;
    }
    read_clock_.resume(io_.turn_started());
  }
  io_.receive(socket_);
}

void ServerConnection::on_received(net::SocketId, net::Received received) {
  switch (received.kind) {
    case net::Received::Kind::kData:
      input_.add(io_.buffers(), std::move(received.data));
      process();
      if (state_ == State::kExchange) refresh_deadline();
      break;
    case net::Received::Kind::kEnd:
      end_of_input({.end = StreamEnd::kPeerClosed});
      break;
    case net::Received::Kind::kError:
      end_of_input({.end = StreamEnd::kPeerReset, .error = received.error});
      break;
  }
}

void ServerConnection::end_of_input(const StreamClosed& why) {
  switch (state_) {
    case State::kHead:
      refuse(why, 0);
      break;
    case State::kExchange:
      end_stream(why);
      break;
    case State::kTunnel:
      if (why.end == StreamEnd::kPeerClosed && send_error_ == 0) {
        request_half_ = RequestHalf::kEnded;
        refresh_deadline();
        stream_->on_request_end(no_trailers());
        if (state_ == State::kTunnel) maybe_end_tunnel();
        return;
      }
      end_stream(
          {.end = StreamEnd::kPeerReset, .error = send_error_ != 0 ? send_error_ : why.error});
      if (state_ != State::kClosing) close_now(net::CloseMode::kReset);
      break;
    case State::kIdle:
    case State::kLingering:
    case State::kClosing:
      break;
  }
  if (state_ != State::kClosing) close_now(net::CloseMode::kGraceful);
}

// Between a request and its answer nothing is received: without this, a client that has left would
// be served to the end. Where a request is still being read, the receive says how it ended.
void ServerConnection::see_end() {
  if (!peer_ended_ || state_ != State::kExchange) return;
  if (response_half_ != ResponseHalf::kWaiting || io_.receiving(socket_)) return;
  if (!handler_.end_gives_up(*this)) return;
  end_stream({.end = StreamEnd::kPeerClosed});
  if (state_ != State::kClosing) close_now(net::CloseMode::kGraceful);
}

void ServerConnection::process() {
  if (processing_) return;
  processing_ = true;
  bool progress = true;
  while (progress) {
    switch (state_) {
      case State::kIdle:
      case State::kHead:
        progress = process_head();
        break;
      case State::kExchange:
        progress = request_half_ == RequestHalf::kReading && process_body();
        break;
      case State::kTunnel:
        progress = process_tunnel();
        break;
      case State::kLingering:
      case State::kClosing:
        input_.reset();
        progress = false;
        break;
    }
  }
  processing_ = false;
  receive_more();
  see_end();
}

bool ServerConnection::process_head() {
  if (input_.empty()) return false;
  if (state_ == State::kIdle) {
    enter(State::kHead);
    refresh_deadline();
  }
  RequestHead& head = scratch_head();
  const wire::http1::HeadResult result = parser_.parse(input_.view(), head);
  switch (result.parse) {
    case Parse::kDone:
      if (const Problem problem = content_of_connect(head); problem != Problem::kNone) {
        refuse({.end = StreamEnd::kBadMessage, .problem = problem},
               wire::http1::status_for(problem));
        return false;
      }
      begin_stream(head, result.consumed);
      return true;
    case Parse::kNeedMore:
      return input_.join_more(io_.buffers());
    case Parse::kError:
      refuse({.end = StreamEnd::kBadMessage, .problem = result.problem},
             wire::http1::status_for(result.problem));
      return false;
  }
  return false;
}

void ServerConnection::begin_stream(const RequestHead& head, uint32_t head_bytes) {
  enter(State::kExchange);
  ++facts_.sequence;
  facts_.reused = facts_.sequence > 1;
  facts_.bytes_in = head_bytes;
  facts_.bytes_out = 0;
  unconsumed_ = 0;
  read_clock_.start(io_.turn_started());
  request_half_ = RequestHalf::kReading;
  response_half_ = ResponseHalf::kWaiting;
  body_out_ = BodyOut::kNone;
  head_request_ = head.method == "HEAD";
  peer_is_http10_ = head.version == wire::http1::Version::k10;
  peer_goes_on_ = head.keep_alive;
  body_.start(head.framing, head.content_length);
  const base::Slice bytes = input_.slice().share(0, head_bytes);
  input_.drop_front(head_bytes);
  ServerStreamEvents& events = handler_.on_request(*this, *this, head, bytes);
  if (state_ == State::kExchange) stream_ = &events;
}

bool ServerConnection::process_body() {
  thread_local Fields trailers;
  trailers.count = 0;
  BodyIn in = input_.read_body(body_, io_.buffers(), &trailers);
  facts_.bytes_in += in.wire_bytes;
  if (!in.data.empty()) {
    unconsumed_ += in.data.size();
    read_clock_.read(io_.turn_started(), in.data.size());
    stream_->on_request_data(std::move(in.data));
    if (state_ != State::kExchange) return true;
  }
  switch (in.then) {
    case BodyEvent::Kind::kNeedMore:
      return false;
    case BodyEvent::Kind::kData:
      return true;
    case BodyEvent::Kind::kEnd:
      request_half_ = RequestHalf::kEnded;
      stream_->on_request_end(trailers);
      if (state_ != State::kClosing) input_.drop_front(in.end_bytes);
      return state_ == State::kTunnel;  // answered at once
    case BodyEvent::Kind::kError:
      fail_exchange({.end = StreamEnd::kBadMessage, .problem = in.problem},
                    wire::http1::status_for(in.problem));
      return false;
  }
  return false;
}

bool ServerConnection::process_tunnel() {
  if (input_.empty()) return false;
  base::Slice part = input_.part(io_.buffers(), input_.view());
  input_.drop_front(part.size());
  facts_.bytes_in += part.size();
  unconsumed_ += part.size();
  refresh_deadline();
  stream_->on_request_data(std::move(part));
  return true;
}

// --- ending ---

void ServerConnection::start_lingering() {
  enter(State::kLingering);
  input_.reset();
  refresh_deadline();
  if (out_.empty()) io_.shutdown_send(socket_);
  receive_more();
}

void ServerConnection::on_hangup(net::SocketId) {
  // What came before a reset may still be read; the receive ends with it.
  if (state_ == State::kTunnel && io_.receiving(socket_)) return;
  if (state_ == State::kTunnel) end_stream({.end = StreamEnd::kPeerReset, .error = ECONNRESET});
  if (state_ == State::kExchange) end_stream({.end = StreamEnd::kPeerReset, .error = ECONNRESET});
  if (state_ == State::kHead) {
    refuse({.end = StreamEnd::kPeerReset, .error = ECONNRESET}, 0);
    return;
  }
  if (state_ != State::kClosing) close_now(net::CloseMode::kReset);
}

void ServerConnection::on_peer_ended(net::SocketId) {
  peer_ended_ = true;
  see_end();
}

void ServerConnection::drain() {
  draining_ = true;
  // What came before we were told is answered.
  if (state_ != State::kIdle || !input_.empty()) return;
  if (carried_any()) {
    start_lingering();  // a request may be on its way: closing on it could lose the last answer
  } else {
    set_deadline_at(std::min(deadline_, io_.turn_started() + kFirstRequest));
  }
}

void ServerConnection::shut() {
  if (state_ == State::kIdle && !input_.empty()) enter(State::kHead);
  if (state_ == State::kHead) {
    refuse({.end = StreamEnd::kShutdown}, 0);
    return;
  }
  if (state_ == State::kExchange || state_ == State::kTunnel) {
    end_stream({.end = StreamEnd::kShutdown});
  }
  if (state_ != State::kClosing) close_now(net::CloseMode::kReset);
}

void ServerConnection::close_now(net::CloseMode mode) {
  enter(State::kClosing);
  deadline_ = base::kNoDeadline;
  io_.timers().disarm(timer_);
  input_.reset();
  io_.close(socket_, mode);
}

void ServerConnection::on_closed(net::SocketId) {
  out_.clear();
  handler_.on_connection_closed(*this);
}

}  // namespace giliran::conn
