// The epoll engine: every socket is registered once, edge-triggered, and its readiness remembered,
// so that no call is made in vain and none changes the registration.
//
// A turn of the loop: wait; note readiness and run what it completes, in rounds (what is submitted
// in a round runs in the next, so that no socket starves another); timers; posted tasks; more
// rounds; closings. Work left after the last round is done in the next turn, which polls first.
#pragma once

#include <sys/epoll.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "net/descriptor.h"
#include "net/engine.h"
#include "net/io.h"
#include "net/mailbox.h"
#include "net/pipe_pool.h"
#include "net/slots.h"

namespace giliran::net {

class EpollIo final : public Io {
 public:
  // epoll_fd: a new epoll descriptor; wake_fd: a new non-blocking eventfd.
  EpollIo(base::Clock& clock, const EpollOptions& options, Descriptor epoll_fd, Descriptor wake_fd);
  ~EpollIo() override;

  base::Clock& clock() override { return clock_; }
  base::Instant turn_started() const override { return turn_started_; }
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

  void post(std::function<void()> task) override { mailbox_.post(std::move(task)); }
  void stop() override { mailbox_.stop(); }

  void run() override;
  const Counters& counters() const override { return counters_; }

 private:
  // What an epoll event is about: the upper two bits of the slot in its 64 bits of data.
  enum class Kind : uint32_t { kSocket = 0, kListener = 1, kWatch = 2, kWake = 3 };
  enum class Life : uint8_t { kFree, kConnecting, kOpen, kFailed, kClosing };

  static constexpr uint32_t kNoSplice = UINT32_MAX;

  // Waits for `from` to be readable, without a pipe; then for `to` to take all, with one.
  struct Splice {
    uint32_t generation = 0;
    uint32_t next_free = UINT32_MAX;
    SocketId from, to;
    Pipe pipe;
    size_t taken = 0;
  };

  struct alignas(64) Socket {
    uint32_t generation = 0;
    uint32_t next_free = UINT32_MAX;
    int fd = -1;
    int connect_error = 0;
    SocketEvents* events = nullptr;
    const base::Slice* slices = nullptr;  // what is being sent
    uint32_t sent_bytes = 0;
    uint32_t slice_offset = 0;
    uint8_t slice_index = 0;
    uint8_t slice_count = 0;  // 0 while what is being sent is in a pipe
    Life life = Life::kFree;
    // Readiness as last seen.
    bool readable : 1 = false;
    bool writable : 1 = false;
    bool end_seen : 1 = false;  // nothing may come after this: a short read does not mean drained
    bool hangup_seen : 1 = false;
    // What is outstanding.
    bool receiving : 1 = false;
    bool sending : 1 = false;
    bool watching_hangup : 1 = false;
    bool watching_end : 1 = false;
    bool send_shut : 1 = false;
    bool queued : 1 = false;        // on the run list
    bool large_buffer : 1 = false;  // the last receive filled its buffer
    uint16_t bound = 0;             // where it was accepted: bound_[bound - 1]; 0: ask the kernel
    uint32_t splice_from = kNoSplice;  // the splice that takes from this socket
    uint32_t splice_to = kNoSplice;    // the one that gives to it
    base::Instant send_progress{};
  };
  static_assert(sizeof(Socket) == 64);  // one cache line

  struct Listener final : Timer {
    Listener(EpollIo& owner, ListenerId listener) : io(owner), id(listener) {}
    void on_timer() override { io.accept_some(*this); }
    EpollIo& io;
    ListenerId id;
    int fd = -1;
    int family = AF_UNSPEC;
    uint16_t bound = 0;           // 0 where it is not one address (any, Unix)
    int batch = 1;                // accepts a turn
    uint64_t filled_in_turn = 0;  // when there were as many
    int filled = 0;               // whenever it was asked, so often in a row
    int patience = 1;             // after so many of these, the batch grows
    AcceptEvents* events = nullptr;
    std::string unix_path;    // to be unlinked at the end; empty: none
    bool shared = false;      // not ours to close
    bool registered = false;  // with epoll
    bool stopping = false;
    bool paused = false;
  };

  struct Watch {
    int fd = -1;
    uint32_t generation = 0;
    FdEvents* events = nullptr;
  };

  // --- the loop (epoll_io.cc) ---
  void turn();
  void wait();
  void handle(const epoll_event& event);
  void run_rounds();
  void run_closings();
  void watch_ready(uint32_t slot, uint32_t generation);
  bool work_left() const { return !run_list_.empty() || !closing_.empty() || !ready_.empty(); }
  int add_to_epoll(int fd, uint32_t events, Kind kind, uint32_t slot, uint32_t generation);

  // --- sockets (epoll_socket.cc) ---
  Socket* find(SocketId id) { return sockets_.find(id.slot, id.generation); }
  Socket* find_usable(SocketId id);  // null where stale or being closed
  SocketId adopt(int fd, Life life);
  int start_connect(const base::Address& to, const ConnectOptions& options, int& fd);
  void socket_ready(SocketId id, uint32_t events);
  void queue(SocketId id, Socket& socket);
  void run_socket(SocketId id);
  void finish_connect(SocketId id, Socket& socket);
  void try_send(SocketId id, Socket& socket);
  int push_slices(Socket& socket);
  void try_receive(SocketId id, Socket& socket);

  // --- from socket to socket (epoll_splice.cc) ---
  void try_take(Socket& from);
  void try_give(Socket& to);
  Splice end_splice(uint32_t slot);  // its pipe is the caller's to give back
  void finish_splice(uint32_t slot, const Spliced& result);
  void drop_splice(uint32_t slot);

  // --- listeners (epoll_listener.cc) ---
  Listener* find_listener(ListenerId id);
  ListenerId add_listener(Descriptor fd, bool shared, std::string unix_path, AcceptEvents& events);
  uint16_t find_bound(const Listener& listener);
  int register_listener(Listener& listener);
  void accept_some(Listener& listener);
  bool accept_one(Listener& listener);
  void queue_is_empty(Listener& listener);
  void pause(Listener& listener, int error);
  void end_pause(Listener& listener);
  void resume_paused();
  void close_listener(Listener& listener);
  void accept_later(Listener& listener);

  base::Clock& clock_;
  Descriptor epoll_fd_;
  Mailbox mailbox_;
  base::BufferPool buffers_;  // before whatever may hold slices of it
  base::Instant turn_started_;
  TimerWheel timers_;
  Counters counters_;

  Slots<Socket> sockets_;
  Slots<Splice> splices_;
  PipePool pipes_;
  std::vector<SocketId> run_list_;  // sockets with something that can be done
  std::vector<SocketId> round_;     // the part of it being run
  std::vector<SocketId> closing_;
  std::vector<SocketId> closing_now_;

  std::vector<std::unique_ptr<Listener>> listeners_;  // by slot; null: free
  // Where listeners are or were, each once: accepted sockets outlive their listener.
  std::vector<base::Address> bound_;
  std::vector<ListenerId> ready_;  // to accept again in the next turn
  std::vector<ListenerId> accepting_;
  uint32_t listener_generation_ = 0;
  size_t paused_ = 0;
  bool socket_closed_ = false;  // in this turn: a paused listener may try again

  std::vector<Watch> watches_;
  uint32_t watch_generation_ = 0;

  bool wait_has_ns_ = true;  // epoll_pwait2 is there
  // Few at a time: what one wait tells is still in the processor's caches when its sockets are read
  // and written. 512 cost a tenth more where hundreds of connections are busy.
  static constexpr int kEventsMax = 16;
  // The last turn, and the last before this one, whose wait told all that was ready.
  uint64_t told_all_ = 0;
  uint64_t told_all_before_ = 0;
  epoll_event events_[kEventsMax];
};

}  // namespace giliran::net
