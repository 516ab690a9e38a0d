#include "conn/client_connection.h"

#include <cerrno>

#include "base/assert.h"
#include "conn/head_out.h"

namespace giliran::conn {
namespace {

using wire::http1::BodyEvent;
using wire::http1::Framing;
using wire::http1::Parse;
using wire::http1::Problem;

constexpr std::string_view kMethodNames[] = {"GET", "HEAD", "CONNECT"};

ResponseHead& scratch_head() {
  thread_local ResponseHead head;  // 5 KiB; used during one call only
  return head;
}

StreamEnd connect_end(int error) {
  if (error == ECONNREFUSED) return StreamEnd::kConnectRefused;
  if (error == ETIMEDOUT) return StreamEnd::kConnectTimeout;
  return StreamEnd::kConnectFailed;
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
  progress_seen_ = 0;
  if (state_ == State::kIdle) {
    facts_.connected = facts_.began;
    enter(State::kExchange);
  }
  return *this;
}

// --- time-outs ---

void ClientConnection::set_deadline(base::Duration after) {
  set_deadline_at(io_.turn_started() + after);
}

void ClientConnection::set_deadline_at(base::Instant deadline) {
  deadline_ = deadline;
  if (!timer_.armed() || timer_.deadline() > deadline_) io_.timers().arm(timer_, deadline_);
}

void ClientConnection::refresh_deadline() {
  switch (state_) {
    case State::kConnecting:
      set_deadline(options_.connect_timeout);
      break;
    case State::kExchange:
      if (!out_.empty()) {
        set_deadline(options_.write_timeout);
      } else if (request_half_ != RequestHalf::kSent || unconsumed_ >= options_.window_bytes) {
        deadline_ = base::kNoDeadline;  // it is our side that is slow
      } else if (response_half_ == ResponseHalf::kHead) {
        // A byte of it, or a 1xx, now and then is no response.
        set_deadline_at(facts_.request_sent + options_.response_timeout);
      } else {
        set_deadline(options_.body_timeout);
      }
      break;
    case State::kTunnel:
      set_deadline(options_.tunnel_idle_timeout);
      break;
    case State::kIdle:
    case State::kClosing:
      deadline_ = base::kNoDeadline;
      break;
  }
}

void ClientConnection::on_deadline() {
  if (deadline_ == base::kNoDeadline) return;
  if (deadline_ > io_.turn_started()) {
    io_.timers().arm(timer_, deadline_);
    return;
  }
  if (state_ == State::kConnecting) {
    fail(StreamEnd::kConnectTimeout, ETIMEDOUT);
  } else if (state_ == State::kExchange && !out_.empty()) {
    const size_t progress = facts_.bytes_out + io_.sent_so_far(socket_);
    if (progress == progress_seen_) {
      fail(StreamEnd::kWriteTimeout, ETIMEDOUT);
    } else {
      progress_seen_ = progress;
      set_deadline(options_.write_timeout);
    }
  } else if (state_ == State::kExchange) {
    fail(response_half_ == ResponseHalf::kHead ? StreamEnd::kHeadTimeout : StreamEnd::kBodyTimeout,
         ETIMEDOUT);
  }
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
  flush();
  receive_more();
  refresh_deadline();
}

void ClientConnection::receive_more() {
  if (state_ == State::kClosing || state_ == State::kConnecting || io_.receiving(socket_)) return;
  if (state_ == State::kExchange && unconsumed_ >= options_.window_bytes) return;
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
  while (progress && state_ == State::kExchange) {
    switch (response_half_) {
      case ResponseHalf::kHead:
        progress = process_head();
        break;
      case ResponseHalf::kBody:
        progress = process_body();
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
  facts_.bytes_in += result.consumed;
  if (head.status < 200) {
    if (head.status == 101) {
      fail(StreamEnd::kBadMessage, 0, Problem::kBadStatusLine);  // nobody asked for an upgrade
      return false;
    }
    stream_->on_interim(head);
  } else {
    facts_.head_done = io_.now();
    if (facts_.first_byte == base::Instant{}) facts_.first_byte = facts_.head_done;
    response_half_ = ResponseHalf::kBody;
    keep_alive_ = keep_alive_ && head.keep_alive && head.framing != Framing::kUntilClose;
    body_.start(head.framing, head.content_length);
    stream_->on_response_head(head);
  }
  if (state_ == State::kExchange) input_.drop_front(result.consumed);
  return true;
}

bool ClientConnection::process_body() {
  thread_local Fields trailers;
  trailers.count = 0;
  const BodyEvent event = body_.next(input_.view(), &trailers);
  facts_.bytes_in += event.consumed;
  switch (event.kind) {
    case BodyEvent::Kind::kNeedMore:
      input_.drop_front(event.consumed);
      return input_.join_more(io_.buffers());
    case BodyEvent::Kind::kData: {
      base::Slice part = input_.part(io_.buffers(), event.data);
      input_.drop_front(event.consumed);
      unconsumed_ += part.size();
      stream_->on_response_data(std::move(part));
      return true;
    }
    case BodyEvent::Kind::kEnd:
      response_half_ = ResponseHalf::kEnded;
      stream_->on_response_end(trailers);
      if (state_ == State::kExchange) input_.drop_front(event.consumed);
      return false;
    case BodyEvent::Kind::kError:
      fail(StreamEnd::kBadMessage, 0, event.problem);
      return false;
  }
  return false;
}

void ClientConnection::process_end_of_input() {
  if (state_ != State::kExchange) return;
  if (response_half_ == ResponseHalf::kBody && body_.end_of_input()) {
    response_half_ = ResponseHalf::kEnded;
    keep_alive_ = false;
    thread_local Fields none;
    none.count = 0;
    stream_->on_response_end(none);
    maybe_complete();
    return;
  }
  fail(StreamEnd::kPeerClosed, 0);
}

// --- ClientStream ---

void ClientConnection::send_head(const RequestOut& head) {
  GILIRAN_ASSERT(request_half_ == RequestHalf::kNotStarted);
  request_half_ = RequestHalf::kSending;
  method_ = head.method == "HEAD"      ? Method::kHead
            : head.method == "CONNECT" ? Method::kConnect
                                       : Method::kOther;
  Framed framing;
  body_out_ = BodyOut::kPlain;
  switch (head.body.kind) {
    case BodyLength::Kind::kNone:
      body_out_ = BodyOut::kNone;
      break;
    case BodyLength::Kind::kKnown:
      framing = {.name = "Content-Length", .value = {}, .number = head.body.bytes};
      break;
    case BodyLength::Kind::kUnknown:
      framing = {.name = "Transfer-Encoding", .value = "chunked"};
      body_out_ = BodyOut::kChunkedFirst;
      break;
  }
  push(request_head(io_.buffers(), head, framing), false);
}

void ClientConnection::send_data(base::Slice data) {
  GILIRAN_ASSERT(request_half_ == RequestHalf::kSending);
  if (body_out_ == BodyOut::kNone || data.empty()) return;
  if (body_out_ != BodyOut::kPlain) {
    push(chunk_prefix(io_.buffers(), data.size(), body_out_ == BodyOut::kChunkedFirst), false);
    body_out_ = BodyOut::kChunked;
  }
  push(std::move(data), true);
}

void ClientConnection::send_end(std::span<const Field> trailers) {
  GILIRAN_ASSERT(request_half_ == RequestHalf::kSending);
  if (body_out_ == BodyOut::kChunkedFirst || body_out_ == BodyOut::kChunked) {
    push(chunk_end(io_.buffers(), trailers, body_out_ == BodyOut::kChunkedFirst), false);
  }
  request_half_ = RequestHalf::kQueued;
  note_request_sent();
  // All of it may have been taken before: from here on it is the server's turn.
  if (state_ == State::kExchange && out_.empty()) refresh_deadline();
}

void ClientConnection::note_request_sent() {
  if (request_half_ != RequestHalf::kQueued || !out_.empty()) return;
  request_half_ = RequestHalf::kSent;
  facts_.request_sent = io_.now();
}

void ClientConnection::consume(uint32_t bytes) {
  GILIRAN_ASSERT(bytes <= unconsumed_);
  unconsumed_ -= bytes;
  if (processing_) return;
  receive_more();
  if (state_ == State::kExchange) refresh_deadline();
}

void ClientConnection::abort() {
  stream_ = nullptr;
  if (state_ == State::kClosing) return;
  close_now(net::CloseMode::kReset);
}

// --- writing ---

void ClientConnection::push(base::Slice slice, bool body) {
  if (state_ == State::kClosing) return;
  const bool was_empty = out_.empty();
  // Before the connection is up everything waits in the queue.
  out_.push(io_, state_ == State::kConnecting ? net::SocketId{} : socket_, std::move(slice), body);
  if (was_empty && state_ == State::kExchange) {
    refresh_deadline();
    receive_more();
  }
}

void ClientConnection::flush() {
  out_.flush(io_, socket_);
}

void ClientConnection::on_sent(net::SocketId, size_t bytes, int error) {
  const OutQueue::Sent sent = out_.sent(bytes);
  facts_.bytes_out += sent.wire_bytes;
  if (error != 0) {
    // The response may have come before the server stopped reading: what was received says more
    // than the failed send, so that the receive decides.
    out_.clear();
    keep_alive_ = false;
    if (!io_.receiving(socket_)) fail(StreamEnd::kPeerReset, error);
    return;
  }
  flush();
  note_request_sent();
  if (sent.body_bytes != 0 && stream_ != nullptr) stream_->on_request_sent(sent.body_bytes);
  if (state_ != State::kExchange) return;
  refresh_deadline();
  maybe_complete();
}

void ClientConnection::maybe_complete() {
  if (state_ != State::kExchange || response_half_ != ResponseHalf::kEnded) return;
  ClientStreamEvents* stream = stream_;
  // An answer that came before the request was over ends the exchange, and the connection with it.
  const bool reusable = keep_alive_ && request_half_ == RequestHalf::kSent && input_.empty();
  stream_ = nullptr;
  if (reusable) {
    enter(State::kIdle);
    parser_.reset();
    refresh_deadline();
  } else {
    close_now(net::CloseMode::kGraceful);
    owner_.on_unusable(*this);
  }
  if (stream != nullptr) stream->on_closed({.end = StreamEnd::kComplete});
  if (state_ == State::kIdle && stream_ == nullptr) owner_.on_idle(*this);
}

// --- ending ---

void ClientConnection::fail(StreamEnd end, int error, Problem problem) {
  ClientStreamEvents* stream = stream_;
  stream_ = nullptr;
  StreamClosed closed{.end = end, .problem = problem, .error = error};
  const bool connecting = state_ == State::kConnecting;
  const bool gave_up = end == StreamEnd::kPeerClosed || end == StreamEnd::kPeerReset;
  if (connecting || (gave_up && facts_.bytes_out == 0 && facts_.bytes_in == 0 && input_.empty() &&
                     !io_.sending(socket_))) {
    closed.retry = base::Retry::kAlways;
  } else if (gave_up && facts_.reused && facts_.bytes_in == 0 && input_.empty()) {
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
