// splice() of every engine: bytes from one socket to another without coming up to us.
#include <gtest/gtest.h>

#include <cerrno>

#include "net/test_engines.h"

namespace giliran::net {
namespace {

using std::chrono::milliseconds;

// Accepts one connection, connects on, and splices both ways: what a flow does. Where it is told
// that this cannot be, it receives and sends once and tries again.
class Middle final : public SocketEvents, public AcceptEvents {
 public:
  Middle(Io& loop, const base::Address& target) : io(loop), target_(target) {
    auto result = io.listen(base::Address::loopback(0), {}, *this);
    EXPECT_TRUE(result);
    address = io.listener_address(*result);
  }

  // One direction, by the socket its bytes come from.
  struct Half {
    SocketId from, to;
    base::Slice copied;
    uint64_t given = 0, lost = 0, spliced = 0;
    int from_error = 0, to_error = 0, unable = 0, hangups = 0;
    bool ended = false;
  };

  void splice(Half& half) { io.splice(half.from, half.to); }
  void close() {
    for (const SocketId socket : {down, up}) io.close(socket, CloseMode::kReset);
  }

  void on_accepted(ListenerId, SocketId socket, const base::Address&) override {
    down = socket;
    io.own(down, *this);
    up = io.connect(target_, {}, *this);
  }
  void on_accept_paused(ListenerId, int) override {}
  void on_listener_closed(ListenerId) override {}
  void on_connected(SocketId, int error) override {
    EXPECT_EQ(error, 0);
    to_server.from = to_client.to = down;
    to_server.to = to_client.from = up;
    for (const SocketId socket : {down, up}) io.watch_hangup(socket);
    if (!starts) return;
    splice(to_server);
    splice(to_client);
  }
  void on_spliced(SocketId from, Spliced spliced) override {
    Half& half = from == down ? to_server : to_client;
    EXPECT_FALSE(io.receiving(half.from));
    EXPECT_FALSE(io.sending(half.to));
    ++events;
    half.given += spliced.bytes;
    half.spliced += spliced.bytes;
    half.lost += spliced.lost;
    switch (spliced.kind) {
      case Spliced::Kind::kData:
        EXPECT_GT(spliced.bytes, 0u);
        EXPECT_EQ(spliced.lost, 0u);
        splice(half);
        break;
      case Spliced::Kind::kEnd:
        EXPECT_EQ(spliced.bytes + spliced.lost, 0u);
        half.ended = true;
        io.shutdown_send(half.to);
        break;
      case Spliced::Kind::kFromError:
        EXPECT_EQ(spliced.bytes + spliced.lost, 0u);
        half.from_error = spliced.error;
        break;
      case Spliced::Kind::kToError:
        half.to_error = spliced.error;
        break;
      case Spliced::Kind::kUnable:
        EXPECT_EQ(spliced.bytes + spliced.lost, 0u);
        ++half.unable;
        io.receive(half.from);
        break;
    }
  }
  void on_received(SocketId from, Received received) override {
    Half& half = from == down ? to_server : to_client;
    switch (received.kind) {
      case Received::Kind::kData:
        half.copied = std::move(received.data);
        io.send(half.to, {&half.copied, 1});
        break;
      case Received::Kind::kEnd:
        half.ended = true;
        io.shutdown_send(half.to);
        break;
      case Received::Kind::kError:
        half.from_error = received.error;
        break;
    }
  }
  void on_sent(SocketId to, size_t bytes, int error) override {
    Half& half = to == up ? to_server : to_client;
    half.given += bytes;
    half.to_error = error;
    half.copied.reset();
    if (error == 0) splice(half);
  }
  void on_hangup(SocketId socket) override { ++(socket == down ? to_server : to_client).hangups; }
  void on_closed(SocketId) override { ++closed; }

  Io& io;
  base::Address address;
  SocketId down, up;
  Half to_server, to_client;
  bool starts = true;
  int closed = 0, events = 0;

 private:
  base::Address target_;
};

std::string pattern(size_t bytes, uint64_t factor) {
  std::string text(bytes, 'x');
  for (size_t i = 0; i < bytes; ++i) text[i] = static_cast<char>(i * factor >> 13);
  return text;
}

// A client, what is in the middle, a server; the middle has a loop of its own where there are two.
class IoSplice : public EngineTest {
 protected:
  void begin(bool server_receives = true, bool starts = true) {
    begin(GetParam()(), server_receives, starts);
  }
  void begin(std::unique_ptr<Bench> bench, bool server_receives, bool starts) {
    bench_ = std::move(bench);
    listener_ = std::make_unique<TestListener>(bench_->client(), server_receives);
    middle_ = std::make_unique<Middle>(bench_->server(), listener_->listen(any_));
    middle_->starts = starts;
    client_ = std::make_unique<TestPeer>(bench_->client());
    client_->connect(middle_->address);
    ASSERT_TRUE(until([&] { return !listener_->peers.empty() && !middle_->to_server.to.none(); }));
    server_ = listener_->peers[0].get();
  }
  void TearDown() override {
    if (bench_ == nullptr || middle_ == nullptr) return;
    middle_->close();
    close_all(*listener_, {client_.get()});
    EXPECT_EQ(middle_->closed, 2);
    EXPECT_EQ(io().buffers().blocks_in_use(), 0u);
  }
  Io& io() { return bench_->server(); }
  bool until(const std::function<bool()>& predicate) { return bench_->until(predicate); }
  // Fills everything on the way to a server that does not read.
  void stuff(const std::string& text) {
    client_->send(text);
    size_t sent = 0;
    for (int i = 0; i < 1000; ++i) {
      bench_->pass(milliseconds(10));
      const size_t before = std::exchange(sent, all_sent());
      if (io().sending(middle_->up) && before == sent) break;
    }
    ASSERT_TRUE(io().sending(middle_->up));
    ASSERT_LT(sent, text.size());
  }
  size_t all_sent() { return middle_->to_server.given + io().sent_so_far(middle_->up); }

  std::unique_ptr<TestListener> listener_;
  std::unique_ptr<Middle> middle_;
  std::unique_ptr<TestPeer> client_;
  TestPeer* server_ = nullptr;
};

TEST_P(IoSplice, EightMebibytesBothWaysAtOnceAndTheEnds) {
  begin();
  const std::string a = pattern(8 << 20, 2654435761u);
  const std::string b = pattern(8 << 20, 40503u);
  client_->on_done = [&] { bench_->client().shutdown_send(client_->socket); };
  server_->on_done = [&] { bench_->client().shutdown_send(server_->socket); };
  client_->send(a);
  server_->send(b);
  ASSERT_TRUE(until([&] { return server_->ended && client_->ended; }));
  EXPECT_TRUE(server_->incoming == a);
  EXPECT_TRUE(client_->incoming == b);
  for (const Middle::Half* half : {&middle_->to_server, &middle_->to_client}) {
    EXPECT_TRUE(half->ended);
    EXPECT_EQ(half->given, a.size());
    EXPECT_EQ(half->lost, 0u);
    EXPECT_GT(half->spliced, a.size() / 2);
    EXPECT_EQ(half->hangups, 0);
  }
  EXPECT_GT(io().counters().splices, 0u);
}

TEST_P(IoSplice, IsNeverInlineAndHoldsNothingWhileItWaits) {
  begin(true, /*starts=*/false);
  client_->send("there already");
  ASSERT_TRUE(until([&] { return client_->sends == 1; }));
  bench_->pass(milliseconds(5));
  middle_->splice(middle_->to_server);
  EXPECT_TRUE(io().receiving(middle_->down));
  EXPECT_EQ(middle_->events, 0);
  EXPECT_FALSE(io().sending(middle_->up));
  ASSERT_TRUE(until([&] { return server_->incoming == "there already"; }));
  bench_->pass(milliseconds(5));
  EXPECT_TRUE(io().receiving(middle_->down));
  EXPECT_FALSE(io().sending(middle_->up));
  EXPECT_EQ(io().sent_so_far(middle_->up), 0u);
  const uint64_t tried = io().counters().splices;
  bench_->pass(milliseconds(20));
  EXPECT_EQ(io().counters().splices, tried);  // nothing is tried in vain
  // The other direction is free for a receive and a send.
  server_->send("by hand");
  io().receive(middle_->up);
  ASSERT_TRUE(until([&] { return client_->incoming == "by hand"; }));
}

TEST_P(IoSplice, AReceiverThatStopsIsWaitedForWithoutSpinning) {
  begin(/*server_receives=*/false);
  const std::string big = pattern(32 << 20, 2654435761u);
  ASSERT_NO_FATAL_FAILURE(stuff(big));
  const size_t sent = all_sent();
  const base::Instant stuck = io().send_progress(middle_->up);
  const Io::Counters before = io().counters();
  bench_->pass(milliseconds(20));
  EXPECT_EQ(io().counters().splices, before.splices);
  EXPECT_EQ(io().counters().receives, before.receives);
  EXPECT_EQ(io().counters().sends, before.sends);
  EXPECT_EQ(io().send_progress(middle_->up), stuck);
  EXPECT_LT(stuck, io().now() - milliseconds(10));
  EXPECT_FALSE(io().receiving(middle_->down));
  server_->receiving = true;
  server_->receive();
  ASSERT_TRUE(until([&] { return all_sent() > sent; }));
  EXPECT_GT(io().send_progress(middle_->up), stuck);
  ASSERT_TRUE(until([&] { return server_->incoming.size() == big.size(); }));
  EXPECT_TRUE(server_->incoming == big);
  EXPECT_EQ(middle_->to_server.given, big.size());
}

TEST_P(IoSplice, AResetOfTheReceiverSaysWhatIsLost) {
  begin(/*server_receives=*/false);
  ASSERT_NO_FATAL_FAILURE(stuff(pattern(32 << 20, 40503u)));
  const size_t given = all_sent();
  server_->close(CloseMode::kReset);
  ASSERT_TRUE(until([&] { return middle_->to_server.to_error != 0; }));
  const int error = middle_->to_server.to_error;
  EXPECT_TRUE(error == ECONNRESET || error == EPIPE) << error;
  EXPECT_GE(middle_->to_server.given, given);
  if (middle_->to_server.unable == 0) {
    EXPECT_GT(middle_->to_server.lost, 0u);
  }
  EXPECT_FALSE(io().sending(middle_->up));
  EXPECT_FALSE(io().receiving(middle_->down));
  // What was lost gets into nobody else's stream.
  Middle other(io(), bench_->client().listener_address(listener_->id));
  TestPeer client(bench_->client());
  client.connect(other.address);
  ASSERT_TRUE(until([&] { return listener_->peers.size() == 2; }));
  listener_->peers[1]->receiving = true;
  listener_->peers[1]->receive();
  client.send("fresh");
  ASSERT_TRUE(until([&] { return !listener_->peers[1]->incoming.empty(); }));
  EXPECT_EQ(listener_->peers[1]->incoming, "fresh");
  other.close();
  client.close();
  ASSERT_TRUE(until([&] { return other.closed == 2 && client.closed; }));
}

TEST_P(IoSplice, AResetOfTheSenderIsAHangupWhileBytesAreBetween) {
  begin(/*server_receives=*/false);
  ASSERT_NO_FATAL_FAILURE(stuff(pattern(32 << 20, 40503u)));
  client_->close(CloseMode::kReset);
  ASSERT_TRUE(until([&] { return middle_->to_server.hangups == 1; }));
  EXPECT_EQ(middle_->to_server.from_error, 0);
  EXPECT_TRUE(io().sending(middle_->up));  // still
  const int events = middle_->events;
  middle_->close();
  EXPECT_FALSE(io().sending(middle_->up));
  ASSERT_TRUE(until([&] { return middle_->closed == 2; }));
  bench_->pass(milliseconds(5));
  EXPECT_EQ(middle_->events, events);
}

TEST_P(IoSplice, AResetOfTheSenderIsAnErrorWhereNothingIsBetween) {
  begin();
  client_->send("a little");
  ASSERT_TRUE(until([&] { return server_->incoming == "a little"; }));
  client_->close(CloseMode::kReset);
  ASSERT_TRUE(until([&] { return middle_->to_server.from_error != 0; }));
  EXPECT_EQ(middle_->to_server.from_error, ECONNRESET);
  EXPECT_EQ(middle_->to_server.given, 8u);
}

TEST_P(IoSplice, TheEndComesAfterAllThatWasBetween) {
  begin(/*server_receives=*/false);
  const std::string big = pattern(32 << 20, 2654435761u);
  client_->on_done = [&] { bench_->client().shutdown_send(client_->socket); };
  ASSERT_NO_FATAL_FAILURE(stuff(big));
  EXPECT_FALSE(middle_->to_server.ended);
  server_->receiving = true;
  server_->receive();
  ASSERT_TRUE(until([&] { return server_->ended; }));
  EXPECT_TRUE(server_->incoming == big);
  EXPECT_TRUE(middle_->to_server.ended);
  server_->send("and the other way still");
  ASSERT_TRUE(until([&] { return client_->incoming == "and the other way still"; }));
}

TEST_P(IoSplice, ClosingTheSenderWhileItWaitsLeavesTheOtherFree) {
  begin();
  bench_->pass(milliseconds(5));
  const int events = middle_->events;
  io().close(middle_->down, CloseMode::kGraceful);
  ASSERT_TRUE(until([&] { return middle_->closed == 1 && client_->ended; }));
  EXPECT_EQ(middle_->events, events);
  EXPECT_FALSE(io().receiving(middle_->up));  // what came from there went to the one that is closed
  const base::Slice last = base::Slice::of_static("last words");
  middle_->to_server.copied = last.share();
  io().send(middle_->up, {&middle_->to_server.copied, 1});
  ASSERT_TRUE(until([&] { return server_->incoming == "last words"; }));
}

TEST_P(IoSplice, ClosingTheReceiverDropsWhatIsBetween) {
  begin(/*server_receives=*/false);
  ASSERT_NO_FATAL_FAILURE(stuff(pattern(32 << 20, 40503u)));
  const int events = middle_->events;
  io().close(middle_->up, CloseMode::kReset);
  EXPECT_FALSE(io().receiving(middle_->down));
  ASSERT_TRUE(until([&] { return middle_->closed == 1; }));
  bench_->pass(milliseconds(5));
  EXPECT_EQ(middle_->events, events);
  EXPECT_FALSE(io().receiving(middle_->down));
}

TEST_P(IoSplice, StaleIdsAreDropped) {
  begin();
  const SocketId stale = middle_->up;
  io().close(stale, CloseMode::kGraceful);
  ASSERT_TRUE(until([&] { return middle_->closed == 1; }));
  io().splice(stale, middle_->down);
  io().splice(middle_->down, stale);
  EXPECT_FALSE(io().receiving(middle_->down));
}

class EpollSplice : public IoSplice {};

TEST_P(EpollSplice, WithoutAPipeItIsSaidAndEverythingArrives) {
  begin(std::make_unique<EpollBench>(EpollOptions{.pipes_max = 0}), true, true);
  const std::string big = pattern(8 << 20, 2654435761u);
  client_->on_done = [&] { bench_->client().shutdown_send(client_->socket); };
  client_->send(big);
  ASSERT_TRUE(until([&] { return server_->ended; }));
  EXPECT_TRUE(server_->incoming == big);
  EXPECT_EQ(middle_->to_server.spliced, 0u);
  EXPECT_GT(middle_->to_server.unable, 10);
  EXPECT_EQ(io().counters().splices, 0u);
}

// Every one that is full holds a pipe; one more is told, and works by hand.
TEST_P(EpollSplice, OneMoreReceiverThatIsFullThanThereArePipes) {
  begin(std::make_unique<EpollBench>(EpollOptions{.pipes_max = 1}), /*server_receives=*/false,
        true);
  ASSERT_NO_FATAL_FAILURE(stuff(pattern(32 << 20, 40503u)));
  ASSERT_EQ(middle_->to_server.unable, 0);
  server_->send("the other way");
  ASSERT_TRUE(until([&] { return client_->incoming == "the other way"; }));
  EXPECT_EQ(middle_->to_client.spliced, 0u);
  EXPECT_GT(middle_->to_client.unable, 0);
}

INSTANTIATE_TEST_SUITE_P(Epoll, EpollSplice, kEpollBench);
INSTANTIATE_TEST_SUITE_P(Epoll, IoSplice, kEpollBench);
INSTANTIATE_TEST_SUITE_P(Memory, IoSplice, kMemoryBench);

}  // namespace
}  // namespace giliran::net
