// The in-memory engine: loops and the network between them, in virtual time. See memory.h.
//
// A connection is two sockets that know each other's (loop, id). What one sends travels as events
// of the world, in order per direction; what arrives at a socket that has gone comes back as a
// reset. All that a socket's kernel would hold (unread bytes, the window) is held by the socket.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "net/io.h"
#include "net/memory.h"
#include "net/slots.h"

namespace giliran::net {

class MemoryIo;

struct MemoryListener {
  base::Address address;
  MemoryIo* io = nullptr;
  ListenerId id;
  bool reuse_port = false;
};

// The parts of the world its loops use.
struct MemoryNetwork {
  using Task = std::move_only_function<void()>;
  struct Event {
    base::Instant time;
    uint64_t number;
    Task task;
  };

  MemoryNetwork(uint64_t seed, MemoryOptions o) : rng(seed), options(o) {}

  // `number` keeps events of one time in the order in which they were scheduled.
  void at(base::Instant time, Task task);
  void soon(Task task) { at(clock.now(), std::move(task)); }
  base::Duration delay();
  Task take_first();  // sets the clock

  uint16_t new_port() { return next_port = next_port == 65535 ? 20000 : next_port + 1; }
  // A random one of the listeners on the address, or on its wildcard; null where there is none.
  const MemoryListener* pick_listener(const base::Address& to);

  base::ManualClock clock;
  base::Rng rng;
  MemoryOptions options;
  std::vector<Event> events;  // a heap
  uint64_t next_number = 0;
  uint16_t next_port = 20000;
  std::vector<MemoryListener> listeners;
  std::map<std::string, MemoryWorld::Reach> reach;
};

class MemoryIo final : public Io {
 public:
  explicit MemoryIo(MemoryNetwork& network) : network_(network), timers_(network.clock.now()) {}

  base::Clock& clock() override { return network_.clock; }
  base::Instant turn_started() const override { return network_.clock.now(); }
  TimerWheel& timers() override { return timers_; }
  base::BufferPool& buffers() override { return buffers_; }

  base::Result<ListenerId> listen(const base::Address& address, const ListenOptions& options,
                                  AcceptEvents& events) override;
  base::Result<ListenerId> listen_on(int fd, bool shared, AcceptEvents& events) override;
  void stop_listening(ListenerId listener) override;
  base::Address listener_address(ListenerId listener) override;

  void own(SocketId socket, SocketEvents& events) override;
  SocketId connect(const base::Address& to, const ConnectOptions& options,
                   SocketEvents& events) override;
  void receive(SocketId socket) override;
  bool receiving(SocketId socket) const override;
  void send(SocketId socket, std::span<const base::Slice> slices) override;
  bool sending(SocketId socket) const override;
  bool extend_send(SocketId socket, size_t count) override;
  size_t sent_so_far(SocketId socket) const override;
  void send_now(SocketId socket) override;
  bool unsend(SocketId socket) override;
  base::Instant send_progress(SocketId socket) const override;
  void splice(SocketId from, SocketId to) override;
  void shutdown_send(SocketId socket) override;
  void watch_hangup(SocketId socket) override;
  void watch_end(SocketId socket) override;
  void close(SocketId socket, CloseMode mode) override;
  base::Address local_address(SocketId socket) override;
  base::Address peer_address(SocketId socket) override;
  size_t sockets() const override { return sockets_.used(); }

  void watch_fd(int fd, FdEvents& events) override;
  void unwatch_fd(int fd) override;
  void post(std::function<void()> task) override;
  void stop() override {}
  void run() override;
  const Counters& counters() const override { return counters_; }

  // --- for the world ---
  // Resets, on both sides, the connections from or to the address.
  void reset_all(const base::Address& address);

 private:
  enum class Life : uint8_t { kFree, kConnecting, kOpen, kFailed, kClosing };
  enum class Item : uint8_t { kConnected, kData, kEnd, kReset };

  // The other side of a connection; io is null until it is known.
  struct Remote {
    MemoryIo* io = nullptr;
    SocketId id;
  };

  struct Socket {
    uint32_t generation = 0;
    uint32_t next_free = UINT32_MAX;
    SocketEvents* events = nullptr;
    Life life = Life::kFree;
    Remote remote;
    base::Address local;
    base::Address peer;
    // Outgoing.
    std::span<const base::Slice> slices;
    size_t sent_bytes = 0;
    base::Instant send_progress{};
    uint32_t slice_offset = 0;
    uint8_t slice_index = 0;
    bool sending = false;
    bool send_shut = false;
    size_t unread_bytes = 0;        // in flight, or not read by the other side yet
    base::Instant last_delivery{};  // nothing of this direction arrives before it
    // Incoming.
    std::string inbox;
    size_t inbox_read = 0;
    bool ended = false;
    int error = 0;  // set: reset
    bool receiving = false;
    bool watching_hangup = false;
    bool watching_end = false;
    bool large_buffer = false;  // the last receive filled its buffer
    bool queued = false;        // run_socket() is scheduled
    // Splices: who gets what this one receives, who gave what it sends. What is between them is
    // held by the one that sends.
    SocketId splice_to, splice_from;
    base::Slice spliced;
  };

  struct Listener {
    ListenerId id;
    base::Address address;
    AcceptEvents* events = nullptr;
  };

  Socket* find_usable(SocketId id);
  Listener* find_listener(ListenerId id);
  void queue(SocketId id, Socket& socket);
  void run_socket(SocketId id);
  void try_send(SocketId id, Socket& socket);
  void push_slices(SocketId id, Socket& socket);
  void try_receive(SocketId id, Socket& socket);
  static bool nothing_to_receive(const Socket& socket);
  Received take_received(Socket& socket);
  // memory_splice.cc
  void try_splice(SocketId id, Socket& from);
  void finish_splice(Socket& to, int error);
  void end_splice(Socket& from, Socket& to);
  void drop_splices(Socket& socket);
  size_t window_room(const Socket& socket) const;
  std::string take_from_slices(Socket& socket, size_t bytes_max);
  void deliver_pieces(SocketId id, Socket& socket, std::string bytes);
  // Sends an item to the other side, after all that was sent before.
  void transmit(SocketId from, Socket& socket, Item item, std::string bytes);
  void arrive(SocketId to, Remote from, Item item, std::string bytes);
  void reset_by_peer(SocketId id);
  void credit(SocketId id, size_t bytes);

  void syn(SocketId from, const base::Address& to);
  SocketId accept(const MemoryListener& at, Remote from, const base::Address& peer);
  void connected(SocketId id, Remote remote, int error);

  MemoryNetwork& network_;
  base::BufferPool buffers_;
  TimerWheel timers_;
  Counters counters_;
  Slots<Socket> sockets_;
  std::vector<Listener> listeners_;
  uint32_t listener_generation_ = 0;
};

}  // namespace giliran::net
