// The exact costs of the epoll engine in steady state: system calls by the counters, and no heap.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "net/engine.h"
#include "net/test_peer.h"

namespace {
std::atomic<uint64_t> allocations = 0;
}

// The thread sanitizer has its own that cannot be replaced: it checks the system calls only.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define GILIRAN_KEEPS_OPERATOR_NEW
#endif
#endif
#ifndef GILIRAN_KEEPS_OPERATOR_NEW
void* operator new(size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, size_t) noexcept {
  std::free(memory);
}

#endif

namespace giliran::net {
namespace {

// Answers every message; the other side counts and stops the loop.
struct Player final : SocketEvents {
  Player(Io& loop, bool first) : io(loop), serves(first) {}
  void begin(SocketId id) {
    socket = id;
    io.receive(id);
    if (serves) play();
  }
  void play() {
    slice =
        base::Slice::of_static("sixty-four bytes of message, give or take: 0123456789 abcdefgh\n");
    io.send(socket, {&slice, 1});
  }
  void on_connected(SocketId id, int) override { begin(id); }
  void on_received(SocketId id, Received received) override {
    if (received.kind != Received::Kind::kData) return;
    ++messages;
    if (serves && messages == wanted) return io.stop();
    io.receive(id);
    play();
  }
  void on_sent(SocketId, size_t, int) override {}
  void on_closed(SocketId) override {}
  Io& io;
  bool serves;
  SocketId socket;
  base::Slice slice;
  uint64_t messages = 0;
  uint64_t wanted = 0;
};

struct OneAccept final : AcceptEvents {
  explicit OneAccept(Player& to) : player(to) {}
  void on_accepted(ListenerId, SocketId socket, const base::Address&) override {
    player.io.own(socket, player);
    player.begin(socket);
  }
  void on_accept_paused(ListenerId, int) override {}
  void on_listener_closed(ListenerId) override {}
  Player& player;
};

TEST(EpollCost, PingPongIsOneReceiveAndOneSendAMessageWithoutHeap) {
  constexpr uint64_t kWarmUp = 500;
  constexpr uint64_t kMessages = 10'000;
  base::SystemClock clock;
  auto io = std::move(*make_epoll_io(clock));
  Player client(*io, true), server(*io, false);
  OneAccept accept(server);
  const auto listener = io->listen(base::Address::loopback(0), {}, accept);
  ASSERT_TRUE(listener);
  io->connect(io->listener_address(*listener), {}, client);
  client.wanted = kWarmUp;
  io->run();

  const Io::Counters before = io->counters();
  const uint64_t allocations_before = allocations;
  client.wanted = kWarmUp + kMessages;
  io->receive(client.socket);
  client.play();
  io->run();
  const uint64_t allocated = allocations - allocations_before;
  const Io::Counters& after = io->counters();

  EXPECT_EQ(allocated, 0u);
  // A message there and one back: two sockets receive and two send.
  EXPECT_EQ(after.receives - before.receives, 2 * kMessages);
  EXPECT_EQ(after.sends - before.sends, 2 * kMessages);
  EXPECT_EQ(after.empty_receives, 0u);
  EXPECT_EQ(after.partial_sends, 0u);
  EXPECT_LE(after.waits - before.waits, 2 * kMessages + 10);
  RecordProperty("waits", std::to_string(after.waits - before.waits));
  std::printf("ping-pong of %lu: receives %lu sends %lu waits %lu turns %lu heap %lu\n", kMessages,
              after.receives - before.receives, after.sends - before.sends,
              after.waits - before.waits, after.turns - before.turns, allocated);
}

}  // namespace
}  // namespace giliran::net
