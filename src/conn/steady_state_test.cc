// What connections that are kept open cost in steady state: no heap, few system calls; and what an
// idle one holds.
#include <gtest/gtest.h>

#include <memory>

#include "conn/client_connection.h"
#include "conn/server_connection.h"
#include "conn/test_allocations.h"
#include "net/engine.h"
#include "net/test_loop.h"

namespace giliran::conn {
namespace {

struct Scenario {
  const char* name;
  uint32_t up = 0;       // bytes of a request body, in one piece
  uint32_t down = 0;     // bytes of a response body
  uint32_t pieces = 1;   // the response body comes in so many
  bool chunked = false;  // the response
  bool tunnel = false;   // bytes in an open tunnel instead of exchanges
  uint64_t calls = 0;    // system calls for data of both sides, at most: receives and sends
};

const std::string& bytes() {
  static const std::string text(65'536, 'x');
  return text;
}

class Answerer final : public ServerHandler, public ServerStreamEvents, public net::AcceptEvents {
 public:
  Answerer(net::Io& loop, const Scenario& wanted) : io(loop), scenario(wanted) {
    listener = *io.listen(base::Address::loopback(0), {}, *this);
  }
  void on_accepted(net::ListenerId, net::SocketId socket, const base::Address& peer) override {
    ServerHandler& handler = *this;
    connection = std::make_unique<ServerConnection>(io, socket, peer, 1, options, handler);
  }
  void on_accept_paused(net::ListenerId, int) override {}
  void on_listener_closed(net::ListenerId) override {}
  ServerStreamEvents& on_request(ServerConnection&, ServerStream& s, const RequestHead&,
                                 const base::Slice&) override {
    stream = &s;
    return *this;
  }
  void on_refused(ServerConnection&, const StreamFacts&, const StreamClosed&, uint16_t,
                  std::string_view) override {}
  void on_connection_closed(ServerConnection&) override { connection.reset(); }
  void on_request_data(base::Slice data) override {
    stream->consume(data.size());
    if (scenario.tunnel) stream->send_data(std::move(data));
  }
  void on_request_end(const Fields&) override {
    if (connection->tunnel()) return;
    const Field field{.name = "X-A", .value = "b"};
    if (scenario.tunnel) {
      stream->send_head(
          {.status = 101, .reason = {}, .fields = {&field, 1}, .body = {}, .tunnel = true});
      return;
    }
    stream->send_head(
        {.status = 200,
         .reason = {},
         .fields = {&field, 1},
         .body = scenario.chunked ? BodyLength::unknown() : BodyLength::known(scenario.down)});
    const std::string_view piece =
        std::string_view(bytes()).substr(0, scenario.down / scenario.pieces);
    for (uint32_t i = 0; i < scenario.pieces; ++i) stream->send_data(base::Slice::of_static(piece));
    stream->send_end();
  }
  void on_response_sent(uint32_t) override {}
  void on_closed(const StreamClosed&) override {}

  net::Io& io;
  const Scenario& scenario;
  net::ListenerId listener;
  ServerOptions options;
  ServerStream* stream = nullptr;
  std::unique_ptr<ServerConnection> connection;
};

class Asker final : public ClientConnectionOwner, public ClientStreamEvents {
 public:
  static constexpr uint64_t kWarm = 50, kCount = 500;

  Asker(net::Io& loop, const base::Address& to, const Scenario& wanted)
      : io(loop), scenario(wanted), connection(io, to, 1, options, *this) {
    start();
  }
  void start() {
    stream = &connection.start(*this);
    const Field fields[] = {{.name = "Host", .value = "h"}, {.name = "Upgrade", .value = "x"}};
    stream->send_head({.method = scenario.up != 0 ? "POST" : "GET",
                       .target = "/x",
                       .fields = std::span(fields).first(scenario.tunnel ? 2 : 1),
                       .body = scenario.up != 0 ? BodyLength::known(scenario.up) : BodyLength{},
                       .upgrade = scenario.tunnel});
    say(scenario.up);
    stream->send_end();
  }
  void say(uint32_t size) {
    stream->send_data(base::Slice::of_static(std::string_view(bytes()).substr(0, size)));
  }
  void one_done() {
    if (++done == kWarm) {
      allocations = allocations_so_far();
      counters = io.counters();
    }
    if (done != kWarm + kCount) return;
    allocations = allocations_so_far() - allocations;
    calls = io.counters().receives + io.counters().sends - counters.receives - counters.sends;
    empty = io.counters().empty_receives - counters.empty_receives;
  }
  bool finished() const { return done >= kWarm + kCount; }

  void on_idle(ClientConnection&) override {
    one_done();
    if (!finished()) start();
  }
  void on_unusable(ClientConnection&) override {}
  void on_connection_closed(ClientConnection&) override { closed = true; }
  void on_interim(const ResponseHead&) override {}
  void on_response_head(const ResponseHead& head) override {
    EXPECT_EQ(head.status, scenario.tunnel ? 101 : 200);
    if (scenario.tunnel) say(scenario.down);
  }
  void on_response_data(base::Slice data) override {
    got += data.size();
    stream->consume(data.size());
    if (!scenario.tunnel || got < (done + 1) * scenario.down) return;
    one_done();
    if (!finished()) say(scenario.down);
  }
  void on_response_end(const Fields&) override {}
  void on_request_sent(uint32_t) override {}
  void on_closed(const StreamClosed& c) override {
    EXPECT_EQ(c.end, scenario.tunnel ? StreamEnd::kShutdown : StreamEnd::kComplete);
  }

  net::Io& io;
  const Scenario& scenario;
  ClientOptions options;
  ClientConnection connection;
  ClientStream* stream = nullptr;
  uint64_t done = 0, got = 0, calls = 0, empty = 0;
  size_t allocations = 0;
  net::Io::Counters counters;
  bool closed = false;
};

TEST(SteadyState, AllocationsAreCounted) {
  if (!allocations_are_counted()) GTEST_SKIP();
  const size_t before = allocations_so_far();
  ::operator delete(::operator new(8));
  EXPECT_EQ(allocations_so_far(), before + 1);
}

class SteadyStateTest : public testing::TestWithParam<Scenario> {};

TEST_P(SteadyStateTest, AllocatesNothingAndCallsSeldom) {
  const Scenario& scenario = GetParam();
  base::SystemClock clock;
  const auto io = std::move(*net::make_epoll_io(clock));
  Answerer answerer(*io, scenario);
  Asker asker(*io, io->listener_address(answerer.listener), scenario);
  ASSERT_TRUE(net::run_until(*io, [&] { return asker.finished(); }));
  EXPECT_EQ(asker.allocations, 0U);
  EXPECT_LE(asker.calls, Asker::kCount * scenario.calls);
  // A receive in vain is one where the end of a large message was not known.
  EXPECT_LE(asker.empty, scenario.up + scenario.down > 1000 ? 2 * Asker::kCount : 0);
  if (!scenario.tunnel) {
    EXPECT_EQ(asker.got, asker.done * scenario.down);
  }
  asker.connection.shut();
  io->stop_listening(answerer.listener);
  ASSERT_TRUE(net::run_until(*io, [&] { return io->sockets() == 0 && asker.closed; }));
}

INSTANTIATE_TEST_SUITE_P(
    Costs, SteadyStateTest,
    testing::Values(
        // A request and a response, each sent and received once.
        Scenario{.name = "Get", .down = 64, .calls = 4},
        Scenario{.name = "Post16KiB", .up = 16'384, .down = 64, .calls = 8},
        Scenario{.name = "Chunked", .down = 192, .pieces = 3, .chunked = true, .calls = 4},
        Scenario{.name = "Large", .down = 65'536, .calls = 20},
        Scenario{.name = "Tunnel", .down = 64, .tunnel = true, .calls = 4},
        Scenario{.name = "TunnelLarge", .down = 16'384, .tunnel = true, .calls = 12}),
    [](const auto& scenario) { return scenario.param.name; });

// What the handler holds beside it is its own; the engine's slot of a socket is at most 128 bytes.
TEST(IdleConnection, HoldsLessThanOneKibibyte) {
  constexpr size_t kSlot = 128;
  constexpr size_t kQueue = net::kSendSlicesMax * (sizeof(base::Slice) + 1);
  EXPECT_LE(sizeof(ServerConnection) + kQueue + kSlot, 1024U);
  EXPECT_LE(sizeof(ClientConnection) + kQueue + kSlot, 1024U);
}

}  // namespace
}  // namespace giliran::conn
