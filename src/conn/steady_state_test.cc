// An exchange on connections that are kept open allocates nothing.
#include <gtest/gtest.h>

#include <memory>

#include "conn/client_connection.h"
#include "conn/server_connection.h"
#include "conn/test_allocations.h"
#include "net/engine.h"
#include "net/test_loop.h"

namespace giliran::conn {
namespace {

// Answers every request with its body; remembers nothing.
class Echo final : public ServerHandler, public ServerStreamEvents, public net::AcceptEvents {
 public:
  explicit Echo(net::Io& loop) : io(loop) {
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
    const Field field{.name = "X-A", .value = "b"};
    stream->send_head(
        {.status = 200, .reason = {}, .fields = {&field, 1}, .body = BodyLength::unknown()});
    return *this;
  }
  void on_refused(ServerConnection&, const StreamFacts&, const StreamClosed&, uint16_t,
                  std::string_view) override {}
  void on_connection_closed(ServerConnection&) override { connection.reset(); }
  void on_request_data(base::Slice data) override {
    stream->consume(data.size());
    stream->send_data(std::move(data));
  }
  void on_request_end(const Fields&) override { stream->send_end(); }
  void on_response_sent(uint32_t) override {}
  void on_closed(const StreamClosed&) override {}

  net::Io& io;
  net::ListenerId listener;
  ServerOptions options;
  ServerStream* stream = nullptr;
  std::unique_ptr<ServerConnection> connection;
};

class Asker final : public ClientConnectionOwner, public ClientStreamEvents {
 public:
  Asker(net::Io& io, const base::Address& to) : connection(io, to, 1, options, *this) { ask(); }
  void ask() {
    stream = &connection.start(*this);
    const Field host{.name = "Host", .value = "h"};
    stream->send_head(
        {.method = "POST", .target = "/x", .fields = {&host, 1}, .body = BodyLength::known(5)});
    stream->send_data(base::Slice::of_static("hello"));
    stream->send_end();
  }
  void on_idle(ClientConnection&) override {
    if (++done == warm) before = allocations_so_far();
    if (done == warm + count) after = allocations_so_far();
    if (done < warm + count) ask();
  }
  void on_unusable(ClientConnection&) override {}
  void on_connection_closed(ClientConnection&) override { closed = true; }
  void on_interim(const ResponseHead&) override {}
  void on_response_head(const ResponseHead&) override {}
  void on_response_data(base::Slice data) override { stream->consume(data.size()); }
  void on_response_end(const Fields&) override {}
  void on_request_sent(uint32_t) override {}
  void on_closed(const StreamClosed& c) override { EXPECT_EQ(c.end, StreamEnd::kComplete); }

  static constexpr uint64_t warm = 50, count = 500;
  ClientOptions options;
  ClientConnection connection;
  ClientStream* stream = nullptr;
  uint64_t done = 0, before = 0, after = 0;
  bool closed = false;
};

TEST(SteadyState, AllocationsAreCounted) {
  if (!allocations_are_counted()) GTEST_SKIP();
  const size_t before = allocations_so_far();
  ::operator delete(::operator new(8));
  EXPECT_EQ(allocations_so_far(), before + 1);
}

TEST(SteadyState, AllocatesNothing) {
  base::SystemClock clock;
  const auto io = std::move(*net::make_epoll_io(clock));
  Echo echo(*io);
  Asker asker(*io, io->listener_address(echo.listener));
  ASSERT_TRUE(net::run_until(*io, [&] { return asker.done == Asker::warm + Asker::count; }));
  EXPECT_EQ(asker.after - asker.before, 0U);
  asker.connection.shut();
  io->stop_listening(echo.listener);
  ASSERT_TRUE(net::run_until(*io, [&] { return io->sockets() == 0 && asker.closed; }));
}

}  // namespace
}  // namespace giliran::conn
