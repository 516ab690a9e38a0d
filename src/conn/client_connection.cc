#include "conn/client_connection.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/assert.h"

namespace giliran::conn {
namespace {

using wire::http1::BodyEvent;
using wire::http1::Framing;
using wire::http1::Parse;
using wire::http1::Problem;

constexpr std::string_view kMethodNames[] = {"GET", "HEAD", "CONNECT"};

const Fields& no_trailers() {
  static const Fields none{};
  return none;
}

ResponseHead& scratch_head() {
  thread_local ResponseHead head;  // 5 KiB; used during one call only
  return head;
}

}  // namespace

ClientConnection::ClientConnection(net::Io& io, const base::Address& to, uint64_t number,
                                   const ClientOptions& options, ClientConnectionOwner& owner)
    : io_(io), options_(options), owner_(owner), to_(to), parser_(options.limits) {
  facts_.connection = number;
  connect_began_ = io_.now();
  socket_ = io_.connect(to_, {.source = options.source, .tcp = options.tcp}, *this);
  refresh_deadline();
}

ClientConnection::~ClientConnection() = default;

void ClientConnection::enter(State to) {
  switch (to) {
    case State::kConnecting:
      GILIRAN_ASSERT(to != State::kConnecting);  // a connection connects once
      break;
    case State::kIdle:
      GILIRAN_ASSERT(state_ == State::kConnecting || state_ == State::kExchange);
      break;
    case State::kExchange:
      GILIRAN_ASSERT(state_ == State::kConnecting || state_ == State::kIdle);
      break;
    case State::kTunnel:
      GILIRAN_ASSERT(state_ == State::kExchange);
      break;
    case State::kClosing:
      GILIRAN_ASSERT(state_ != State::kClosing);
      break;
  }
  state_ = to;
  if (to == State::kIdle) idle_since_ = io_.turn_started();
}

void ClientConnection::send_preamble(std::string_view bytes) {
  GILIRAN_ASSERT(state_ == State::kConnecting && stream_ == nullptr && facts_.sequence == 0);
  push(io_.buffers().copy(bytes), false);
}

ClientStream& ClientConnection::start(ClientStreamEvents& events) {
  GILIRAN_ASSERT(usable() && stream_ == nullptr);
  stream_ = &events;
  const StreamFacts before = facts_;
  facts_ = {.connection = before.connection,
            .sequence = before.sequence + 1,
            .began = io_.now(),
            .reused = before.sequence != 0};
  request_half_ = RequestHalf::kNotStarted;
  response_half_ = ResponseHalf::kHead;
  keep_alive_ = true;
  unconsumed_ = 0;
  interim_bytes_ = 0;
  send_error_ = 0;
  asks_tunnel_ = switch_waits_ = false;
  if (state_ == State::kIdle) {
    facts_.connected = facts_.began;
    enter(State::kExchange);
  }
  return *this;
}

// --- time-outs ---

void ClientConnection::set_deadline_at(base::Instant deadline) {
  deadline_ = deadline;
  if (deadline == base::kNoDeadline) return;
  if (!timer_.armed() || timer_.deadline() > deadline_) io_.timers().arm(timer_, deadline_);
}

void ClientConnection::refresh_deadline() {
  switch (state_) {
    case State::kConnecting:
      set_deadline_at(io_.turn_started() + options_.connect_timeout);
      break;
    case State::kExchange:
      set_deadline_at(exchange_deadline());
      break;
    case State::kTunnel:
      set_deadline_at(io_.turn_started() + options_.tunnel_idle_timeout);
      break;
    case State::kIdle:
    case State::kClosing:
      set_deadline_at(base::kNoDeadline);
      break;
  }
}

base::Instant ClientConnection::exchange_deadline() const {
  if (!out_.empty()) return wrote_ + options_.write_timeout;
  // Else it is our side that is slow.
  if (request_half_ != RequestHalf::kSent) return base::kNoDeadline;
  // A byte of the head, or a 1xx, now and then is no response.
  if (response_half_ == ResponseHalf::kHead) return facts_.request_sent + options_.response_timeout;
  if (response_half_ == ResponseHalf::kEnded || !read_clock_.running()) return base::kNoDeadline;
  // The request may have had its end long after the response began.
  return std::max(read_clock_.moved(), facts_.request_sent) + options_.body_timeout;
}

// Either the deadline, or the begin or end of a tunnel that must not come inside a call of the
// stream's user.
void ClientConnection::on_deadline() {
  if (switch_waits_ && request_half_ == RequestHalf::kSent) return process();
  if (state_ == State::kTunnel) maybe_end_tunnel();
  if (put_off()) return;
  switch (state_) {
    case State::kConnecting:
      fail(StreamEnd::kConnectTimeout, ETIMEDOUT);
      break;
    case State::kExchange:
      fail(!out_.empty()                           ? StreamEnd::kWriteTimeout
           : response_half_ == ResponseHalf::kHead ? StreamEnd::kHeadTimeout
                                                   : StreamEnd::kBodyTimeout,
           ETIMEDOUT);
      break;
    case State::kTunnel:
      fail(StreamEnd::kTunnelIdle, 0);
      break;
    case State::kIdle:
    case State::kClosing:
      break;
  }
}

// Whether the deadline is not yet, by what is known now of a send that is half done.
bool ClientConnection::put_off() {
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

// --- connecting and reading ---

void ClientConnection::on_connected(net::SocketId, int error) {
  if (error != 0) {
    fail(connect_end(error), error);
    return;
  }
  local_ = io_.local_address(socket_);
  const base::Instant now = io_.now();
  connect_took_ = now - connect_began_;
  facts_.connected = now;
  enter(stream_ == nullptr ? State::kIdle : State::kExchange);
  wrote_ = io_.turn_started();
  flush();
  receive_more();
  refresh_deadline();
}

void ClientConnection::receive_more() {
  if (state_ == State::kClosing || state_ == State::kConnecting || io_.receiving(socket_)) return;
  if (state_ == State::kTunnel && response_half_ == ResponseHalf::kEnded) return;
  if (switch_waits_) return;
  if (state_ == State::kExchange || state_ == State::kTunnel) {
    if (unconsumed_ >= options_.window_bytes) {
      read_clock_.pause(io_.turn_started());
      return;
    }
    read_clock_.resume(io_.turn_started());
  }
  io_.receive(socket_);
}

void ClientConnection::on_received(net::SocketId, net::Received received) {
  if (state_ == State::kIdle) {
    // The server gave the connection up, or says something nobody asked for.
    fail(StreamEnd::kPeerClosed, received.error);
    return;
  }
  switch (received.kind) {
    case net::Received::Kind::kData:
      // Whatever becomes of them: of an answer that cannot be read, too.
      facts_.bytes_in += received.data.size();
      input_.add(io_.buffers(), std::move(received.data));
      process();
      if (state_ == State::kExchange) refresh_deadline();
      break;
    case net::Received::Kind::kEnd:
      process_end_of_input();
      break;
    case net::Received::Kind::kError:
      fail(StreamEnd::kPeerReset, received.error);
      break;
  }
}

void ClientConnection::process() {
  if (processing_) return;
  processing_ = true;
  bool progress = true;
  while (progress && (state_ == State::kExchange || state_ == State::kTunnel)) {
    switch (response_half_) {
      case ResponseHalf::kHead:
        progress = process_head();
        break;
      case ResponseHalf::kBody:
        progress = state_ == State::kTunnel ? process_tunnel() : process_body();
        break;
      case ResponseHalf::kEnded:
        progress = false;
        break;
    }
  }
  processing_ = false;
  maybe_complete();
  receive_more();
}

bool ClientConnection::process_head() {
  if (input_.empty()) return false;
  switch_waits_ = false;
  ResponseHead& head = scratch_head();
  const wire::http1::HeadResult result =
      parser_.parse(input_.view(), kMethodNames[static_cast<size_t>(method_)], head);
  switch (result.parse) {
    case Parse::kNeedMore:
      return input_.join_more(io_.buffers());
    case Parse::kError:
      fail(StreamEnd::kBadMessage, 0, result.problem);
      return false;
    case Parse::kDone:
      break;
  }
  const bool tunnel = opens_tunnel(head.status);
  if (tunnel && request_half_ != RequestHalf::kSent) {
    switch_waits_ = true;  // what we send until then is the request's
    return false;
  }
  if (head.status == 101 && !tunnel) {
    fail(StreamEnd::kBadMessage, 0, Problem::kBadUpgrade);  // nobody asked for one
    return false;
  }
  if (head.status < 200 && !tunnel) {
    interim_bytes_ += result.consumed;
    if (interim_bytes_ > options_.limits.head_bytes_max) {
      fail(StreamEnd::kBadMessage, 0, Problem::kHeadTooLarge);
      return false;
    }
    stream_->on_interim(head);
  } else {
    facts_.head_done = io_.now();
    if (facts_.first_byte == base::Instant{}) facts_.first_byte = facts_.head_done;
    response_half_ = ResponseHalf::kBody;
    read_clock_.start(io_.turn_started());
    keep_alive_ = keep_alive_ && head.keep_alive && head.framing != Framing::kUntilClose;
    body_.start(head.framing, head.content_length);
    if (tunnel) begin_tunnel();
    stream_->on_response_head(head);
  }
  if (state_ != State::kClosing) input_.drop_front(result.consumed);
  return true;
}

bool ClientConnection::opens_tunnel(uint16_t status) const {
  if (!asks_tunnel_) return false;
  return method_ == Method::kConnect ? status >= 200 && status < 300 : status == 101;
}

void ClientConnection::begin_tunnel() {
  enter(State::kTunnel);
  body_out_ = BodyOut::kPlain;
  keep_alive_ = false;
  request_half_ = RequestHalf::kSending;
  refresh_deadline();
}

bool ClientConnection::process_body() {
  thread_local Fields trailers;
  trailers.count = 0;
  BodyIn in = input_.read_body(body_, io_.buffers(), &trailers);
  if (!in.data.empty()) {
    unconsumed_ += in.data.size();
    read_clock_.read(io_.turn_started(), in.data.size());
    stream_->on_response_data(std::move(in.data));
    if (state_ != State::kExchange) return true;
  }
  switch (in.then) {
    case BodyEvent::Kind::kNeedMore:
      return false;
    case BodyEvent::Kind::kData:
      return true;
    case BodyEvent::Kind::kEnd:
      response_half_ = ResponseHalf::kEnded;
      stream_->on_response_end(trailers);
      if (state_ == State::kExchange) input_.drop_front(in.end_bytes);
      return false;
    case BodyEvent::Kind::kError:
      fail(StreamEnd::kBadMessage, 0, in.problem);
      return false;
  }
  return false;
}

bool ClientConnection::process_tunnel() {
  if (input_.empty()) return false;
  base::Slice part = input_.part(io_.buffers(), input_.view());
  input_.drop_front(part.size());
  unconsumed_ += part.size();
  refresh_deadline();
  stream_->on_response_data(std::move(part));
  return true;
}

void ClientConnection::process_end_of_input() {
  if (state_ == State::kTunnel && send_error_ == 0) {
    response_half_ = ResponseHalf::kEnded;
    refresh_deadline();
    stream_->on_response_end(no_trailers());
    if (state_ == State::kTunnel) maybe_end_tunnel();
    return;
  }
  if (state_ == State::kTunnel) return fail(StreamEnd::kPeerReset, send_error_);
  if (state_ != State::kExchange) return;
  if (response_half_ == ResponseHalf::kBody && body_.end_of_input()) {
    response_half_ = ResponseHalf::kEnded;
    keep_alive_ = false;
    stream_->on_response_end(no_trailers());
    maybe_complete();
    return;
  }
  fail(StreamEnd::kPeerClosed, 0);
}

// --- ending ---

void ClientConnection::fail(StreamEnd end, int error, Problem problem) {
  ClientStreamEvents* stream = std::exchange(stream_, nullptr);
  count_sent();
  StreamClosed closed{.end = end, .problem = problem, .error = error};
  const bool ended_by_server = end == StreamEnd::kPeerClosed || end == StreamEnd::kPeerReset;
  const bool answered = facts_.bytes_in != 0;
  if (state_ == State::kConnecting || (ended_by_server && !answered && facts_.bytes_out == 0)) {
    closed.retry = base::Retry::kAlways;
  } else if (ended_by_server && !answered && facts_.reused) {
    closed.retry = base::Retry::kIfReused;
  }
  // An idle connection ends in order; one under way is cut, so that the server sees it.
  close_now(stream == nullptr ? net::CloseMode::kGraceful : net::CloseMode::kReset);
  owner_.on_unusable(*this);
  if (stream != nullptr) stream->on_closed(closed);
}

void ClientConnection::shut() {
  if (state_ != State::kClosing) fail(StreamEnd::kShutdown, 0);
}

void ClientConnection::close_now(net::CloseMode mode) {
  count_sent();
  enter(State::kClosing);
  deadline_ = base::kNoDeadline;
  io_.timers().disarm(timer_);
  input_.reset();
  io_.close(socket_, mode);
}

void ClientConnection::on_closed(net::SocketId) {
  out_.clear();
  owner_.on_connection_closed(*this);
}

}  // namespace giliran::conn
