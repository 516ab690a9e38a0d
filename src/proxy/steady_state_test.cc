// What an exchange through a real worker costs in steady state, over real sockets on loopback: no
// heap, few system calls. Its client and its server are as plain as can be, and allocate nothing.
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "net/engine.h"
#include "net/test_loop.h"
#include "proxy/test_allocations.h"
#include "proxy/worker.h"

namespace giliran::proxy {
namespace {

constexpr uint64_t kWarm = 200, kCount = 1000;

struct Scenario {
  const char* name;
  std::string request;
  std::string_view request_end;
  std::string answer;
  std::string_view answer_end;
  uint64_t calls;  // for data, of all four ends, at most: client and server have two an exchange
  // The list of what is kept of a body for another attempt.
  uint64_t allocations = 0;
};

// Speaks whenever something has come that ends so.
class Peer final : public net::SocketEvents, public net::AcceptEvents {
 public:
  Peer(net::Io& loop, std::string_view text, std::string_view until)
      : io(loop), end(until), say(base::Slice::of_static(text)) {}
  void speak() { io.send(socket, {&say, 1}); }
  void on_accepted(net::ListenerId, net::SocketId accepted, const base::Address&) override {
    socket = accepted;
    io.own(socket, *this);
    io.receive(socket);
  }
  void on_accept_paused(net::ListenerId, int) override {}
  void on_listener_closed(net::ListenerId) override {}
  void on_connected(net::SocketId, int error) override {
    ASSERT_EQ(error, 0);
    io.receive(socket);
    speak();
  }
  void on_received(net::SocketId, net::Received received) override {
    if (received.kind != net::Received::Kind::kData) {
      io.close(socket);
      return;
    }
    const bool whole = received.data.view().ends_with(end);
    received.data.reset();
    io.receive(socket);
    if (!whole) return;
    if (measured) measure();
    if (++turns < kWarm + kCount || !measured) speak();
  }
  void measure() {
    const net::Io::Counters& now = io.counters();
    const uint64_t all = now.receives + now.sends;
    if (turns == kWarm) {
      allocations = allocations_so_far();
      calls = all;
    }
    if (turns == kWarm + kCount - 1) {
      allocations = allocations_so_far() - allocations;
      calls = all - calls;
    }
  }
  void on_sent(net::SocketId, size_t, int) override {}
  void on_hangup(net::SocketId) override {}
  void on_closed(net::SocketId) override {}

  net::Io& io;
  std::string_view end;
  base::Slice say;
  net::SocketId socket;
  uint64_t turns = 0;
  bool measured = false;
  size_t allocations = 0;
  uint64_t calls = 0;
};

class Nothing final : public telemetry::RecordSink, public Notices {
 public:
  void write(const telemetry::Record& record) override {
    ++records;
    good += record.end == telemetry::End::kOk ? 1 : 0;
  }
  void accept_paused(int) override {}
  void connections_full(const std::string&) override {}
  void memory_full(uint32_t) override {}
  void server_failed(const ServerTrouble&) override {}
  void server_up(const cluster::Endpoint&) override {}
  uint64_t records = 0, good = 0;
};

TEST(ProxyAllocations, AreCounted) {
  if (!allocations_are_counted()) GTEST_SKIP();
  const size_t before = allocations_so_far();
  ::operator delete(::operator new(8));
  EXPECT_EQ(allocations_so_far(), before + 1);
}

class ProxySteadyState : public testing::TestWithParam<Scenario> {};

TEST_P(ProxySteadyState, AllocatesNothingAndCallsSeldom) {
  const Scenario& scenario = GetParam();
  base::SystemClock clock;
  const auto io = std::move(*net::make_epoll_io(clock));
  Peer server(*io, scenario.answer, scenario.request_end);
  const auto listener = *io->listen(base::Address::loopback(0), {}, server);
  const auto pool = *cluster::make_pool({.name = "p"},
                                        {{.name = "s", .address = io->listener_address(listener)}});
  auto snapshot = std::make_shared<cluster::Snapshot>();
  snapshot->pools = {pool};
  snapshot->listeners = {cluster::make_listener(config::Scheme::kHttp, "l", pool)};
  Nothing nothing;
  Shared shared;
  Worker worker({.io = *io,
                 .options = {},
                 .snapshot = snapshot,
                 .sink = nothing,
                 .shared = shared,
                 .random = base::Rng(1),
                 .notices = nothing});
  const base::Address at = *worker.listen(0, base::Address::loopback(0), false);
  Peer client(*io, scenario.request, scenario.answer_end);
  client.measured = true;
  client.socket = io->connect(at, {}, client);
  ASSERT_TRUE(net::run_until(*io, [&] { return client.turns >= kWarm + kCount; }));
  EXPECT_LE(client.allocations, kCount * scenario.allocations);
  EXPECT_LE(client.calls, kCount * scenario.calls);
  bool drained = false;
  worker.drain([&] { drained = true; });
  io->close(client.socket);
  io->stop_listening(listener);
  ASSERT_TRUE(net::run_until(*io, [&] { return drained && io->sockets() == 0; }));
  EXPECT_EQ(nothing.good, kWarm + kCount);
}

INSTANTIATE_TEST_SUITE_P(
    Costs, ProxySteadyState,
    testing::Values(Scenario{.name = "Get",
                             .request = "GET /x HTTP/1.1\r\nHost: h\r\n\r\n",
                             .request_end = "\r\n\r\n",
                             .answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
                             .answer_end = "\nhi",
                             .calls = 8},
                    Scenario{
                        .name = "Post16KiB",
                        .request = "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 16384\r\n\r\n" +
                                   std::string(16'383, 'x') + "!",
                        .request_end = "!",
                        .answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
                        .answer_end = "\nhi",
                        .calls = 16,
                        .allocations = 2},
                    Scenario{.name = "Chunked",
                             .request = "GET /x HTTP/1.1\r\nHost: h\r\n\r\n",
                             .request_end = "\r\n\r\n",
                             .answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                                       "5\r\nhello\r\n3\r\nyou\r\n0\r\n\r\n",
                             .answer_end = "\n0\r\n\r\n",
                             .calls = 8}),
    [](const auto& chosen) { return std::string(chosen.param.name); });

}  // namespace
}  // namespace giliran::proxy
