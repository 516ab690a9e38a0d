#include "conn/server_connection.h"

#include <cerrno>

#include "base/assert.h"
#include "conn/head_out.h"
#include "wire/http1/writer.h"

namespace giliran::conn {
namespace {

using wire::http1::BodyEvent;
using wire::http1::Framing;
using wire::http1::Parse;
using wire::http1::Problem;

// How long the answer to a request that was not read to its end is protected from being lost to a
// reset (RFC 9112, 9.6).
constexpr base::Duration kLinger = std::chrono::seconds(2);

RequestHead& scratch_head() {
  thread_local RequestHead head;  // 5 KiB; used during one call only
  return head;
}

}  // namespace

OwnAnswer ServerHandler::own_answer(const ServerConnection&, const StreamClosed&, uint16_t) {
  return {};
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
  refresh_deadline();
  receive_more();
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
      GILIRAN_ASSERT(state_ == State::kHead || state_ == State::kExchange);
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

void ServerConnection::set_deadline(base::Duration after) {
  deadline_ = io_.turn_started() + after;
  if (!timer_.armed() || timer_.deadline() > deadline_) io_.timers().arm(timer_, deadline_);
}

void ServerConnection::refresh_deadline() {
  switch (state_) {
    case State::kIdle:
      set_deadline(options_.idle_timeout);
      break;
    case State::kHead:
      set_deadline(options_.head_timeout);
      break;
    case State::kExchange:
      if (!out_.empty()) {
        set_deadline(options_.write_timeout);
      } else if (io_.receiving(socket_)) {
        set_deadline(options_.body_timeout);
      } else {
        deadline_ = base::kNoDeadline;
      }
      break;
    case State::kTunnel:
      set_deadline(options_.tunnel_idle_timeout);
      break;
    case State::kLingering:
      set_deadline(kLinger);
      break;
    case State::kClosing:
      deadline_ = base::kNoDeadline;
      break;
  }
}

void ServerConnection::on_deadline() {
  if (state_ == State::kExchange && response_half_ == ResponseHalf::kEnded && out_.empty()) {
    maybe_complete();
    return;
  }
  if (deadline_ == base::kNoDeadline) return;
  if (deadline_ > io_.turn_started()) {
    io_.timers().arm(timer_, deadline_);
    return;
  }
  switch (state_) {
    case State::kIdle:
    case State::kLingering:
      close_now(net::CloseMode::kGraceful);
      break;
    case State::kHead:
      refuse({.end = StreamEnd::kHeadTimeout}, 408);
      break;
    case State::kExchange: {
      if (!out_.empty()) {
        const size_t progress = facts_.bytes_out + io_.sent_so_far(socket_);
        if (progress != progress_seen_) {
          progress_seen_ = progress;
          set_deadline(options_.write_timeout);
          break;
        }
        end_stream({.end = StreamEnd::kWriteTimeout});
        close_now(net::CloseMode::kReset);
      } else {
        fail_exchange({.end = StreamEnd::kBodyTimeout}, 408);
      }
      break;
    }
    case State::kTunnel:
    case State::kClosing:
      break;
  }
}

// --- reading ---

void ServerConnection::receive_more() {
  if (state_ == State::kClosing || io_.receiving(socket_)) return;
  if (state_ == State::kExchange &&
      (request_half_ == RequestHalf::kEnded || unconsumed_ >= options_.window_bytes)) {
    return;
  }
  io_.receive(socket_);
}

void ServerConnection::on_received(net::SocketId, net::Received received) {
  if (received.kind == net::Received::Kind::kData) {
    input_.add(io_.buffers(), std::move(received.data));
    process();
    if (state_ == State::kExchange) refresh_deadline();
    return;
  }
  const bool reset = received.kind == net::Received::Kind::kError;
  const StreamClosed why{.end = reset ? StreamEnd::kPeerReset : StreamEnd::kPeerClosed,
                         .error = received.error};
  switch (state_) {
    case State::kHead:
      refuse(why, 0);
      break;
    case State::kExchange:
      end_stream(why);
      break;
    case State::kTunnel:
    case State::kIdle:
    case State::kLingering:
    case State::kClosing:
      break;
  }
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
      case State::kLingering:
      case State::kClosing:
        input_.reset();
        progress = false;
        break;
    }
  }
  processing_ = false;
  receive_more();
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
  progress_seen_ = 0;
  unconsumed_ = 0;
  request_half_ = RequestHalf::kReading;
  response_half_ = ResponseHalf::kWaiting;
  body_out_ = BodyOut::kNone;
  head_request_ = head.method == "HEAD";
  peer_is_http10_ = head.version == wire::http1::Version::k10;
  peer_goes_on_ = head.keep_alive;
  keep_alive_ = head.keep_alive && !draining_;
  body_.start(head.framing, head.content_length);
  const base::Slice bytes = input_.slice().share(0, head_bytes);
  input_.drop_front(head_bytes);
  ServerStreamEvents& events = handler_.on_request(*this, *this, head, bytes);
  if (state_ == State::kExchange) stream_ = &events;
}

bool ServerConnection::process_body() {
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
      stream_->on_request_data(std::move(part));
      return true;
    }
    case BodyEvent::Kind::kEnd:
      request_half_ = RequestHalf::kEnded;
      stream_->on_request_end(trailers);
      if (state_ != State::kClosing) input_.drop_front(event.consumed);
      return false;
    case BodyEvent::Kind::kError:
      fail_exchange({.end = StreamEnd::kBadMessage, .problem = event.problem},
                    wire::http1::status_for(event.problem));
      return false;
  }
  return false;
}

// --- answers of the connection's own ---

void ServerConnection::refuse(StreamClosed why, uint16_t status) {
  facts_.bytes_in = input_.view().size();
  facts_.bytes_out = 0;
  ++facts_.sequence;
  why.answered = status;
  head_request_ = false;
  if (status != 0) queue_answer(why);
  handler_.on_refused(*this, facts_, why, status, input_.view());
  if (state_ == State::kClosing) return;
  if (status != 0) {
    start_lingering();
  } else {
    close_now(net::CloseMode::kGraceful);
  }
}

void ServerConnection::fail_exchange(StreamClosed why, uint16_t status) {
  const bool can_answer = response_half_ == ResponseHalf::kWaiting;
  why.answered = can_answer ? status : uint16_t{0};
  if (can_answer) queue_answer(why);
  end_stream(why);
  if (state_ == State::kClosing) return;
  if (can_answer) {
    start_lingering();
  } else {
    close_now(net::CloseMode::kReset);
  }
}

void ServerConnection::queue_answer(const StreamClosed& why) {
  const uint16_t status = why.answered;
  const std::string_view text =
      why.problem == Problem::kNone ? name(why.end) : wire::http1::problem_name(why.problem);
  base::Buffer body = io_.buffers().take(256);
  body.append(wire::http1::reason_phrase(status));
  body.append(": ");
  body.append(text);
  body.append("\n");
  const Field type{.name = "Content-Type", .value = "text/plain"};
  const ResponseOut head{.status = status, .reason = {}, .fields = {&type, 1}, .body = {}};
  push(response_head(io_.buffers(), head,
                     {.name = "Content-Length", .value = {}, .number = body.size()}, "close"),
       false);
  if (!head_request_) push(body.take(), false);
  facts_.bytes_out += out_.bytes();
}

// --- ServerStream ---

void ServerConnection::send_interim(uint16_t status, std::span<const Field> fields) {
  GILIRAN_ASSERT(response_half_ == ResponseHalf::kWaiting);
  if (peer_is_http10_) return;
  push(response_head(io_.buffers(), {.status = status, .reason = {}, .fields = fields, .body = {}},
                     {}, {}),
       false);
}

void ServerConnection::send_head(const ResponseOut& head) {
  GILIRAN_ASSERT(response_half_ == ResponseHalf::kWaiting);
  response_half_ = ResponseHalf::kHeadSent;
  const bool bodiless = head.status == 204 || head.status == 304;
  Framed framing;
  body_out_ = BodyOut::kPlain;
  switch (head.body.kind) {
    case BodyLength::Kind::kNone:
      if (!bodiless) framing = {.name = "Content-Length", .value = "0"};
      break;
    case BodyLength::Kind::kKnown:
      if (head.status != 204) {
        framing = {.name = "Content-Length", .value = {}, .number = head.body.bytes};
      }
      break;
    case BodyLength::Kind::kUnknown:
      if (peer_is_http10_) {
        keep_alive_ = keep_alive_ && (head_request_ || bodiless);
      } else if (!bodiless) {
        framing = {.name = "Transfer-Encoding", .value = "chunked"};
        body_out_ = BodyOut::kChunkedFirst;
      }
      break;
  }
  if (head_request_ || bodiless) body_out_ = BodyOut::kNone;
  keep_alive_ = keep_alive_ && !head.close && !draining_;
  const std::string_view connection = !keep_alive_ ? "close" : peer_is_http10_ ? "keep-alive" : "";
  push(response_head(io_.buffers(), head, framing, connection), false);
}

void ServerConnection::send_data(base::Slice data) {
  GILIRAN_ASSERT(response_half_ == ResponseHalf::kHeadSent);
  if (body_out_ == BodyOut::kNone || data.empty()) return;
  if (body_out_ != BodyOut::kPlain) {
    push(chunk_prefix(io_.buffers(), data.size(), body_out_ == BodyOut::kChunkedFirst), false);
    body_out_ = BodyOut::kChunked;
  }
  push(std::move(data), true);
}

void ServerConnection::send_end(std::span<const Field> trailers) {
  GILIRAN_ASSERT(response_half_ == ResponseHalf::kHeadSent);
  response_half_ = ResponseHalf::kEnded;
  if (body_out_ == BodyOut::kChunkedFirst || body_out_ == BodyOut::kChunked) {
    push(chunk_end(io_.buffers(), trailers, body_out_ == BodyOut::kChunkedFirst), false);
  }
  // Everything may be with the kernel already (the end came after the last on_sent): the stream
  // ends on a timer's event then, never inside this call.
  if (out_.empty()) io_.timers().arm(timer_, io_.turn_started());
}

void ServerConnection::consume(uint32_t bytes) {
  GILIRAN_ASSERT(bytes <= unconsumed_);
  unconsumed_ -= bytes;
  if (!processing_) receive_more();
  if (state_ == State::kExchange && out_.empty()) refresh_deadline();
}

void ServerConnection::abort() {
  stream_ = nullptr;
  if (state_ != State::kClosing) close_now(net::CloseMode::kReset);
}

// --- writing ---

void ServerConnection::push(base::Slice slice, bool body) {
  if (state_ == State::kClosing) return;
  const bool was_empty = out_.empty();
  out_.push(io_, socket_, std::move(slice), body);
  if (was_empty && state_ == State::kExchange) refresh_deadline();
}

void ServerConnection::on_sent(net::SocketId, size_t bytes, int error) {
  const OutQueue::Sent sent = out_.sent(bytes);
  facts_.bytes_out += sent.wire_bytes;
  if (error != 0) {
    if (state_ == State::kExchange) end_stream({.end = StreamEnd::kPeerReset, .error = error});
    if (state_ != State::kClosing) close_now(net::CloseMode::kReset);
    return;
  }
  out_.flush(io_, socket_);
  if (state_ == State::kLingering) {
    if (out_.empty()) io_.shutdown_send(socket_);
    return;
  }
  if (sent.body_bytes != 0 && stream_ != nullptr) stream_->on_response_sent(sent.body_bytes);
  if (state_ == State::kExchange) {
    maybe_complete();
    if (state_ == State::kExchange) refresh_deadline();
  }
}

void ServerConnection::maybe_complete() {
  if (response_half_ != ResponseHalf::kEnded || !out_.empty()) return;
  end_stream({.end = StreamEnd::kComplete});
  if (state_ != State::kExchange) return;
  if (request_half_ == RequestHalf::kReading) {
    start_lingering();
  } else if (keep_alive_ && !draining_) {
    next_request();
  } else if (input_.empty() && !peer_goes_on_) {
    close_now(net::CloseMode::kGraceful);
  } else {
    start_lingering();  // a request may be on its way: closing on it could lose the answer
  }
}

void ServerConnection::next_request() {
  enter(State::kIdle);
  parser_.reset();
  refresh_deadline();
  process();
}

void ServerConnection::end_stream(const StreamClosed& closed) {
  ServerStreamEvents* stream = stream_;
  stream_ = nullptr;
  if (stream != nullptr) stream->on_closed(closed);
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
  if (state_ == State::kExchange) end_stream({.end = StreamEnd::kPeerReset, .error = ECONNRESET});
  if (state_ == State::kHead) {
    refuse({.end = StreamEnd::kPeerReset, .error = ECONNRESET}, 0);
    return;
  }
  if (state_ != State::kClosing) close_now(net::CloseMode::kReset);
}

void ServerConnection::drain() {
  draining_ = true;
  if (state_ == State::kIdle) close_now(net::CloseMode::kGraceful);
}

void ServerConnection::shut() {
  if (state_ == State::kHead) {
    refuse({.end = StreamEnd::kShutdown}, 0);
    return;
  }
  if (state_ == State::kExchange) end_stream({.end = StreamEnd::kShutdown});
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
