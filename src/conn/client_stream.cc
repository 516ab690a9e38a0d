// What a ClientConnection says: the stream's calls, and writing.
#include <utility>

#include "base/assert.h"
#include "conn/client_connection.h"
#include "conn/head_out.h"

namespace giliran::conn {

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
      body_out_ = BodyOut::kChunked;
      break;
  }
  const bool connect = method_ == Method::kConnect;
  asks_tunnel_ = head.upgrade || connect;
  if (connect) {
    GILIRAN_ASSERT(head.body.kind != BodyLength::Kind::kUnknown && head.body.bytes == 0);
    framing = {};
  }
  const std::string_view connection = head.upgrade && !connect ? "upgrade" : "";
  push(request_head(io_.buffers(), head, framing, connection), false);
}

void ClientConnection::send_data(base::Slice data) {
  GILIRAN_ASSERT(request_half_ == RequestHalf::kSending);
  if (body_out_ == BodyOut::kNone || data.empty()) return;
  push(std::move(data), true);
}

void ClientConnection::send_end(std::span<const Field> trailers) {
  GILIRAN_ASSERT(request_half_ == RequestHalf::kSending);
  if (state_ == State::kTunnel) {
    request_half_ = RequestHalf::kSent;
    if (out_.empty()) io_.timers().arm(timer_, io_.turn_started());
    return;
  }
  if (body_out_ == BodyOut::kChunked) push_last_chunk(trailers);
  request_half_ = RequestHalf::kQueued;
  note_request_sent();
  // All of it may have been taken before: from here on it is the server's turn.
  if (state_ == State::kExchange && out_.empty()) refresh_deadline();
}

void ClientConnection::note_request_sent() {
  if (request_half_ != RequestHalf::kQueued || !out_.empty()) return;
  request_half_ = RequestHalf::kSent;
  facts_.request_sent = io_.now();
  if (switch_waits_) io_.timers().arm(timer_, io_.turn_started());  // never inside this call
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

bool ClientConnection::says_nothing_more() const {
  return state_ == State::kClosing || (state_ == State::kTunnel && send_error_ != 0);
}

// Before the connection is up everything waits in the queue.
net::SocketId ClientConnection::sends_to() const {
  return state_ == State::kConnecting ? net::SocketId{} : socket_;
}

void ClientConnection::push_last_chunk(std::span<const Field> trailers) {
  if (says_nothing_more()) return;
  const bool was_empty = out_.empty();
  out_.push_last_chunk(io_, sends_to(), chunk_end(io_.buffers(), trailers));
  if (was_empty) begin_writing();
}

void ClientConnection::push(base::Slice slice, bool body) {
  if (says_nothing_more()) return;
  const bool was_empty = out_.empty();
  if (body && body_out_ == BodyOut::kChunked) {
    out_.push_chunk(io_, sends_to(), std::move(slice));
  } else {
    out_.push(io_, sends_to(), std::move(slice), body);
  }
  if (was_empty) begin_writing();
}

void ClientConnection::begin_writing() {
  wrote_ = io_.turn_started();
  if (state_ != State::kExchange) return;
  refresh_deadline();
  receive_more();
}

void ClientConnection::count_sent() const {
  const size_t taken = io_.sent_so_far(socket_);
  if (taken <= taken_counted_) return;
  facts_.bytes_out += taken - taken_counted_;
  taken_counted_ = taken;
}

void ClientConnection::flush() {
  out_.flush(io_, socket_);
}

void ClientConnection::on_sent(net::SocketId, size_t bytes, int error) {
  const OutQueue::Sent sent = out_.sent(bytes);
  facts_.bytes_out += sent.wire_bytes - std::exchange(taken_counted_, 0);
  wrote_ = io_.turn_started();
  if (error != 0) {
    // The response may have come before the server stopped reading: what was received says more
    // than the failed send, so that the receive decides.
    out_.clear();
    keep_alive_ = false;
    send_error_ = error;
    if (!io_.receiving(socket_)) fail(StreamEnd::kPeerReset, error);
    return;
  }
  flush();
  note_request_sent();
  if (sent.body_bytes != 0 && stream_ != nullptr) stream_->on_request_sent(sent.body_bytes);
  if (state_ == State::kTunnel) {
    refresh_deadline();
    maybe_end_tunnel();
  }
  if (state_ != State::kExchange) return;
  refresh_deadline();
  maybe_complete();
}

// Our half ends when all is with the kernel, the tunnel when both have.
void ClientConnection::maybe_end_tunnel() {
  if (request_half_ != RequestHalf::kSent || !out_.empty()) return;
  io_.shutdown_send(socket_);
  if (response_half_ == ResponseHalf::kEnded) complete();
}

void ClientConnection::maybe_complete() {
  if (state_ != State::kExchange || response_half_ != ResponseHalf::kEnded) return;
  // An answer that came before the request was over ends the exchange, and the connection with it.
  if (!keep_alive_ || request_half_ != RequestHalf::kSent || !input_.empty()) {
    complete();
    return;
  }
  ClientStreamEvents* stream = std::exchange(stream_, nullptr);
  enter(State::kIdle);
  parser_.reset();
  refresh_deadline();
  if (stream != nullptr) stream->on_closed({.end = StreamEnd::kComplete});
  if (state_ == State::kIdle && stream_ == nullptr) owner_.on_idle(*this);
}

// Ends the stream, and the connection with it.
void ClientConnection::complete() {
  ClientStreamEvents* stream = std::exchange(stream_, nullptr);
  close_now(net::CloseMode::kGraceful);
  owner_.on_unusable(*this);
  if (stream != nullptr) stream->on_closed({.end = StreamEnd::kComplete});
}

}  // namespace giliran::conn
