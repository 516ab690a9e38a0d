// TCP through the real worker.
#include "proxy/flow.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/test_world.h"

namespace giliran::proxy {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class FlowTest : public ProxyTest {
 protected:
  void begin(size_t servers = 1) {
    start(servers);
    for (const auto& server : servers_) {
      server->listener.on_peer = [this](net::TestPeer& peer) { upstream_ = &peer; };
    }
  }
  net::TestPeer& open() {
    upstream_ = nullptr;
    net::TestPeer& client = connect(kTcpPort);
    EXPECT_TRUE(until([&] { return upstream_ != nullptr; }));
    settle();
    return client;
  }
  void expect_end(End end, By by, Phase phase) {
    ASSERT_TRUE(until([&] { return !records_.empty(); }));
    settle();
    ASSERT_EQ(records_.size(), 1U);
    const telemetry::Record& r = records_[0].record;
    EXPECT_EQ(name(r.end), name(end));
    EXPECT_EQ(name(r.by), name(by));
    EXPECT_EQ(name(r.phase), name(phase));
    EXPECT_EQ(r.kind, telemetry::Kind::kFlow);
    EXPECT_EQ(r.proto, telemetry::Proto::kTcp);
  }
  static bool heard(const net::TestPeer& peer) {
    return peer.receive_error != 0 || peer.ended || peer.hangups != 0;
  }

  net::TestPeer* upstream_ = nullptr;
};

TEST_F(FlowTest, BytesBothWaysAndHalfClose) {
  begin();
  net::TestPeer& client = open();
  std::string big(300'000, 'x');
  for (size_t i = 0; i < big.size(); ++i) big[i] = static_cast<char>(i * 31 % 251);
  client.send(big);
  client.send("end");
  ASSERT_TRUE(until([&] { return upstream_->incoming == big + "end"; }));
  peers_.shutdown_send(client.socket);
  ASSERT_TRUE(until([&] { return upstream_->ended; }));
  EXPECT_FALSE(client.ended);
  upstream_->send("answer");
  ASSERT_TRUE(until([&] { return client.incoming == "answer"; }));
  EXPECT_TRUE(records_.empty());
  upstream_->close();
  ASSERT_TRUE(until([&] { return client.ended; }));
  expect_end(End::kOk, By::kNobody, Phase::kNone);
  EXPECT_EQ(records_[0].record.down_in, big.size() + 3);
  EXPECT_EQ(records_[0].record.up_out, big.size() + 3);
  EXPECT_EQ(records_[0].record.down_out, 6U);
  EXPECT_EQ(records_[0].server, "s0");
  EXPECT_EQ(records_[0].name, "tcp");
  EXPECT_EQ(records_[0].record.upstream_local, servers_[0]->listener.addresses[0]);
}

TEST_F(FlowTest, AServerThatHasClosedHasItsSlotFree) {
  pool_config_.in_flight_max = 1;
  begin();
  net::TestPeer& client = open();
  net::TestPeer& waiting = connect(kTcpPort);
  ASSERT_TRUE(until([&] { return pool_->state->queue.waiting.load() == 1; }));
  EXPECT_EQ(endpoints_[0]->live.in_flight.load(), 1U);
  net::TestPeer* const first = std::exchange(upstream_, nullptr);
  first->close();
  ASSERT_TRUE(until([&] { return client.ended && upstream_ != nullptr; }));
  upstream_->send("served");
  ASSERT_TRUE(until([&] { return waiting.incoming == "served"; }));
  EXPECT_EQ(endpoints_[0]->live.in_flight.load(), 1U);
  EXPECT_TRUE(records_.empty());  // the first flow is not over: its client may go on
  client.close();
  waiting.close();
  upstream_->close();
  ASSERT_TRUE(until([&] { return records_.size() == 2; }));
  settle();
  EXPECT_EQ(endpoints_[0]->live.in_flight.load(), 0U);
}

// As far as it goes: a server that says no more may still read.
TEST_F(FlowTest, WhatAClientSaysToAServerThatSaysNoMorePasses) {
  begin();
  net::TestPeer& client = open();
  peers_.shutdown_send(upstream_->socket);
  ASSERT_TRUE(until([&] { return client.ended; }));
  EXPECT_EQ(endpoints_[0]->live.in_flight.load(), 0U);
  client.send("the rest");
  ASSERT_TRUE(until([&] { return upstream_->incoming == "the rest"; }));
  client.close();
  expect_end(End::kOk, By::kNobody, Phase::kNone);
  EXPECT_EQ(endpoints_[0]->live.in_flight.load(), 0U);
}

TEST_F(FlowTest, TheServerSpeaksFirst) {
  begin();
  net::TestPeer& client = open();
  upstream_->send("220 hello\r\n");
  ASSERT_TRUE(until([&] { return client.incoming == "220 hello\r\n"; }));
}

TEST_F(FlowTest, WhatTheClientSaysBeforeItIsConnectedIsNotLost) {
  start(1);
  net::TestPeer& client = connect(kTcpPort);
  client.on_data = [] {};
  ASSERT_TRUE(until([&] { return client.connected; }));
  client.send("early\r\n\r\n");
  ASSERT_TRUE(until([&] { return !servers_[0]->requests.empty(); }));
  EXPECT_EQ(servers_[0]->requests[0], "early\r\n\r\n");
}

TEST_F(FlowTest, AResetOfTheClient) {
  begin();
  net::TestPeer& client = open();
  client.send("abc");
  ASSERT_TRUE(until([&] { return upstream_->incoming == "abc"; }));
  client.close(net::CloseMode::kReset);
  ASSERT_TRUE(until([&] { return heard(*upstream_); }));
  EXPECT_EQ(upstream_->receive_error, ECONNRESET);
  expect_end(End::kClientClosed, By::kClient, Phase::kData);
  EXPECT_EQ(records_[0].record.up_out, 3U);
}

TEST_F(FlowTest, AResetOfTheServer) {
  begin();
  net::TestPeer& client = open();
  upstream_->send("abc");
  ASSERT_TRUE(until([&] { return client.incoming == "abc"; }));
  upstream_->close(net::CloseMode::kReset);
  ASSERT_TRUE(until([&] { return heard(client); }));
  EXPECT_EQ(client.receive_error, ECONNRESET);
  expect_end(End::kServerClosed, By::kServer, Phase::kData);
  EXPECT_EQ(records_[0].record.down_out, 3U);
}

TEST_F(FlowTest, AServerThatRefusesIsPassedOver) {
  begin(2);
  world_.set_reach(servers_[0]->address, net::MemoryWorld::Reach::kRefused);
  int moved = 0;
  for (size_t i = 0; i < 4; ++i) {
    net::TestPeer& client = open();
    peers_.shutdown_send(client.socket);
    upstream_->close();
    ASSERT_TRUE(until([&] { return records_.size() == i + 1; }));
    EXPECT_EQ(records_[i].record.end, End::kOk);
    EXPECT_EQ(records_[i].server, "s1");
    if (records_[i].record.attempts != 2) continue;
    ++moved;
    EXPECT_EQ(records_[i].tried, "s0 connect-refused");
  }
  EXPECT_EQ(moved, 1);
}

TEST_F(FlowTest, NoServer) {
  begin();
  world_.set_reach(servers_[0]->address, net::MemoryWorld::Reach::kRefused);
  net::TestPeer& first = connect(kTcpPort);
  ASSERT_TRUE(until([&] { return heard(first); }));
  expect_end(End::kConnectRefused, By::kServer, Phase::kConnect);
  net::TestPeer& second = connect(kTcpPort);
  ASSERT_TRUE(until([&] { return heard(second); }));
  ASSERT_EQ(records_.size(), 2U);
  EXPECT_EQ(records_[1].record.end, End::kNoServer);
  EXPECT_EQ(records_[1].record.attempts, 0);
}

TEST_F(FlowTest, AServerThatCannotBeReached) {
  begin(2);
  options_.connect_timeout = milliseconds(200);
  world_.set_reach(servers_[0]->address, net::MemoryWorld::Reach::kSilent);
  for (int i = 0; i < 2; ++i) {
    net::TestPeer& client = open();
    client.close();
    upstream_->close();
  }
  ASSERT_TRUE(until([&] { return records_.size() == 2; }));
  EXPECT_EQ(records_[0].tried + records_[1].tried, "s0 connect-timeout");
}

TEST_F(FlowTest, NothingMovesForLong) {
  options_.flow_idle_timeout = seconds(2);
  options_.connect_timeout = seconds(20);  // longer than the other
  begin();
  net::TestPeer& client = open();
  for (int i = 0; i < 3; ++i) {
    world_.run_for(seconds(1));
    client.send("x");
    world_.run_for(milliseconds(500));
    upstream_->send("y");
  }
  EXPECT_TRUE(records_.empty());
  const base::Instant last = world_.clock().now();
  ASSERT_TRUE(until([&] { return heard(client) && heard(*upstream_); }));
  EXPECT_LT(world_.clock().now() - last, seconds(3));
  expect_end(End::kIdleTimeout, By::kCoordinator, Phase::kData);
}

TEST_F(FlowTest, AClientThatLeavesWhileWeConnect) {
  begin();
  world_.set_reach(servers_[0]->address, net::MemoryWorld::Reach::kSilent);
  net::TestPeer& client = connect(kTcpPort);
  ASSERT_TRUE(until([&] { return client.connected; }));
  client.close(net::CloseMode::kReset);
  expect_end(End::kClientClosed, By::kClient, Phase::kConnect);
  EXPECT_LT(records_[0].record.total, seconds(1));
}

TEST_F(FlowTest, AReaderThatStopsHoldsTheOtherUp) {
  begin();
  net::TestPeer& client = connect(kTcpPort, false);
  ASSERT_TRUE(until([&] { return upstream_ != nullptr && client.connected; }));
  upstream_->send(std::string(1'000'000, 'x'));
  world_.run_for(seconds(1));
  EXPECT_EQ(upstream_->sends, 0U);
  EXPECT_LT(members_[0]->io.buffers().bytes_in_use(), 100'000U);
  ASSERT_TRUE(until([&] {
    if (!peers_.receiving(client.socket)) client.receive();
    return client.incoming.size() == 1'000'000;
  }));
}

// --- much at a time: spliced ---

class BulkFlowTest : public FlowTest {
 protected:
  BulkFlowTest() {
    world_.options().split = 0;
    world_.options().no_pipe = 0;
  }
  const net::Io::Counters& counters() { return members_[0]->io.counters(); }
  static std::string pattern(size_t bytes, uint64_t factor) {
    std::string text(bytes, 'x');
    for (size_t i = 0; i < bytes; ++i) text[i] = static_cast<char>(i * factor >> 13);
    return text;
  }
  void both_ways() {
    begin();
    net::TestPeer& client = open();
    const std::string up = pattern(4'000'000, 2654435761);
    const std::string down = pattern(3'000'000, 40503);
    client.on_done = [&] { peers_.shutdown_send(client.socket); };
    upstream_->on_done = [&] { peers_.shutdown_send(upstream_->socket); };
    client.send(up);
    upstream_->send(down);
    ASSERT_TRUE(until([&] { return upstream_->ended && client.ended; }));
    EXPECT_TRUE(upstream_->incoming == up);
    EXPECT_TRUE(client.incoming == down);
    expect_end(End::kOk, By::kNobody, Phase::kNone);
    const telemetry::Record& r = records_[0].record;
    EXPECT_EQ(r.down_in, up.size());
    EXPECT_EQ(r.up_out, up.size());
    EXPECT_EQ(r.up_in, down.size());
    EXPECT_EQ(r.down_out, down.size());
  }
  // A client that reads nothing yet, and a server with a megabyte for it.
  net::TestPeer& stuck() {
    begin();
    net::TestPeer& client = connect(kTcpPort, false);
    EXPECT_TRUE(until([&] { return upstream_ != nullptr && client.connected; }));
    upstream_->send(pattern(1'000'000, 40503));
    world_.run_for(milliseconds(100));
    return client;
  }
};

TEST_F(BulkFlowTest, EveryByteBothWaysIsOnTheRecord) {
  both_ways();
  EXPECT_GT(counters().splices, 50U);
  EXPECT_LT(counters().receives, 20U);
}

TEST_F(BulkFlowTest, TheSameWithoutPipes) {
  world_.options().no_pipe = 1;
  both_ways();
  EXPECT_EQ(counters().splices, 0U);
}

TEST_F(BulkFlowTest, ThereAndBackBetweenTheTwoAnyNumberOfTimes) {
  world_.options().no_pipe = 0.5;
  world_.options().split = 0.5;
  options_.splice = {.receives = 1, .from_bytes = 3000, .down_to_bytes = 9000};
  both_ways();
  EXPECT_GT(counters().splices, 10U);
  EXPECT_GT(counters().receives, 10U);
}

TEST_F(BulkFlowTest, SmallMessagesAfterwardsAreReceivedAgain) {
  begin();
  net::TestPeer& client = open();
  const std::string big = pattern(1'000'000, 40503);
  client.send(big);
  ASSERT_TRUE(until([&] { return upstream_->incoming == big; }));
  EXPECT_GT(counters().splices, 0U);
  const auto play = [&](int times) {
    for (int i = 0; i < times; ++i) {
      const size_t before = upstream_->incoming.size();
      client.send("ping");
      EXPECT_TRUE(until([&] { return upstream_->incoming.size() == before + 4; }));
    }
  };
  play(2);
  const net::Io::Counters before = counters();
  play(10);
  EXPECT_EQ(counters().splices, before.splices);
  EXPECT_EQ(counters().receives, before.receives + 10);
  EXPECT_EQ(counters().sends, before.sends + 10);
}

TEST_F(BulkFlowTest, WhatAResetLeftUndeliveredIsNotOnTheRecord) {
  options_.splice.receives = 0;
  net::TestPeer& client = stuck();
  EXPECT_GT(counters().splices, 0U);
  client.close(net::CloseMode::kReset);
  expect_end(End::kClientClosed, By::kClient, Phase::kData);
  // What the network between us had room for.
  EXPECT_EQ(records_[0].record.down_out, world_.options().window_bytes);
  EXPECT_EQ(records_[0].record.up_in, world_.options().window_bytes);
}

TEST_F(BulkFlowTest, ASlowReaderIsNotTakenForADeadOne) {
  options_.splice.receives = 0;
  options_.flow_idle_timeout = seconds(5);
  net::TestPeer& client = stuck();
  // It takes a quarter of what is between every 2 s.
  world_.options().window_bytes = 16384;
  for (int i = 0; i < 8; ++i) {
    client.receive();
    world_.run_for(seconds(2));
    ASSERT_TRUE(records_.empty()) << i;
  }
  EXPECT_GT(client.incoming.size(), 150'000U);
  // And a dead one is found.
  world_.run_for(seconds(12));
  expect_end(End::kIdleTimeout, By::kCoordinator, Phase::kData);
  EXPECT_GE(records_[0].record.down_out, client.incoming.size());
}

}  // namespace
}  // namespace giliran::proxy
