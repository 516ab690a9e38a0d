// The one door to sockets. Completion-shaped: submit, later a result; a submit never completes
// inline.
//
// One Io is one loop and belongs to one thread; only post() and stop() may be called from others.
// Engines: EpollIo (edge-triggered, with remembered readiness) and MemoryIo (an in-memory network
// with virtual time). Every socket obtained from accept or connect must be closed, and lives until
// its on_closed, the last event it gives; between close() and on_closed nothing else is delivered.
// An event handler may submit, close, and destroy anything except the object whose event is
// running.
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "base/address.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/time.h"
#include "net/timer.h"

namespace giliran::net {

// A socket of one Io. The generation makes a stale id harmless: every call with one asserts or
// drops.
struct SocketId {
  uint32_t slot = UINT32_MAX;
  uint32_t generation = 0;
  bool none() const { return slot == UINT32_MAX; }
  bool operator==(const SocketId&) const = default;
};

struct ListenerId {
  uint32_t slot = UINT32_MAX;
  uint32_t generation = 0;
  bool none() const { return slot == UINT32_MAX; }
  bool operator==(const ListenerId&) const = default;
};

// Result of one receive. data is empty at the end and on an error.
struct Received {
  enum class Kind : uint8_t { kData, kEnd, kError };
  Kind kind = Kind::kData;
  int error = 0;  // errno where kError (ECONNRESET, ETIMEDOUT, ...)
  base::Slice data;
};

// Result of one splice.
struct Spliced {
  enum class Kind : uint8_t {
    kData,       // all that was taken has been given
    kEnd,        // `from` has ended; nothing was taken
    kFromError,  // `from` can receive no more (error); nothing was taken
    kToError,    // `to` can send no more (error): what was taken and not given is lost
    kUnable      // nothing was touched: no pipe is to be had now. Receive and send instead
  };
  Kind kind = Kind::kData;
  int error = 0;     // errno where kFromError, kToError
  size_t bytes = 0;  // given to `to`
  size_t lost = 0;   // taken from `from`, not given
};

// What a socket tells its owner. All on the loop thread.
class SocketEvents {
 public:
  // Outcome of connect(): 0 or errno. After an error the owner must still close the socket.
  virtual void on_connected(SocketId socket, int error);
  virtual void on_received(SocketId socket, Received received) = 0;
  // Everything handed to send() has been taken by the kernel (error 0), or the socket can send no
  // more (error, with the bytes taken until then).
  virtual void on_sent(SocketId socket, size_t bytes, int error) = 0;
  // Outcome of splice(), told to the owner of `from`.
  virtual void on_spliced(SocketId from, Spliced spliced);
  // The peer has reset the connection, or closed it in both directions (watch_hangup). Once.
  virtual void on_hangup(SocketId socket);
  // The peer will say no more: its end has come, perhaps behind bytes that were not received yet
  // (watch_end). Once; not after a hang-up.
  virtual void on_peer_ended(SocketId socket);
  // Last event: the slot is recycled after it. The owner may be destroyed inside it.
  virtual void on_closed(SocketId socket) = 0;

 protected:
  ~SocketEvents() = default;
};

class AcceptEvents {
 public:
  // A new connection. The owner must own() it or close() it before returning.
  virtual void on_accepted(ListenerId listener, SocketId socket, const base::Address& peer) = 0;
  // Accepting failed for want of descriptors or memory (EMFILE, ENFILE, ENOBUFS, ENOMEM). The
  // engine pauses the listener and tries again by itself; called once a pause.
  virtual void on_accept_paused(ListenerId listener, int error) = 0;
  virtual void on_listener_closed(ListenerId listener) = 0;

 protected:
  ~AcceptEvents() = default;
};

// Readiness of a descriptor the loop does not own (pipes, pidfds, signalfds).
class FdEvents {
 public:
  virtual void on_ready(int fd) = 0;  // level-triggered: readable, or hung up

 protected:
  ~FdEvents() = default;
};

enum class CloseMode : uint8_t {
  kGraceful,  // close(): what was sent is still delivered by the kernel
  kReset      // RST: the peer sees an error
};

// What is set on TCP sockets; other sockets ignore it.
struct TcpOptions {
  bool no_delay = true;
  // The first keepalive probe after so long without a byte, then every 15 s, 4 of them. 0: none.
  base::Duration keepalive_idle = std::chrono::minutes(2);
  // A peer that acknowledges nothing of what was sent for so long is gone: ETIMEDOUT. 0: the
  // kernel's patience (a quarter of an hour). Linux counts a peer that acknowledges but keeps its
  // window shut as gone, too: less than a write time-out, it takes its place.
  base::Duration unacknowledged_timeout = std::chrono::seconds(30);
};

struct ListenOptions {
  int backlog = 4096;
  bool reuse_port = false;  // one listener a worker; probe first (net/listen.h)
  TcpOptions tcp = {};      // of the accepted sockets: they inherit it from the listening one
};

struct ConnectOptions {
  base::Address source;  // bind to this address first (port 0: any); none: the kernel's choice
  TcpOptions tcp = {};
};

// How many slices one send() may carry.
constexpr size_t kSendSlicesMax = 8;

// How much one splice() takes at most: more is no cheaper, and keeps the others waiting.
constexpr size_t kSpliceBytesMax = size_t{256} << 10;

class Io {
 public:
  virtual ~Io() = default;

  // --- time ---
  virtual base::Clock& clock() = 0;
  base::Instant now() { return clock().now(); }  // exact: a clock read
  // When this turn of the loop began: cheap, for deadlines.
  virtual base::Instant turn_started() const = 0;
  virtual TimerWheel& timers() = 0;
  void arm(Timer& timer, base::Duration after) { timers().arm(timer, turn_started() + after); }

  // --- memory ---
  virtual base::BufferPool& buffers() = 0;

  // --- listening ---
  virtual base::Result<ListenerId> listen(const base::Address& address,
                                          const ListenOptions& options, AcceptEvents& events) = 0;
  // Takes over a socket that already listens (inherited, Unix, shared between workers). Not closed
  // with the listener where `shared`.
  virtual base::Result<ListenerId> listen_on(int fd, bool shared, AcceptEvents& events) = 0;
  // Accepts until nothing is left in the queue, then closes: on_listener_closed.
  virtual void stop_listening(ListenerId listener) = 0;
  // The address it is bound to (the port where 0 was asked).
  virtual base::Address listener_address(ListenerId listener) = 0;

  // --- connections ---
  virtual void own(SocketId socket, SocketEvents& events) = 0;
  virtual SocketId connect(const base::Address& to, const ConnectOptions& options,
                           SocketEvents& events) = 0;
  // One receive outstanding at most. The buffer is taken from the pool when there is something to
  // read.
  virtual void receive(SocketId socket) = 0;
  virtual bool receiving(SocketId socket) const = 0;
  // One send outstanding at most: 1..kSendSlicesMax slices, none empty. They stay the caller's, and
  // must stay where they are until on_sent or on_closed; but see extend_send().
  virtual void send(SocketId socket, std::span<const base::Slice> slices) = 0;
  virtual bool sending(SocketId socket) const = 0;
  // Adds `count` slices that lie directly behind those of the outstanding send, so that what is
  // said in several calls of one turn leaves in one. False, and nothing changed, where nothing is
  // being sent, the kernel has all of it, or that would make more than kSendSlicesMax. Where it was
  // true, the caller may also let the last slice that was there grow, before this call of its ends:
  // the bytes it had stay.
  virtual bool extend_send(SocketId socket, size_t count) = 0;
  // Bytes of the outstanding send that the kernel has taken so far: tells a slow reader from a dead
  // one.
  virtual size_t sent_so_far(SocketId socket) const = 0;
  // Offers the outstanding send to the kernel at once instead of at its turn, so that sent_so_far
  // tells what was taken of it. on_sent follows as ever.
  virtual void send_now(SocketId socket) = 0;
  // Takes the outstanding send back, without an event. False, and nothing changed, where the kernel
  // has taken bytes of it, or where it is a splice.
  virtual bool unsend(SocketId socket) = 0;
  // When the kernel last took bytes of the outstanding send; when that was submitted, where it has
  // not taken any. (The turn of the loop, not the exact time.)
  virtual base::Instant send_progress(SocketId socket) const = 0;
  // Takes what there is to receive from `from`, at most kSpliceBytesMax, and gives all of it to
  // `to`, without it coming up to us; then on_spliced. Waits for bytes as receive() does, holding
  // nothing meanwhile. Worth it for much at a time: for little, receive and send are cheaper.
  //
  // Until on_spliced it is the one receive of `from` and the one send of `to` that may be
  // outstanding. receiving(from) is true until bytes were taken; from then on sending(to) is, and
  // sent_so_far(to), send_progress(to) tell of it. A receiver that is full is waited for, and
  // nothing is taken meanwhile. Hang-ups of either are told as ever. Closing one of the two drops
  // the splice with the bytes on their way, so that the other's stream has a hole: close it, too.
  virtual void splice(SocketId from, SocketId to) = 0;
  // Half-close: no send may be outstanding or follow.
  virtual void shutdown_send(SocketId socket) = 0;
  // on_hangup without a receive outstanding, so that a paused peer's abort is seen.
  virtual void watch_hangup(SocketId socket) = 0;
  // on_peer_ended without a receive outstanding, so that it is seen behind what is not read.
  virtual void watch_end(SocketId socket) = 0;
  // Drops what is outstanding without an event; on_closed follows, on a later event of this turn.
  virtual void close(SocketId socket, CloseMode mode = CloseMode::kGraceful) = 0;
  virtual base::Address local_address(SocketId socket) = 0;
  virtual base::Address peer_address(SocketId socket) = 0;
  virtual size_t sockets() const = 0;  // open now

  // --- descriptors of others (epoll engine only; the in-memory engine asserts) ---
  virtual void watch_fd(int fd, FdEvents& events) = 0;
  virtual void unwatch_fd(int fd) = 0;

  // --- other threads ---
  // Runs `task` on the loop, in order of posting. Thread-safe. Tasks posted before the loop ends
  // run.
  virtual void post(std::function<void()> task) = 0;
  // Makes run() return after the current turn. Thread-safe.
  virtual void stop() = 0;

  // --- the loop (epoll engine; in-memory loops are driven by their world) ---
  virtual void run() = 0;

  // Exact costs, for tests and `--verbose` summaries.
  struct Counters {
    uint64_t turns = 0, receives = 0, empty_receives = 0, sends = 0, partial_sends = 0, accepts = 0;
    uint64_t empty_accepts = 0;  // found nobody in the queue
    uint64_t connects = 0, closes = 0, waits = 0, accept_pauses = 0, posts = 0;
    uint64_t splices = 0, empty_splices = 0;  // takings from a socket, those of nothing
  };
  virtual const Counters& counters() const = 0;
};

}  // namespace giliran::net
