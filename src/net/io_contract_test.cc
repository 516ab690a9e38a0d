// What every engine owes its users: one suite, run over the real loop and the in-memory network.
#include <gtest/gtest.h>

#include <cerrno>
#include <cstdio>

#include "net/test_engines.h"

namespace giliran::net {
namespace {

using std::chrono::milliseconds;

using IoContract = EngineTest;

TEST_P(IoContract, ConnectsAndEchoes) {
  TestListener listener(bench_->server());
  const base::Address address = listener.listen(any_);
  EXPECT_NE(address.port(), 0);
  TestPeer client(bench_->client());
  client.connect(address);
  EXPECT_EQ(client.events, "");  // never inline
  ASSERT_TRUE(bench_->until([&] { return client.connected && !listener.peers.empty(); }));
  TestPeer& server = *listener.peers[0];
  EXPECT_EQ(bench_->client().peer_address(client.socket), address);
  EXPECT_EQ(bench_->server().local_address(server.socket), address);
  EXPECT_EQ(bench_->client().local_address(client.socket), listener.addresses[0]);
  EXPECT_EQ(bench_->server().peer_address(server.socket), listener.addresses[0]);
  server.on_data = [&] { server.send(std::exchange(server.incoming, {})); };
  client.send("hello");
  EXPECT_EQ(client.sends, 0u);  // never inline
  ASSERT_TRUE(bench_->until([&] { return client.incoming == "hello"; }));
  EXPECT_EQ(client.sent_bytes, 5u);
  EXPECT_EQ(bench_->client().buffers().blocks_in_use(), 0u);
  server.on_data = nullptr;
  close_all(listener, {&client});
}

TEST_P(IoContract, IdleReceiveHoldsNoBuffer) {
  TestListener listener(bench_->server());
  TestPeer client(bench_->client());
  TestPeer& server = pair(listener, client, listener.listen(any_));
  EXPECT_TRUE(bench_->server().receiving(server.socket));
  EXPECT_EQ(bench_->server().buffers().blocks_in_use(), 0u);
  close_all(listener, {&client});
}

TEST_P(IoContract, MovesEightMebibytesBothWaysAtOnce) {
  std::string a(8 << 20, 'a');
  std::string b(8 << 20, 'b');
  for (size_t i = 0; i < a.size(); ++i) {
    a[i] = static_cast<char>(i * 2654435761u >> 13);
    b[i] = static_cast<char>(i * 40503u >> 7);
  }
  TestListener listener(bench_->server());
  TestPeer client(bench_->client());
  TestPeer& server = pair(listener, client, listener.listen(any_));
  client.send(a);
  server.send(b);
  ASSERT_TRUE(bench_->until(
      [&] { return server.incoming.size() >= a.size() && client.incoming.size() >= b.size(); }));
  EXPECT_TRUE(server.incoming == a);
  EXPECT_TRUE(client.incoming == b);
  EXPECT_EQ(client.sent_bytes, a.size());
  close_all(listener, {&client});
}

TEST_P(IoContract, SenderWaitsForAReceiverThatDoesNotRead) {
  const std::string big(32 << 20, 'x');  // more than any socket buffer
  TestListener listener(bench_->server(), /*receive_all=*/false);
  TestPeer client(bench_->client());
  TestPeer& server = pair(listener, client, listener.listen(any_));
  const base::Instant began = bench_->client().turn_started();
  client.send(big);
  ASSERT_TRUE(bench_->until([&] { return bench_->client().sent_so_far(client.socket) > 0; }));
  bench_->pass(milliseconds(20));
  EXPECT_EQ(client.sends, 0u);
  EXPECT_TRUE(bench_->client().sending(client.socket));
  EXPECT_LT(bench_->client().sent_so_far(client.socket), big.size());
  EXPECT_EQ(server.incoming.size(), 0u);
  EXPECT_EQ(bench_->server().buffers().blocks_in_use(), 0u);
  // It tells when it last moved, while it waits and when it moves again.
  const base::Instant stuck = bench_->client().send_progress(client.socket);
  EXPECT_GE(stuck, began);
  EXPECT_LE(stuck, bench_->client().now() - milliseconds(10));
  bench_->pass(milliseconds(20));
  EXPECT_EQ(bench_->client().send_progress(client.socket), stuck);
  const size_t taken = bench_->client().sent_so_far(client.socket);
  server.receiving = true;
  server.receive();
  ASSERT_TRUE(bench_->until([&] {
    return server.incoming.size() == big.size() ||
           bench_->client().sent_so_far(client.socket) > taken;
  }));
  EXPECT_GT(bench_->client().send_progress(client.socket), stuck);
  ASSERT_TRUE(bench_->until([&] { return server.incoming.size() == big.size(); }));
  EXPECT_EQ(client.sends, 1u);
  close_all(listener, {&client});
}

TEST_P(IoContract, SendsSeveralSlicesInOrderSomeAddedLater) {
  TestListener listener(bench_->server());
  TestPeer client(bench_->client());
  TestPeer& server = pair(listener, client, listener.listen(any_));
  struct Sender final : SocketEvents {
    void on_received(SocketId, Received) override {}
    void on_sent(SocketId, size_t n, int error) override {
      bytes = n;
      EXPECT_EQ(error, 0);
    }
    void on_closed(SocketId) override {}
    size_t bytes = 0;
  } sender;
  std::vector<std::string> texts;
  std::string expected;
  base::Slice slices[kSendSlicesMax];
  for (size_t i = 0; i < kSendSlicesMax; ++i) {
    texts.push_back(std::string(size_t{1} << (2 * i + 6), static_cast<char>('a' + i)));
  }
  for (size_t i = 0; i < kSendSlicesMax; ++i) {
    slices[i] = base::Slice::of_static(texts[i]);
    expected += texts[i];
  }
  bench_->client().own(client.socket, sender);
  Io& io = bench_->client();
  EXPECT_FALSE(io.extend_send(client.socket, 1));
  io.send(client.socket, std::span(slices).first(3));
  EXPECT_TRUE(io.extend_send(client.socket, kSendSlicesMax - 3));
  EXPECT_FALSE(io.extend_send(client.socket, 1));
  ASSERT_TRUE(bench_->until([&] { return server.incoming.size() == expected.size(); }));
  EXPECT_TRUE(server.incoming == expected);
  EXPECT_TRUE(bench_->until([&] { return sender.bytes == expected.size(); }));
  bench_->client().own(client.socket, client);
  client.receiving = false;
  close_all(listener, {&client});
}

TEST_P(IoContract, HalfCloseEndsOneDirectionOnly) {
  TestListener listener(bench_->server());
  TestPeer client(bench_->client());
  TestPeer& server = pair(listener, client, listener.listen(any_));
  bench_->server().watch_hangup(server.socket);
  client.on_done = [&] { bench_->client().shutdown_send(client.socket); };
  client.send("question");
  ASSERT_TRUE(bench_->until([&] { return server.ended; }));
  EXPECT_EQ(server.incoming, "question");
  EXPECT_EQ(server.events, "end ");
  server.send("answer");
  ASSERT_TRUE(bench_->until([&] { return client.incoming == "answer"; }));
  bench_->pass(milliseconds(5));
  EXPECT_EQ(server.hangups, 0);
  server.close();
  ASSERT_TRUE(bench_->until([&] { return client.ended && server.closed; }));
  EXPECT_EQ(client.events, "connected end ");
  EXPECT_EQ(server.events, "end closed ");
  close_all(listener, {&client});
}

TEST_P(IoContract, OrderlyEndAfterOwnHalfCloseIsNoHangup) {
  TestListener listener(bench_->server());
  TestPeer client(bench_->client(), /*receive_all=*/false);
  TestPeer& server = pair(listener, client, listener.listen(any_));
  bench_->client().watch_hangup(client.socket);
  bench_->client().shutdown_send(client.socket);
  ASSERT_TRUE(bench_->until([&] { return server.ended; }));
  server.on_done = [&] { server.close(); };
  server.send("last words");
  ASSERT_TRUE(bench_->until([&] { return server.closed; }));
  bench_->pass(milliseconds(5));
  EXPECT_EQ(client.hangups, 0);
  client.receiving = true;
  client.receive();
  ASSERT_TRUE(bench_->until([&] { return client.ended; }));
  EXPECT_EQ(client.incoming, "last words");
  close_all(listener, {&client});
}

TEST_P(IoContract, ResetIsAnErrorOfTheReceive) {
  TestListener listener(bench_->server());
  TestPeer client(bench_->client());
  TestPeer& server = pair(listener, client, listener.listen(any_));
  client.close(CloseMode::kReset);
  ASSERT_TRUE(bench_->until([&] { return server.receive_error != 0; }));
  EXPECT_EQ(server.receive_error, ECONNRESET);
  EXPECT_EQ(server.events, "error ");
  EXPECT_EQ(client.events, "connected closed ");
  close_all(listener, {});
}

TEST_P(IoContract, ResetIsAHangupWithoutAReceive) {
  TestListener listener(bench_->server(), /*receive_all=*/false);
  TestPeer client(bench_->client());
  TestPeer& server = pair(listener, client, listener.listen(any_));
  bench_->server().watch_hangup(server.socket);
  client.close(CloseMode::kReset);
  ASSERT_TRUE(bench_->until([&] { return server.hangups != 0; }));
  bench_->pass(milliseconds(5));
  EXPECT_EQ(server.events, "hangup ");
  close_all(listener, {});
}

TEST_P(IoContract, HangupSeenBeforeItIsWatchedIsToldLater) {
  TestListener listener(bench_->server(), /*receive_all=*/false);
  TestPeer client(bench_->client());
  TestPeer& server = pair(listener, client, listener.listen(any_));
  client.close(CloseMode::kReset);
  bench_->pass(milliseconds(20));
  EXPECT_EQ(server.events, "");
  bench_->server().watch_hangup(server.socket);
  EXPECT_EQ(server.events, "");  // never inline
  ASSERT_TRUE(bench_->until([&] { return server.hangups == 1; }));
  close_all(listener, {});
}

TEST_P(IoContract, EndIsSeenBehindWhatIsNotReceived) {
  TestListener listener(bench_->server(), /*receive_all=*/false);
  TestPeer client(bench_->client());
  TestPeer& server = pair(listener, client, listener.listen(any_));
  bench_->server().watch_end(server.socket);
  client.on_done = [&] { bench_->client().shutdown_send(client.socket); };
  client.send("unread");
  ASSERT_TRUE(bench_->until([&] { return server.ends == 1; }));
  EXPECT_EQ(server.incoming, "");
  server.receiving = true;
  server.receive();
  ASSERT_TRUE(bench_->until([&] { return server.ended; }));
  EXPECT_EQ(server.incoming, "unread");
  EXPECT_EQ(server.events, "over end ");
  close_all(listener, {&client});
}

TEST_P(IoContract, EndSeenBeforeItIsWatchedIsToldLater) {
  TestListener listener(bench_->server(), /*receive_all=*/false);
  TestPeer client(bench_->client());
  TestPeer& server = pair(listener, client, listener.listen(any_));
  bench_->client().shutdown_send(client.socket);
  bench_->pass(milliseconds(20));
  bench_->server().watch_end(server.socket);
  EXPECT_EQ(server.events, "");  // never inline
  ASSERT_TRUE(bench_->until([&] { return server.ends == 1; }));
  close_all(listener, {&client});
}

TEST_P(IoContract, ResetIsNoEnd) {
  TestListener listener(bench_->server(), /*receive_all=*/false);
  TestPeer client(bench_->client());
  TestPeer& server = pair(listener, client, listener.listen(any_));
  bench_->server().watch_hangup(server.socket);
  bench_->server().watch_end(server.socket);
  client.close(CloseMode::kReset);
  ASSERT_TRUE(bench_->until([&] { return server.hangups != 0; }));
  bench_->pass(milliseconds(5));
  EXPECT_EQ(server.events, "hangup ");
  close_all(listener, {});
}

TEST_P(IoContract, ASendIsOfferedToTheKernelAtOnce) {
  const std::string big(32 << 20, 'x');
  TestListener listener(bench_->server(), /*receive_all=*/false);
  TestPeer client(bench_->client());
  TestPeer& server = pair(listener, client, listener.listen(any_));
  bench_->client().send_now(client.socket);  // nothing is outstanding
  client.send("now");
  bench_->client().send_now(client.socket);
  EXPECT_EQ(bench_->client().sent_so_far(client.socket), 3u);
  EXPECT_EQ(client.sends, 0u);  // never inline
  EXPECT_FALSE(bench_->client().unsend(client.socket));
  ASSERT_TRUE(bench_->until([&] { return client.sends == 1; }));
  EXPECT_EQ(client.sent_bytes, 3u);
  client.send(big);
  bench_->client().send_now(client.socket);
  const size_t taken = bench_->client().sent_so_far(client.socket);
  EXPECT_GT(taken, 0u);
  EXPECT_LT(taken, big.size());
  server.receiving = true;
  server.receive();
  ASSERT_TRUE(bench_->until([&] { return server.incoming.size() == big.size() + 3; }));
  EXPECT_TRUE(server.incoming == "now" + big);
  close_all(listener, {&client});
}

TEST_P(IoContract, WhatTheKernelHasNotTakenIsTakenBack) {
  const std::string big(32 << 20, 'x');
  TestListener listener(bench_->server(), /*receive_all=*/false);
  TestPeer client(bench_->client());
  TestPeer& server = pair(listener, client, listener.listen(any_));
  EXPECT_FALSE(bench_->client().unsend(client.socket));  // nothing is outstanding
  client.send("never said");
  EXPECT_TRUE(bench_->client().unsend(client.socket));
  EXPECT_FALSE(bench_->client().sending(client.socket));
  bench_->pass(milliseconds(5));
  EXPECT_EQ(client.sends, 0u);
  client.send(big);
  ASSERT_TRUE(bench_->until([&] { return bench_->client().sent_so_far(client.socket) > 0; }));
  EXPECT_FALSE(bench_->client().unsend(client.socket));
  server.receiving = true;
  server.receive();
  ASSERT_TRUE(bench_->until([&] { return server.incoming.size() == big.size(); }));
  EXPECT_TRUE(server.incoming == big);
  close_all(listener, {&client});
}

TEST_P(IoContract, SendToAResetConnectionFails) {
  const std::string big(32 << 20, 'x');
  TestListener listener(bench_->server(), /*receive_all=*/false);
  TestPeer client(bench_->client(), /*receive_all=*/false);
  TestPeer& server = pair(listener, client, listener.listen(any_));
  client.send(big);
  bench_->pass(milliseconds(5));
  server.close(CloseMode::kReset);
  ASSERT_TRUE(bench_->until([&] { return client.send_error != 0; }));
  EXPECT_TRUE(client.send_error == ECONNRESET || client.send_error == EPIPE);
  EXPECT_LT(client.sent_bytes, big.size());
  close_all(listener, {&client});
}

TEST_P(IoContract, CloseWithUnreadDataResets) {
  TestListener listener(bench_->server(), /*receive_all=*/false);
  TestPeer client(bench_->client());
  TestPeer& server = pair(listener, client, listener.listen(any_));
  client.send("never read");
  bench_->pass(milliseconds(10));
  server.close();
  ASSERT_TRUE(bench_->until([&] { return client.receive_error == ECONNRESET; }));
  close_all(listener, {&client});
}

TEST_P(IoContract, GracefulCloseDeliversWhatWasSent) {
  TestListener listener(bench_->server());
  TestPeer client(bench_->client());
  TestPeer& server = pair(listener, client, listener.listen(any_));
  const std::string text(40'000, 't');
  server.on_done = [&] { server.close(); };
  server.send(text);
  ASSERT_TRUE(bench_->until([&] { return client.ended; }));
  EXPECT_TRUE(client.incoming == text);
  close_all(listener, {&client});
}

TEST_P(IoContract, NothingButClosedAfterClose) {
  TestListener listener(bench_->server());
  TestPeer client(bench_->client());
  TestPeer& server = pair(listener, client, listener.listen(any_));
  client.send("one");
  server.send("two");
  bench_->client().watch_hangup(client.socket);
  client.close();
  client.close();  // again: dropped
  EXPECT_EQ(client.events, "connected ");
  EXPECT_FALSE(bench_->client().sending(client.socket));
  EXPECT_FALSE(bench_->client().receiving(client.socket));
  ASSERT_TRUE(bench_->until([&] { return client.closed; }));
  bench_->pass(milliseconds(5));
  EXPECT_EQ(client.events, "connected closed ");
  EXPECT_EQ(client.sends, 0u);
  EXPECT_EQ(client.incoming, "");
  close_all(listener, {});
}

TEST_P(IoContract, CloseWhileConnectingGivesClosedOnly) {
  TestListener listener(bench_->server());
  const base::Address address = listener.listen(any_);
  TestPeer client(bench_->client());
  client.connect(address);
  client.close(CloseMode::kReset);
  ASSERT_TRUE(bench_->until([&] { return client.closed; }));
  bench_->pass(milliseconds(5));
  EXPECT_EQ(client.events, "closed ");
  close_all(listener, {});
}

TEST_P(IoContract, StaleIdsAreDropped) {
  TestListener listener(bench_->server());
  const base::Address address = listener.listen(any_);
  TestPeer first(bench_->client());
  pair(listener, first, address);
  const SocketId stale = first.socket;
  first.close();
  ASSERT_TRUE(bench_->until([&] { return first.closed; }));
  TestPeer second(bench_->client());
  pair(listener, second, address);
  EXPECT_EQ(second.socket.slot, stale.slot);
  EXPECT_NE(second.socket.generation, stale.generation);
  base::Slice slice = base::Slice::of_static("stale");
  bench_->client().send(stale, {&slice, 1});
  bench_->client().receive(stale);
  bench_->client().watch_hangup(stale);
  bench_->client().shutdown_send(stale);
  bench_->client().close(stale);
  EXPECT_TRUE(bench_->client().local_address(stale).none());
  TestPeer& server = *listener.peers.back();
  server.send("fresh");
  ASSERT_TRUE(bench_->until([&] { return second.incoming == "fresh"; }));
  EXPECT_FALSE(second.closed);
  EXPECT_EQ(server.incoming, "");
  close_all(listener, {&second});
}

TEST_P(IoContract, RefusedConnectIsToldLater) {
  TestListener listener(bench_->server());
  const base::Address address = listener.listen(any_);
  bench_->server().stop_listening(listener.id);
  EXPECT_FALSE(listener.closed);  // never inline
  ASSERT_TRUE(bench_->until([&] { return listener.closed; }));
  TestPeer client(bench_->client());
  client.connect(address);
  EXPECT_EQ(client.events, "");
  ASSERT_TRUE(bench_->until([&] { return client.connect_error != 0; }));
  EXPECT_EQ(client.connect_error, ECONNREFUSED);
  EXPECT_EQ(bench_->client().sockets(), 1u);
  client.close();
  ASSERT_TRUE(bench_->until([&] { return client.closed; }));
  EXPECT_EQ(client.events, "refused closed ");
  EXPECT_EQ(bench_->client().sockets(), 0u);
}

TEST_P(IoContract, StopListeningKeepsWhatIsOpen) {
  TestListener listener(bench_->server());
  TestPeer client(bench_->client());
  TestPeer& server = pair(listener, client, listener.listen(any_));
  bench_->server().stop_listening(listener.id);
  ASSERT_TRUE(bench_->until([&] { return listener.closed; }));
  bench_->server().stop_listening(listener.id);  // stale: dropped
  client.send("still here");
  ASSERT_TRUE(bench_->until([&] { return server.incoming == "still here"; }));
  close_all(listener, {&client});
}

TEST_P(IoContract, ConnectsFromTheSourceAsked) {
  TestListener listener(bench_->server());
  const base::Address address = listener.listen(any_);
  TestPeer client(bench_->client());
  const base::Address source = base::Address::ipv4(0x7f000005, 0);
  client.connect(address, {.source = source});
  ASSERT_TRUE(bench_->until([&] { return client.connected && !listener.peers.empty(); }));
  EXPECT_EQ(listener.addresses[0].host_text(), "127.0.0.5");
  EXPECT_NE(listener.addresses[0].port(), 0);
  close_all(listener, {&client});
}

TEST_P(IoContract, SeveralLoopsListenOnOneAddress) {
  TestListener first(bench_->server());
  TestListener second(bench_->client());
  const base::Address address = first.listen(any_, {.reuse_port = true});
  EXPECT_EQ(second.listen(address, {.reuse_port = true}), address);
  std::vector<std::unique_ptr<TestPeer>> clients;
  for (int i = 0; i < 40; ++i) {
    clients.push_back(std::make_unique<TestPeer>(bench_->client()));
    clients.back()->connect(address);
  }
  ASSERT_TRUE(bench_->until([&] { return first.peers.size() + second.peers.size() == 40; }));
  EXPECT_GT(first.peers.size(), 0u);
  EXPECT_GT(second.peers.size(), 0u);
  for (auto& client : clients) client->close();
  for (auto& peer : second.peers) peer->close();
  close_all(first, {});
}

TEST_P(IoContract, ListeningTwiceFails) {
  TestListener first(bench_->server());
  const base::Address address = first.listen(any_);
  TestListener second(bench_->client());
  const auto result = bench_->client().listen(address, {}, second);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, EADDRINUSE);
}

TEST_P(IoContract, TimersFireInOrderAndNotEarly) {
  Io& io = bench_->server();
  struct Mark final : Timer {
    Mark(Io& loop, std::vector<int>& out, int n) : io(loop), order(out), number(n) {}
    void on_timer() override {
      EXPECT_GE(io.now(), deadline());
      order.push_back(number);
    }
    Io& io;
    std::vector<int>& order;
    int number;
  };
  std::vector<int> order;
  Mark late(io, order, 3), soon(io, order, 1), middle(io, order, 2), never(io, order, 9);
  io.arm(late, milliseconds(9));
  io.arm(soon, milliseconds(1));
  io.arm(middle, milliseconds(4));
  io.arm(never, milliseconds(2));
  io.timers().disarm(never);
  ASSERT_TRUE(bench_->until([&] { return order.size() == 3; }));
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
}

TEST_P(IoContract, PostedTasksRunLaterAndInOrder) {
  std::vector<int> order;
  Io& io = bench_->server();
  io.post([&] {
    order.push_back(1);
    io.post([&] { order.push_back(3); });
  });
  io.post([&] { order.push_back(2); });
  EXPECT_TRUE(order.empty());
  ASSERT_TRUE(bench_->until([&] { return order.size() == 3; }));
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
}

TEST_P(IoContract, ManyConnectionsPingPong) {
  TestListener listener(bench_->server());
  listener.on_peer = [&](TestPeer& server) {
    server.on_data = [&server] {
      if (!server.ended) server.send(std::exchange(server.incoming, {}));
    };
  };
  const base::Address address = listener.listen(any_);
  std::vector<std::unique_ptr<TestPeer>> clients;
  size_t done = 0;
  for (int i = 0; i < 100; ++i) {
    clients.push_back(std::make_unique<TestPeer>(bench_->client()));
    TestPeer& client = *clients.back();
    client.connect(address);
    client.on_data = [&client, &done] {
      if (client.incoming.size() % 10 != 0) return;
      if (client.incoming.size() == 200) {
        ++done;
        client.close();
      } else {
        client.send("0123456789");
      }
    };
  }
  ASSERT_TRUE(bench_->until([&] {
    for (auto& client : clients) {
      if (!client->connected) return false;
    }
    return true;
  }));
  for (auto& client : clients) client->send("0123456789");
  ASSERT_TRUE(bench_->until([&] { return done == clients.size(); }));
  for (auto& peer : listener.peers) peer->on_data = nullptr;
  close_all(listener, {});
}

INSTANTIATE_TEST_SUITE_P(Epoll, IoContract, kEpollBench);
INSTANTIATE_TEST_SUITE_P(Memory, IoContract, kMemoryBench);

}  // namespace
}  // namespace giliran::net
