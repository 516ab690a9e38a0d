// One HTTP/1 connection to a server: connects, carries one stream at a time, stays open between
// them. Carries a tunnel where its last stream became one.
//
// What a failed stream says about sending its request again (StreamClosed::retry); no request is
// executed twice by who follows it:
//   kAlways    Not a byte of this stream was handed to the kernel: the connection could not be made
//              (refused, timed out, failed, shut meanwhile), or was ended by the server (closed or
//              reset) before the first byte was taken. A preamble counts as bytes.
//   kIfReused  The server ended a connection that had carried a stream before, bytes of the request
//              were taken by the kernel, and no byte of a response (not of a 1xx either) has come:
//              most likely the server gave the idle connection up at that moment, but it may have
//              executed the request. For idempotent requests only.
//   kNever     All else: a fresh connection that ended after bytes were taken, a response that
//              began, time-outs behind the connect, bad messages, shut() behind the connect.
#pragma once

#include <cstdint>
#include <string>

#include "base/address.h"
#include "base/buffer.h"
#include "conn/input.h"
#include "conn/out_queue.h"
#include "conn/read_clock.h"
#include "conn/stream.h"
#include "net/io.h"
#include "wire/http1/parser.h"

namespace giliran::conn {

struct ClientOptions {
  // Of a response head; all the 1xx heads before it are bounded by head_bytes_max together, too:
  // they are passed on without credit.
  wire::http1::HeadLimits limits{.head_bytes_max = 65536 - 1024};
  base::Duration connect_timeout = std::chrono::seconds(5);
  base::Duration response_timeout = std::chrono::seconds(60);  // request sent -> response head
  base::Duration body_timeout = std::chrono::seconds(60);      // no byte of a response body
  base::Duration write_timeout = std::chrono::seconds(30);  // the peer takes no byte of the request
  base::Duration tunnel_idle_timeout =
      std::chrono::hours(1);      // no byte moves in a tunnel, in either direction
  uint32_t window_bytes = 65536;  // response body delivered and not consumed before reading pauses
  base::Address source;           // local address to connect from; none: the kernel's choice
  net::TcpOptions tcp = {};
};

class ClientConnection;

class ClientConnectionOwner {
 public:
  // The stream is over and the connection may carry another one. Comes after the stream's
  // on_closed.
  virtual void on_idle(ClientConnection& connection) = 0;
  // The connection is gone (its socket is recycled); the last event: destroy or recycle it. Comes
  // after the stream's on_closed, if one was under way. An idle connection the peer closed comes
  // here too.
  virtual void on_connection_closed(ClientConnection& connection) = 0;
  // The connection will not carry another stream (it is closing): drop it from any idle list now.
  virtual void on_unusable(ClientConnection& connection) = 0;

 protected:
  ~ClientConnectionOwner() = default;
};

class ClientConnection final : private net::SocketEvents, private ClientStream {
 public:
  // Starts to connect. options and owner are borrowed.
  ClientConnection(net::Io& io, const base::Address& to, uint64_t number,
                   const ClientOptions& options, ClientConnectionOwner& owner);
  ~ClientConnection();

  // Bytes to send in front of everything else (a PROXY header); copied, at most 64 KiB. Before the
  // first start().
  void send_preamble(std::string_view bytes);
  // Leases the connection to a stream: while connecting, or when idle. One stream at a time.
  ClientStream& start(ClientStreamEvents& events);
  bool usable() const { return state_ == State::kIdle || state_ == State::kConnecting; }
  bool idle() const { return state_ == State::kIdle; }

  const base::Address& to() const { return to_; }
  base::Address local() const { return local_; }  // none before it is connected
  uint64_t number() const { return facts_.connection; }
  base::Duration connect_took() const { return connect_took_; }
  base::Instant idle_since() const { return idle_since_; }
  uint64_t held() const { return input_.held() + out_.held(); }  // memory it keeps
  // Closes; a stream under way gets on_closed(kShutdown). on_connection_closed follows.
  void shut();

  void* user = nullptr;  // the owner's

 private:
  enum class State : uint8_t {
    kConnecting,
    kIdle,      // no stream; a receive is outstanding, so that the peer's close is seen
    kExchange,  // a stream is under way
    kTunnel,    // the stream carries raw bytes, both ways
    kClosing    // socket closed, waiting for on_closed
  };
  enum class RequestHalf : uint8_t { kNotStarted, kSending, kQueued, kSent };
  enum class ResponseHalf : uint8_t { kHead, kBody, kEnded };

  void enter(State to);
  void refresh_deadline();
  void set_deadline_at(base::Instant deadline);
  base::Instant exchange_deadline() const;
  bool put_off();
  void on_deadline();
  void receive_more();
  void process();
  bool process_head();
  bool process_body();
  bool process_tunnel();
  bool opens_tunnel(uint16_t status) const;
  void begin_tunnel();
  void process_end_of_input();
  bool says_nothing_more() const;
  net::SocketId sends_to() const;
  void push(base::Slice slice, bool body);
  void push_last_chunk(std::span<const Field> trailers);
  void begin_writing();
  void flush();
  void maybe_complete();
  void complete();
  void maybe_end_tunnel();
  void count_sent() const;
  void fail(StreamEnd end, int error, wire::http1::Problem problem = {});
  void close_now(net::CloseMode mode);
  void note_request_sent();

  // net::SocketEvents
  void on_connected(net::SocketId socket, int error) override;
  void on_received(net::SocketId socket, net::Received received) override;
  void on_sent(net::SocketId socket, size_t bytes, int error) override;
  void on_closed(net::SocketId socket) override;
  // ClientStream
  void send_head(const RequestOut& head) override;
  void send_data(base::Slice data) override;
  void send_end(std::span<const Field> trailers) override;
  void consume(uint32_t bytes) override;
  void abort() override;
  const StreamFacts& facts() const override {
    count_sent();
    return facts_;
  }

  net::Io& io_;
  net::SocketId socket_;
  const ClientOptions& options_;
  ClientConnectionOwner& owner_;
  ClientStreamEvents* stream_ = nullptr;
  base::Address to_;
  base::Address local_;
  Input input_;
  wire::http1::ResponseParser parser_;
  wire::http1::BodyParser body_;
  OutQueue out_;
  mutable StreamFacts facts_;
  mutable size_t taken_counted_ = 0;  // bytes of the outstanding send that are in bytes_out already
  base::Duration connect_took_{};
  base::Instant connect_began_{};
  base::Instant idle_since_{};
  base::Instant deadline_ = base::kNoDeadline;
  base::Instant wrote_{};  // the last progress in writing that was noticed
  ReadClock read_clock_;
  net::MemberTimer<ClientConnection, &ClientConnection::on_deadline> timer_{*this};
  uint32_t unconsumed_ = 0;
  uint32_t interim_bytes_ = 0;  // of 1xx heads of this stream
  int send_error_ = 0;          // what is left to receive decides about the end
  State state_ = State::kConnecting;
  RequestHalf request_half_ = RequestHalf::kNotStarted;
  ResponseHalf response_half_ = ResponseHalf::kEnded;
  BodyOut body_out_ = BodyOut::kNone;
  bool asks_tunnel_ = false;
  bool switch_waits_ = false;  // a 101 came before the request was sent: not read, and no more
  enum class Method : uint8_t { kOther, kHead, kConnect } method_ = Method::kOther;
  bool keep_alive_ = true;
  bool processing_ = false;
};

}  // namespace giliran::conn
