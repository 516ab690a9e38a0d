// Exchanges and flows that wait for a server: in order, bounded, and every slot comes back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "proxy/test_world.h"

namespace giliran::proxy {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr const char* kAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";

std::string request(const std::string& target) {
  return "GET " + target + " HTTP/1.1\r\nHost: h\r\n\r\n";
}

class QueueTest : public ProxyTest {
 protected:
  const KeptRecord& last() { return records_.back(); }
  // Servers that take requests and do not answer, one at a time each.
  void begin(size_t servers = 1, uint32_t workers = 1) {
    pool_config_.in_flight_max = 1;
    start(servers, workers);
    for (const auto& server : servers_) {
      server->on_request = [this](net::TestPeer& peer, const std::string& head) {
        asked_.push_back(head.substr(4, head.find(' ', 4) - 4));
        waiting_.push_back(&peer);
      };
    }
  }
  // Asks, and waits until it has its place.
  net::TestPeer& put_in(const std::string& target) {
    net::TestPeer& client = ask(request(target));
    settle();
    return client;
  }
  void answer_one() {
    ASSERT_TRUE(until([&] { return !waiting_.empty(); }));
    net::TestPeer* peer = waiting_.front();
    waiting_.erase(waiting_.begin());
    peer->send(kAnswer);
  }
  uint32_t in_flight() { return endpoints_[0]->live.in_flight.load(); }
  void expect_end(const KeptRecord& kept, End end, By by, Phase phase, uint16_t status) {
    EXPECT_EQ(name(kept.record.end), name(end)) << kept.reason;
    EXPECT_EQ(name(kept.record.by), name(by));
    EXPECT_EQ(name(kept.record.phase), name(phase));
    EXPECT_EQ(kept.record.status, status);
  }
  // The slot has come back: the next one is served.
  void expect_free() {
    settle();
    EXPECT_EQ(in_flight(), 0U);
    servers_[0]->on_request = {};
    EXPECT_THAT(get(), EndsWith("hi"));
  }

  std::vector<std::string> asked_;
  std::vector<net::TestPeer*> waiting_;
};

TEST_F(QueueTest, FirstComeFirstServed) {
  begin();
  std::vector<std::string> targets;
  for (int i = 0; i < 20; ++i) {
    targets.push_back("/" + std::to_string(i));
    put_in(targets.back());
  }
  EXPECT_EQ(asked_.size(), 1U);
  EXPECT_EQ(in_flight(), 1U);
  for (int i = 0; i < 20; ++i) {
    answer_one();
    settle();
    EXPECT_LE(in_flight(), 1U);
  }
  EXPECT_EQ(asked_, targets);
  ASSERT_EQ(records_.size(), 20U);
  for (uint32_t i = 0; i < 20; ++i) {
    EXPECT_EQ(records_[i].target, targets[i]);
    EXPECT_EQ(records_[i].record.end, End::kOk);
    EXPECT_EQ(records_[i].record.gauges.queued_pool, i == 0 ? 0 : i - 1);
  }
  EXPECT_GT(records_[19].record.queue, milliseconds(100));
  EXPECT_LT(records_[0].record.queue, milliseconds(10));
}

TEST_F(QueueTest, FirstComeFirstServedOverWorkers) {
  begin(2, 2);
  std::vector<std::string> targets;
  for (int i = 0; i < 30; ++i) {
    targets.push_back("/" + std::to_string(i));
    put_in(targets.back());
  }
  EXPECT_EQ(asked_.size(), 2U);
  for (int i = 0; i < 30; ++i) {
    answer_one();
    settle();
    for (const auto& endpoint : endpoints_) EXPECT_LE(endpoint->live.in_flight.load(), 1U);
  }
  EXPECT_EQ(asked_, targets);
  EXPECT_EQ(records_.size(), 30U);
  for (const auto& m : members_) EXPECT_GT(m->worker->counts().exchanges, 3U);
}

TEST_F(QueueTest, FullIsAnsweredAtOnce) {
  pool_config_.queue_max = 2;
  begin();
  for (const char* target : {"/0", "/1", "/2"}) put_in(target);
  const std::string got = get(request("/3"));
  EXPECT_THAT(got, StartsWith("HTTP/1.1 503"));
  EXPECT_THAT(got, HasSubstr("Proxy-Status: giliran; error=connection_limit_reached; "
                             "end=queue-full; by=coordinator; phase=queue\r\n"));
  expect_end(last(), End::kQueueFull, By::kCoordinator, Phase::kQueue, 503);
  EXPECT_EQ(last().record.attempts, 0);
  answer_one();
  settle();
  put_in("/4");  // there is a place again
  for (int i = 0; i < 3; ++i) answer_one();
  ASSERT_TRUE(until([&] { return records_.size() == 5; }));
  EXPECT_EQ(asked_, (std::vector<std::string>{"/0", "/1", "/2", "/4"}));
}

TEST_F(QueueTest, NoQueueAtAll) {
  pool_config_.queue_max = 0;
  begin();
  put_in("/0");
  EXPECT_THAT(get(request("/1")), StartsWith("HTTP/1.1 503"));
  EXPECT_EQ(name(last().record.end), name(End::kQueueFull));
  answer_one();
  settle();
  expect_free();
}

TEST_F(QueueTest, TooLongIsAnswered) {
  pool_config_.queue_timeout = seconds(2);
  begin();
  put_in("/0");
  const std::string got = get(request("/1"));
  EXPECT_THAT(got, StartsWith("HTTP/1.1 503"));
  EXPECT_THAT(got, HasSubstr("end=queue-timeout; by=coordinator; phase=queue\r\n"));
  expect_end(last(), End::kQueueTimeout, By::kCoordinator, Phase::kQueue, 503);
  EXPECT_GE(last().record.total, seconds(2));
  EXPECT_LT(last().record.total, milliseconds(2100));
  EXPECT_EQ(sum_of_phases(last().record), last().record.total);
  answer_one();
  settle();
  expect_free();
}

TEST_F(QueueTest, TheTotalTimeoutHoldsInTheQueueToo) {
  options_.total_timeout = seconds(1);
  begin();
  net::TestPeer& flow = connect(kTcpPort);  // has the slot, and no such time-out
  settle();
  const std::string got = get(request("/1"));
  EXPECT_THAT(got, StartsWith("HTTP/1.1 504"));
  EXPECT_THAT(got, HasSubstr("end=total-timeout; by=coordinator; phase=queue\r\n"));
  expect_end(last(), End::kTotalTimeout, By::kCoordinator, Phase::kQueue, 504);
  flow.close(net::CloseMode::kReset);
  expect_free();
}

TEST_F(QueueTest, AClientThatLeavesMakesRoom) {
  begin();
  put_in("/0");
  net::TestPeer& gone = put_in("/1");
  put_in("/2");
  gone.close(net::CloseMode::kReset);
  ASSERT_TRUE(until([&] { return records_.size() == 1; }));
  expect_end(last(), End::kClientClosed, By::kClient, Phase::kQueue, 0);
  EXPECT_EQ(last().target, "/1");
  answer_one();
  answer_one();
  ASSERT_TRUE(until([&] { return records_.size() == 3; }));
  EXPECT_EQ(asked_, (std::vector<std::string>{"/0", "/2"}));
}

TEST_F(QueueTest, ABodyThatCameMeanwhileIsSentWhole) {
  begin();
  put_in("/0");
  std::string body;
  for (int i = 0; body.size() < 300'000; ++i) body += std::to_string(i) + ",";
  ask("POST /1 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
  net::TestPeer& client = *clients_.back();
  settle();
  for (size_t at = 0; at < body.size(); at += 10'000) {
    const std::string part = body.substr(at, 10'000);
    char size[16];
    snprintf(size, sizeof size, "%zx\r\n", part.size());
    client.send(size + part + "\r\n");
  }
  client.send("0\r\nX-T: v\r\n\r\n");
  world_.run_for(seconds(1));
  EXPECT_LT(members_[0]->io.buffers().bytes_in_use(), 300'000U);  // the client waits, too
  answer_one();
  net::TestPeer& upstream = *servers_[0]->listener.peers[0];
  ASSERT_TRUE(until([&] { return servers_[0]->requests.size() == 3; }));
  // TestServer takes a body with its trailers for one more request.
  std::string got;
  std::string_view rest = servers_[0]->requests[2];
  while (rest[0] != '0') {
    const size_t size = std::stoul(std::string(rest.substr(0, rest.find('\r'))), nullptr, 16);
    rest.remove_prefix(rest.find('\n') + 1);
    got += rest.substr(0, size);
    rest.remove_prefix(size + 2);
  }
  EXPECT_TRUE(got == body);
  EXPECT_THAT(std::string(rest), EndsWith("X-T: v\r\n\r\n"));
  waiting_.clear();
  upstream.send(kAnswer);
  ASSERT_TRUE(until([&] { return records_.size() == 2; }));
  EXPECT_EQ(last().record.body_in, body.size());
  EXPECT_EQ(last().record.end, End::kOk);
}

TEST_F(QueueTest, ABodyTooLargeLeavesTheQueue) {
  options_.body_bytes_max = 10;
  begin();
  put_in("/0");
  net::TestPeer& client =
      ask("POST /1 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n0123456789a\r\n");
  ASSERT_TRUE(until([&] { return client.ended; }));
  EXPECT_THAT(client.incoming, StartsWith("HTTP/1.1 413"));
  client.close();
  ASSERT_TRUE(until([&] { return records_.size() == 1; }));
  EXPECT_EQ(name(last().record.end), name(End::kBodyTooLarge));
  answer_one();
  settle();
  EXPECT_EQ(asked_.size(), 1U);
  expect_free();
}

TEST_F(QueueTest, DrainServesWhoWaits) {
  begin();
  net::TestPeer& first = put_in("/0");
  net::TestPeer& second = put_in("/1");
  drain_all();
  answer_one();
  answer_one();
  ASSERT_TRUE(until([&] { return drained(); }));
  EXPECT_THAT(first.incoming, EndsWith("hi"));
  EXPECT_THAT(second.incoming, EndsWith("hi"));
}

TEST_F(QueueTest, ShutCutsWhoWaits) {
  begin();
  put_in("/0");
  put_in("/1");
  connect(kTcpPort);
  settle();
  drain_all();
  members_[0]->worker->shut();
  ASSERT_TRUE(until([&] { return drained(); }));
  ASSERT_EQ(records_.size(), 3U);
  for (const KeptRecord& kept : records_) EXPECT_EQ(name(kept.record.end), name(End::kShutdown));
  EXPECT_EQ(members_[0]->worker->counts().cut, 3U);
  EXPECT_EQ(in_flight(), 0U);
}

TEST_F(QueueTest, FlowsWaitWithRequests) {
  begin();
  servers_[0]->listener.on_peer = [&](net::TestPeer& peer) { waiting_.push_back(&peer); };
  net::TestPeer& first = connect(kTcpPort);
  settle();
  first.send("first");
  settle();
  net::TestPeer& second = connect(kTcpPort);
  settle();
  second.send("second");
  net::TestPeer& gone = connect(kTcpPort);
  settle();
  net::TestPeer& third = put_in("/3");
  ASSERT_EQ(waiting_.size(), 1U);
  EXPECT_EQ(waiting_[0]->incoming, "first");
  EXPECT_TRUE(second.connected);
  gone.close(net::CloseMode::kReset);
  ASSERT_TRUE(until([&] { return records_.size() == 1; }));
  EXPECT_EQ(name(last().record.phase), name(Phase::kQueue));
  EXPECT_EQ(name(last().record.end), name(End::kClientClosed));
  waiting_[0]->close();
  first.close();
  ASSERT_TRUE(until([&] { return waiting_.size() == 2; }));
  ASSERT_TRUE(until([&] { return waiting_[1]->incoming == "second"; }));
  EXPECT_TRUE(third.incoming.empty());
  waiting_[1]->close(net::CloseMode::kReset);
  ASSERT_TRUE(until([&] { return waiting_.size() == 3; }));
  ASSERT_TRUE(until([&] { return begins(waiting_[2]->incoming, "GET /3"); }));
  waiting_[2]->send(kAnswer);
  ASSERT_TRUE(until([&] { return third.incoming.ends_with("hi"); }));
  EXPECT_EQ(records_[1].record.end, End::kOk);
  EXPECT_GT(records_[2].record.queue, milliseconds(10));
}

TEST_F(QueueTest, AFlowsTimeInTheQueueIsBounded) {
  pool_config_.queue_timeout = seconds(1);
  pool_config_.queue_max = 1;
  begin();
  put_in("/0");
  net::TestPeer& waits = connect(kTcpPort);
  settle();
  net::TestPeer& full = connect(kTcpPort);
  ASSERT_TRUE(until([&] { return full.ended; }));
  EXPECT_EQ(name(last().record.end), name(End::kQueueFull));
  ASSERT_TRUE(until([&] { return waits.ended; }));
  EXPECT_EQ(name(last().record.end), name(End::kQueueTimeout));
  EXPECT_EQ(name(last().record.phase), name(Phase::kQueue));
  EXPECT_EQ(last().record.queue, last().record.total);
  answer_one();
  settle();
  expect_free();
}

// --- every ending gives the slot back ---

TEST_F(QueueTest, TheClientCuts) {
  begin();
  net::TestPeer& client = put_in("/0");
  client.close(net::CloseMode::kReset);
  ASSERT_TRUE(until([&] { return records_.size() == 1; }));
  expect_free();
}

TEST_F(QueueTest, TheServerCuts) {
  begin();
  put_in("/0");
  waiting_[0]->send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf");
  waiting_[0]->on_done = [this] { waiting_[0]->close(); };
  ASSERT_TRUE(until([&] { return records_.size() == 1; }));
  EXPECT_EQ(name(last().record.end), name(End::kServerClosed));
  expect_free();
}

TEST_F(QueueTest, NoAnswerInTime) {
  options_.response_timeout = seconds(1);
  begin();
  EXPECT_THAT(get(request("/0")), StartsWith("HTTP/1.1 504"));
  expect_free();
}

TEST_F(QueueTest, NoConnection) {
  begin();
  world_.set_reach(servers_[0]->address, net::MemoryWorld::Reach::kRefused);
  EXPECT_THAT(get(request("/0")), StartsWith("HTTP/1.1 503"));
  world_.set_reach(servers_[0]->address, net::MemoryWorld::Reach::kNormal);
  world_.run_for(seconds(2));
  expect_free();
}

TEST_F(QueueTest, ATunnelHoldsItsSlotToItsEnd) {
  begin();
  servers_[0]->on_request = [](net::TestPeer& peer, const std::string&) {
    peer.send("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n");
  };
  net::TestPeer& client =
      ask("GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n");
  ASSERT_TRUE(until([&] { return begins(client.incoming, "HTTP/1.1 101"); }));
  settle();
  EXPECT_EQ(in_flight(), 1U);
  net::TestPeer& next = put_in("/next");
  EXPECT_EQ(next.incoming, "");
  servers_[0]->on_request = {};
  client.close(net::CloseMode::kReset);
  ASSERT_TRUE(until([&] { return next.incoming.ends_with("hi"); }));
  expect_free();
}

// A server that is marked down while others wait for it: they are told, and not at their time-out.
TEST_F(QueueTest, NobodyWaitsForAServerThatIsDown) {
  pool_config_.queue_timeout = seconds(30);
  begin();
  put_in("/0");
  put_in("/1");
  put_in("/2");
  world_.set_reach(servers_[0]->address, net::MemoryWorld::Reach::kRefused);
  waiting_[0]->close(net::CloseMode::kReset);
  world_.run_for(seconds(2));
  ASSERT_EQ(records_.size(), 3U);
  std::ranges::sort(records_, {}, &KeptRecord::target);
  EXPECT_EQ(name(records_[0].record.end), name(End::kServerClosed));
  EXPECT_EQ(name(records_[1].record.end), name(End::kConnectRefused));
  EXPECT_EQ(name(records_[2].record.end), name(End::kNoServer));
}

}  // namespace
}  // namespace giliran::proxy
