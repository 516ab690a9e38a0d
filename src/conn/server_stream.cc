// What a ServerConnection says: the stream's calls, the answers of its own, and writing.
#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "conn/head_out.h"
#include "conn/server_connection.h"
#include "wire/http1/writer.h"

namespace giliran::conn {

namespace {

using wire::http1::Problem;

// What the body of an answer of the connection's own says, where the handler has nothing better.
base::Slice usual_text(base::BufferPool& pool, const StreamClosed& why) {
  const std::string_view text =
      why.problem == Problem::kNone ? name(why.end) : wire::http1::problem_name(why.problem);
  base::Buffer body = pool.take(256);
  body.append(wire::http1::reason_phrase(why.answered));
  body.append(": ");
  body.append(text);
  body.append("\n");
  return body.take();
}

}  // namespace

// --- answers of the connection's own ---

void ServerConnection::refuse(StreamClosed why, uint16_t status) {
  facts_.bytes_in = input_.view().size();
  facts_.bytes_out = 0;
  ++facts_.sequence;
  own_body_sent_ = 0;
  why.answered = status;
  head_request_ = false;
  const bool said = status != 0 && say_answer(why);
  if (!said) why.answered = 0;
  handler_.on_refused(*this, facts_, why, why.answered, input_.view());
  if (state_ == State::kClosing) return;
  if (said) {
    start_lingering();
  } else {
    close_now(net::CloseMode::kGraceful);
  }
}

void ServerConnection::fail_exchange(StreamClosed why, uint16_t status) {
  const bool can_answer = take_back();
  why.answered = can_answer ? status : uint16_t{0};
  const bool said = can_answer && say_answer(why);
  if (!said) why.answered = 0;
  end_stream(why);
  if (state_ == State::kClosing) return;
  if (said) {
    start_lingering();
  } else {
    close_now(can_answer ? net::CloseMode::kGraceful : net::CloseMode::kReset);
  }
}

bool ServerConnection::give_up_memory() {
  const StreamClosed why{.end = StreamEnd::kMemory};
  switch (state_) {
    case State::kHead:
      refuse(why, 503);
      return true;
    case State::kExchange:
      fail_exchange(why, 503);
      return true;
    case State::kTunnel:
      end_stream(why);
      break;
    case State::kIdle:
    case State::kLingering:
      break;
    case State::kClosing:
      return false;
  }
  if (state_ != State::kClosing) close_now(net::CloseMode::kReset);
  return true;
}

// Whether the kernel has taken of it. An answer of which it takes nothing, because the client does
// not read what came before, is not sent later either: its record is written now.
bool ServerConnection::say_answer(const StreamClosed& why) {
  count_sent();
  const uint64_t before = facts_.bytes_out + out_.bytes() - taken_counted_;
  const uint16_t status = why.answered;
  const OwnAnswer own = handler_.own_answer(*this, why, status);
  base::Slice body =
      own.body.empty() ? usual_text(io_.buffers(), why) : io_.buffers().copy(own.body);
  const Field fields[] = {{.name = "Content-Type", .value = own.content_type},
                          {.name = "Proxy-Status", .value = own.proxy_status}};
  const ResponseOut head{.status = status,
                         .reason = {},
                         .fields = std::span(fields).first(own.proxy_status.empty() ? 1 : 2),
                         .body = {}};
  push(response_head(io_.buffers(), head,
                     {.name = "Content-Length", .value = {}, .number = body.size()}, "close"),
       false);
  const uint32_t body_bytes = head_request_ ? 0U : body.size();
  if (!head_request_) push(std::move(body), false);
  // It is told of before its turn to be sent comes: what is told is what the kernel has.
  io_.send_now(socket_);
  count_sent();
  // The body is the last of what waits.
  const uint64_t waits = out_.bytes() - taken_counted_;
  own_body_sent_ = static_cast<uint32_t>(body_bytes - std::min<uint64_t>(body_bytes, waits));
  return facts_.bytes_out > before;
}

// --- ServerStream ---

void ServerConnection::send_interim(uint16_t status, std::span<const Field> fields) {
  GILIRAN_ASSERT(response_half_ == ResponseHalf::kWaiting);
  if (peer_is_http10_) return;
  // Until now the client may have waited for this to send its body.
  if (status == 100) read_clock_.restart(io_.turn_started());
  push(response_head(io_.buffers(), {.status = status, .reason = {}, .fields = fields, .body = {}},
                     {}, {}),
       false);
}

void ServerConnection::send_head(const ResponseOut& head) {
  GILIRAN_ASSERT(response_half_ == ResponseHalf::kWaiting);
  response_half_ = ResponseHalf::kHeadSent;
  interim_bytes_ = static_cast<uint32_t>(facts_.bytes_out - taken_counted_ + out_.bytes());
  if (head.tunnel) return begin_tunnel(head);
  const bool last = options_.requests_max != 0 && facts_.sequence >= options_.requests_max;
  keep_alive_ = peer_goes_on_ && !head.close && !draining_ && !last;
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
        body_out_ = BodyOut::kChunked;
      }
      break;
  }
  if (head_request_ || bodiless) body_out_ = BodyOut::kNone;
  const std::string_view connection = !keep_alive_      ? head.upgrade ? "close, upgrade" : "close"
                                      : peer_is_http10_ ? "keep-alive"
                                      : head.upgrade    ? "upgrade"
                                                        : "";
  push(response_head(io_.buffers(), head, framing, connection), false);
}

void ServerConnection::begin_tunnel(const ResponseOut& head) {
  GILIRAN_ASSERT(request_half_ == RequestHalf::kEnded && head.body.kind == BodyLength::Kind::kNone);
  enter(State::kTunnel);
  request_half_ = RequestHalf::kReading;
  body_out_ = BodyOut::kPlain;
  keep_alive_ = false;
  send_error_ = 0;
  push(response_head(io_.buffers(), head, {}, head.status == 101 ? "upgrade" : ""), false);
  refresh_deadline();
  if (processing_) return;
  if (input_.empty()) {
    receive_more();
  } else {
    io_.timers().arm(timer_, io_.turn_started());  // those bytes come by an event of their own
  }
}

void ServerConnection::send_data(base::Slice data) {
  GILIRAN_ASSERT(response_half_ == ResponseHalf::kHeadSent);
  if (body_out_ == BodyOut::kNone || data.empty()) return;
  push(std::move(data), true);
}

void ServerConnection::send_end(std::span<const Field> trailers) {
  GILIRAN_ASSERT(response_half_ == ResponseHalf::kHeadSent);
  response_half_ = ResponseHalf::kEnded;
  if (body_out_ == BodyOut::kChunked) push_last_chunk(trailers);
  // Everything may be with the kernel already (the end came after the last on_sent): the stream
  // ends on a timer's event then, never inside this call.
  if (!out_.empty()) return;
  if (state_ == State::kTunnel) io_.shutdown_send(socket_);
  io_.timers().arm(timer_, io_.turn_started());
}

bool ServerConnection::answer_sent() const {
  return response_half_ != ResponseHalf::kWaiting && facts().bytes_out > interim_bytes_;
}

// What is said in one turn of the loop leaves at its end, and a received segment is parsed in one
// turn: a head whose body turns out to be broken is still here. A 1xx that waits goes with it.
bool ServerConnection::take_back() {
  if (response_half_ == ResponseHalf::kWaiting) return true;
  if (state_ != State::kExchange || answer_sent() || !out_.take_back(io_, socket_)) return false;
  response_half_ = ResponseHalf::kWaiting;
  body_out_ = BodyOut::kNone;
  refresh_deadline();  // nothing is left that the peer could take too slowly
  return true;
}

void ServerConnection::consume(uint32_t bytes) {
  GILIRAN_ASSERT(bytes <= unconsumed_);
  unconsumed_ -= bytes;
  if (!processing_) receive_more();
  if (state_ == State::kExchange) refresh_deadline();
}

void ServerConnection::abort() {
  stream_ = nullptr;
  if (state_ != State::kClosing) close_now(net::CloseMode::kReset);
}

// --- writing ---

bool ServerConnection::says_nothing_more() const {
  return state_ == State::kClosing || (state_ == State::kTunnel && send_error_ != 0);
}

void ServerConnection::push_last_chunk(std::span<const Field> trailers) {
  if (says_nothing_more()) return;
  const bool was_empty = out_.empty();
  out_.push_last_chunk(io_, socket_, chunk_end(io_.buffers(), trailers));
  if (was_empty) begin_writing();
}

void ServerConnection::push(base::Slice slice, bool body) {
  if (says_nothing_more()) return;
  const bool was_empty = out_.empty();
  if (body && body_out_ == BodyOut::kChunked) {
    out_.push_chunk(io_, socket_, std::move(slice));
  } else {
    out_.push(io_, socket_, std::move(slice), body);
  }
  if (was_empty) begin_writing();
}

void ServerConnection::begin_writing() {
  wrote_ = io_.turn_started();
  if (state_ == State::kExchange) refresh_deadline();
}

void ServerConnection::count_sent() const {
  const size_t taken = io_.sent_so_far(socket_);
  if (taken <= taken_counted_) return;
  facts_.bytes_out += taken - taken_counted_;
  taken_counted_ = taken;
}

void ServerConnection::on_sent(net::SocketId, size_t bytes, int error) {
  const OutQueue::Sent sent = out_.sent(bytes);
  facts_.bytes_out += sent.wire_bytes - std::exchange(taken_counted_, 0);
  wrote_ = io_.turn_started();
  if (error != 0) {
    send_failed(error);
    return;
  }
  out_.flush(io_, socket_);
  if (state_ == State::kLingering) {
    if (out_.empty()) io_.shutdown_send(socket_);
    return;
  }
  if (sent.body_bytes != 0 && stream_ != nullptr) stream_->on_response_sent(sent.body_bytes);
  if (state_ == State::kExchange) maybe_complete();
  if (state_ == State::kTunnel) {
    refresh_deadline();
    maybe_end_tunnel();
  } else if (state_ == State::kExchange) {
    refresh_deadline();
  }
}

void ServerConnection::send_failed(int error) {
  if (state_ == State::kTunnel && io_.receiving(socket_)) {
    // The client may have said something before it stopped reading.
    send_error_ = error;
    out_.clear();
    return;
  }
  end_stream({.end = StreamEnd::kPeerReset, .error = error});
  if (state_ != State::kClosing) close_now(net::CloseMode::kReset);
}

// Our half ends when all is with the kernel, the tunnel when both have.
void ServerConnection::maybe_end_tunnel() {
  if (response_half_ != ResponseHalf::kEnded || !out_.empty()) return;
  io_.shutdown_send(socket_);
  if (request_half_ != RequestHalf::kEnded) return;
  end_stream({.end = StreamEnd::kComplete});
  if (state_ == State::kTunnel) close_now(net::CloseMode::kGraceful);
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

}  // namespace giliran::conn
