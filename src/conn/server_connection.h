// One HTTP/1 connection of a client: reads requests one after the other and hands each, as a
// stream, to the handler of the listener. Owns its socket; pipelined requests wait, unread, for
// their turn. Carries a tunnel where its last stream became one.
#pragma once

#include <cstdint>

#include "base/address.h"
#include "base/buffer.h"
#include "conn/input.h"
#include "conn/out_queue.h"
#include "conn/read_clock.h"
#include "conn/stream.h"
#include "net/io.h"
#include "wire/http1/parser.h"

namespace giliran::conn {

struct ServerOptions {
  wire::http1::HeadLimits limits;
  base::Duration head_timeout =
      std::chrono::seconds(10);  // first byte of a request -> head complete
  base::Duration idle_timeout =
      std::chrono::seconds(60);  // accept or end of exchange -> first byte
  base::Duration body_timeout = std::chrono::seconds(30);  // no byte of a request body
  base::Duration write_timeout =
      std::chrono::seconds(30);  // the peer takes no byte of the response
  base::Duration tunnel_idle_timeout =
      std::chrono::hours(1);      // no byte moves in a tunnel, in either direction
  uint32_t window_bytes = 65536;  // request body delivered and not consumed before reading pauses
  // The last request a connection may carry is answered with `Connection: close`. 0: no limit.
  uint32_t requests_max = 0;
  // Bytes per second of a request body that must have come, on average since its head (or since
  // the 100 Continue), once that is body_rate_grace ago; time in which we did not read is not
  // counted. 0: no limit.
  uint32_t body_rate_min = 0;
  base::Duration body_rate_grace = std::chrono::seconds(20);
};

class ServerConnection;

// What is known of a connection that was read from before (a PROXY header, conn/preamble.h).
struct Arrival {
  base::Slice early = {};     // bytes received already
  base::Address client = {};  // who really connected; none: the socket's peer
  base::Address local = {};   // where to; none: the socket's own address
};

// What an answer of the connection's own says beside its status. Views used before the handler is
// called again.
struct OwnAnswer {
  std::string_view content_type = "text/plain";
  std::string_view body = {};  // empty: a line that names the status and the reason; <= 64 KiB
  std::string_view proxy_status = {};  // value of a Proxy-Status field (RFC 9209); empty: no field
};

class ServerHandler {
 public:
  // A request head is complete. head's views live as long as `bytes` (share() it to keep them).
  // Returns who takes the stream's events. Called once per stream; the stream may be answered at
  // once.
  virtual ServerStreamEvents& on_request(ServerConnection& connection, ServerStream& stream,
                                         const RequestHead& head, const base::Slice& bytes) = 0;
  // What was read is not a request, or its head did not come in time: the connection answers
  // `status` by itself (0: it could not be sent) and closes. For the record; bytes is what was read
  // of the head (bounded by the limits).
  virtual void on_refused(ServerConnection& connection, const StreamFacts& facts,
                          const StreamClosed& why, uint16_t status, std::string_view bytes) = 0;
  // How to word an answer the connection gives by itself: the request was refused, or the exchange
  // failed before its head was answered. Comes before on_refused, or the stream's on_closed.
  virtual OwnAnswer own_answer(const ServerConnection& connection, const StreamClosed& why,
                               uint16_t status);
  // The client says no more: its end came behind a whole request, or while we do not read, and no
  // byte of the answer was said. True: it has given up, the stream ends (kPeerClosed). False: it
  // may be waiting with its half closed, the exchange goes on.
  virtual bool end_gives_up(const ServerConnection& connection);
  // The connection is gone; called from its last event. The handler destroys or recycles it.
  virtual void on_connection_closed(ServerConnection& connection) = 0;

 protected:
  ~ServerHandler() = default;
};

class ServerConnection final : private net::SocketEvents, private ServerStream {
 public:
  // Takes over the accepted socket. number: of this connection within the process.
  ServerConnection(net::Io& io, net::SocketId socket, const base::Address& peer, uint64_t number,
                   const ServerOptions& options, ServerHandler& handler, Arrival arrival = {});
  ~ServerConnection();

  const base::Address& peer() const { return peer_; }  // of the socket
  const base::Address& client() const { return client_.none() ? peer_ : client_; }
  const base::Address& local();  // where the client connected to; asked of the kernel once
  uint64_t number() const { return facts_.connection; }
  bool carried_any() const { return facts_.sequence != 0; }  // a request, good or refused
  // Body bytes the kernel has of the answer the connection gave by itself. From on_refused(), and
  // from on_closed() where StreamClosed::answered is set.
  uint32_t own_body_sent() const { return own_body_sent_; }
  bool idle() const { return state_ == State::kIdle; }
  void* user = nullptr;  // the handler's

  // Answers what is under way with `Connection: close`, then closes; an idle one closes now, one
  // that has carried nothing yet has a second for its first request. A tunnel is left alone: it
  // ends by itself, by its idle time-out or by shut().
  void drain();
  bool tunnel() const { return state_ == State::kTunnel; }
  // Cuts now: on_closed(kShutdown) to the stream under way, then on_connection_closed.
  void shut();
  // Ends what is under way for want of memory: answers 503 where nothing of an answer has gone out,
  // and closes; else cuts. Not inside an event of this connection's. False: it is closing already.
  bool give_up_memory();
  // Memory it keeps: blocks with what was received and what waits to be sent.
  uint64_t held() const { return input_.held() + out_.held(); }

 private:
  enum class State : uint8_t {
    kIdle,       // no byte of a request yet
    kHead,       // a part of a request head
    kExchange,   // a stream is under way
    kTunnel,     // the stream carries raw bytes, both ways
    kLingering,  // the last answer is out, our half is shut; reading until the peer closes
    kClosing     // socket closed, waiting for on_closed
  };
  enum class RequestHalf : uint8_t { kReading, kEnded };
  enum class ResponseHalf : uint8_t { kWaiting, kHeadSent, kEnded };

  void enter(State next);
  void refresh_deadline();
  void set_deadline_at(base::Instant deadline);
  base::Instant exchange_deadline() const;
  base::Instant body_deadline() const;
  void on_deadline();
  bool put_off();
  void exchange_overdue();
  void receive_more();
  void end_of_input(const StreamClosed& why);
  void see_end();
  void process();
  bool process_head();
  bool process_body();
  bool process_tunnel();
  void begin_stream(const RequestHead& head, uint32_t head_bytes);
  void refuse(StreamClosed why, uint16_t status);
  void fail_exchange(StreamClosed why, uint16_t status);
  bool say_answer(const StreamClosed& why);
  void end_stream(const StreamClosed& closed);
  void next_request();
  void begin_tunnel(const ResponseOut& head);
  void maybe_complete();
  void maybe_end_tunnel();
  void count_sent() const;
  void send_failed(int error);
  bool says_nothing_more() const;
  void push(base::Slice slice, bool body);
  void push_last_chunk(std::span<const Field> trailers);
  void begin_writing();
  void start_lingering();
  void close_now(net::CloseMode mode);

  // net::SocketEvents
  void on_received(net::SocketId socket, net::Received received) override;
  void on_sent(net::SocketId socket, size_t bytes, int error) override;
  void on_hangup(net::SocketId socket) override;
  void on_peer_ended(net::SocketId socket) override;
  void on_closed(net::SocketId socket) override;
  // ServerStream
  void send_interim(uint16_t status, std::span<const Field> fields) override;
  void send_head(const ResponseOut& head) override;
  void send_data(base::Slice data) override;
  void send_end(std::span<const Field> trailers) override;
  void consume(uint32_t bytes) override;
  void abort() override;
  const StreamFacts& facts() const override {
    count_sent();
    return facts_;
  }
  bool answer_sent() const override;
  bool take_back() override;

  net::Io& io_;
  net::SocketId socket_;
  const ServerOptions& options_;
  ServerHandler& handler_;
  ServerStreamEvents* stream_ = nullptr;
  base::Address peer_;
  base::Address client_;  // none: peer_
  base::Address local_;
  Input input_;  // bytes received and not parsed
  wire::http1::RequestParser parser_;
  wire::http1::BodyParser body_;
  OutQueue out_;
  mutable StreamFacts facts_;
  mutable size_t taken_counted_ = 0;  // bytes of the outstanding send that are in bytes_out already
  ReadClock read_clock_;
  base::Instant wrote_{};  // the last progress in writing that was noticed
  base::Instant deadline_ = base::kNoDeadline;
  net::MemberTimer<ServerConnection, &ServerConnection::on_deadline> timer_{*this};
  uint32_t unconsumed_ = 0;
  uint32_t interim_bytes_ = 0;  // said before the answer: bytes_out beyond it are the answer's
  int send_error_ = 0;          // of a tunnel: what is left to receive decides about its end
  uint32_t own_body_sent_ = 0;
  State state_ = State::kIdle;
  RequestHalf request_half_ = RequestHalf::kEnded;
  ResponseHalf response_half_ = ResponseHalf::kEnded;
  BodyOut body_out_ = BodyOut::kNone;
  bool head_request_ = false;  // of a HEAD: body bytes are dropped
  bool peer_is_http10_ = false;
  bool peer_goes_on_ = true;  // the peer may send another request
  bool keep_alive_ = true;    // as the head of the answer said
  bool draining_ = false;
  bool peer_ended_ = false;  // its end has come, perhaps behind bytes that were not received yet
  bool processing_ = false;  // inside process(): answers given inline do not recurse
};

}  // namespace giliran::conn
