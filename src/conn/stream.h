// A stream carries one exchange on a connection. The two sides of a stream as interfaces: what an
// exchange, a service or a simulated client sees, whatever the protocol below (HTTP/1 now).
//
// Events come on the loop thread, never from inside a call of the receiver's own. on_closed is the
// last event of a stream and comes exactly once, unless the receiver itself called abort().
// Backpressure is credit: data that was delivered counts against the sender's window until
// consume() gives it back.
//
// Tunnels (an upgrade, CONNECT). A request that asks for one (RequestOut::upgrade, or the method
// CONNECT) is sent as any other, to its send_end(); one for an upgrade may have a body.
//   - The answer is 101 (2xx to CONNECT): on_response_head() brings it once the request has been
//     sent (a server that is quicker is read then), and from then on the stream is a tunnel:
//     send_data() and on_response_data() carry raw bytes, a second send_end() half-closes,
//     on_response_end() is the server's half-close, both without trailers. A 101 that was not asked
//     for is a bad message.
//   - It is another: a response like any other.
// The server's side answers with ResponseOut::tunnel. The request message has had its end by then:
// on_request_end() comes for it as for every request, and a second time, in the tunnel, for the
// client's half-close. Bytes that came behind the request are kept unread until the answer: of a
// tunnel they are its first bytes, else the next request.
// A tunnel is complete when both halves have ended and all is with the kernel. Time-outs in a
// tunnel: tunnel_idle_timeout alone.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/buffer.h"
#include "base/error.h"
#include "base/time.h"
#include "wire/http1/head.h"
#include "wire/http1/parser.h"

namespace giliran::conn {

using wire::http1::Field;
using wire::http1::Fields;
using wire::http1::RequestHead;
using wire::http1::ResponseHead;

// How much body follows a head that is sent.
struct BodyLength {
  enum class Kind : uint8_t { kNone, kKnown, kUnknown };
  Kind kind = Kind::kNone;
  uint64_t bytes = 0;  // where kKnown
  static BodyLength none() { return {}; }
  static BodyLength known(uint64_t bytes) { return {Kind::kKnown, bytes}; }
  static BodyLength unknown() { return {Kind::kUnknown, 0}; }
};

// A head to send. fields excludes what frames the message or belongs to one hop: the connection
// adds Content-Length, Transfer-Encoding and Connection itself. Views are used during the call
// only.
struct RequestOut {
  std::string_view method;
  std::string_view target;
  std::span<const Field> fields;
  BodyLength body;
  // Asks for a tunnel, see above: fields has Upgrade (the connection adds `Connection: upgrade`),
  // or the method is CONNECT (always asks; nothing is added; body is none, or known and 0).
  bool upgrade = false;
};
struct ResponseOut {
  uint16_t status = 200;
  std::string_view reason;  // empty: the usual phrase
  std::span<const Field> fields;
  BodyLength body;       // the body sent; for HEAD and 304 what GET would have announced
  bool close = false;    // do not use the connection again
  bool upgrade = false;  // fields has Upgrade, an offer: Connection lists it. Not of a tunnel
  // Status 101 (the connection adds `Connection: upgrade`) or 2xx to CONNECT: a tunnel from the end
  // of this head on, see above. body is none. Only after on_request_end().
  bool tunnel = false;
};

enum class StreamEnd : uint8_t {
  kComplete,        // everything was delivered both ways
  kConnectRefused,  // client streams only: nothing was sent
  kConnectTimeout,
  kConnectFailed,
  kPeerClosed,  // the peer ended the connection before the message was complete
  kPeerReset,
  kHeadTimeout,   // server: the request head; client: the response head
  kBodyTimeout,   // a body stopped coming
  kWriteTimeout,  // the peer stopped reading
  kBodyTooSlow,   // server: a request body came slower than body_rate_min
  kTunnelIdle,    // nothing moved in a tunnel, in either direction
  kBadMessage,    // problem says which
  kShutdown,      // this process is ending
  kMemory         // memory is short, and it held most
};
std::string_view name(StreamEnd end);  // "connect-refused"
StreamEnd connect_end(int error);      // of a connect that failed with that errno
// A connect failed for want of something of this machine's (descriptors, ports, memory): no fault
// of the server's.
bool is_shortage(int error);

struct StreamClosed {
  StreamEnd end = StreamEnd::kComplete;
  wire::http1::Problem problem = wire::http1::Problem::kNone;
  int error = 0;          // errno, or 0
  uint16_t answered = 0;  // server streams: the status the connection has sent by itself, or 0
  // Client streams: whether the request may be sent again elsewhere (nothing sent, or an idle
  // connection that the peer had given up before a byte of the response).
  base::Retry retry = base::Retry::kNever;
};

// Numbers of one stream, kept by its connection; readable until the end of on_closed, or until
// abort() (read them before it). Bytes out are those the kernel has taken, exact also for a stream
// that was cut.
struct StreamFacts {
  uint64_t connection = 0;  // number within the process
  uint64_t sequence = 0;    // number of the stream on that connection, from 1
  uint64_t bytes_in = 0;    // on the wire, heads included
  uint64_t bytes_out = 0;
  base::Instant began{};         // server: end of the exchange before, or accept; client: leased
  base::Instant first_byte{};    // server: of the request
  base::Instant head_done{};     // server: request head complete; client: response head complete
  base::Instant connected{};     // client: connection ready to send (= began where reused)
  base::Instant request_sent{};  // client: the whole request handed to the kernel
  bool reused = false;           // the connection had carried a stream before
};

// Downstream: answering.
class ServerStream {
 public:
  // 1xx. Only before send_head.
  virtual void send_interim(uint16_t status, std::span<const Field> fields) = 0;
  virtual void send_head(const ResponseOut& head) = 0;
  // Body bytes. More than the peer takes is kept: stop when credit is used up (on_sent
  // gives it back). Dropped for HEAD, 204 and 304.
  virtual void send_data(base::Slice data) = 0;
  virtual void send_end(std::span<const Field> trailers = {}) = 0;
  // Credit for request body that was delivered.
  virtual void consume(uint32_t bytes) = 0;
  // Cuts the connection (the peer sees an error); no further event.
  virtual void abort() = 0;
  virtual const StreamFacts& facts() const = 0;
  // Whether the kernel has bytes of the answer (not of a 1xx): its status has been said.
  virtual bool answer_sent() const = 0;
  // Takes back what send_head, send_data and send_end said, where the kernel has none of it: the
  // request may be answered anew, from send_head on. False, and nothing changed, where it has some,
  // and in a tunnel. True where nothing was said.
  virtual bool take_back() = 0;

 protected:
  ~ServerStream() = default;
};

class ServerStreamEvents {
 public:
  virtual void on_request_data(base::Slice data) = 0;
  // Of the request message; in a tunnel once more, of the client's half.
  virtual void on_request_end(const Fields& trailers) = 0;
  // Body bytes the kernel has taken: credit for send_data.
  virtual void on_response_sent(uint32_t bytes) = 0;
  // Last event. kComplete: the whole response is with the kernel.
  virtual void on_closed(const StreamClosed& closed) = 0;

 protected:
  ~ServerStreamEvents() = default;
};

// Upstream: asking.
class ClientStream {
 public:
  // May be called before the connection is up; sent when it is.
  virtual void send_head(const RequestOut& head) = 0;
  virtual void send_data(base::Slice data) = 0;
  virtual void send_end(std::span<const Field> trailers = {}) = 0;
  virtual void consume(uint32_t bytes) = 0;
  // Gives the exchange up: the connection is closed; no further event.
  virtual void abort() = 0;
  virtual const StreamFacts& facts() const = 0;

 protected:
  ~ClientStream() = default;
};

class ClientStreamEvents {
 public:
  virtual void on_interim(const ResponseHead& head) = 0;  // 1xx other than 101
  // head is valid during the call.
  virtual void on_response_head(const ResponseHead& head) = 0;
  virtual void on_response_data(base::Slice data) = 0;
  virtual void on_response_end(const Fields& trailers) = 0;
  // Request body bytes the kernel has taken: credit for send_data.
  virtual void on_request_sent(uint32_t bytes) = 0;
  // Last event. kComplete comes after on_response_end, when the request is over too.
  virtual void on_closed(const StreamClosed& closed) = 0;

 protected:
  ~ClientStreamEvents() = default;
};

}  // namespace giliran::conn
