// The life of a worker: drain, shut, snapshots, many connections.
#include "proxy/worker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/test_world.h"

namespace giliran::proxy {
namespace {

using std::chrono::seconds;

class WorkerTest : public ProxyTest {
 protected:
  // A request that a server has and has not answered.
  net::TestPeer& hanging() {
    servers_[0]->on_request = [](net::TestPeer&, const std::string&) {};
    const size_t before = servers_[0]->requests.size();
    net::TestPeer& client = ask("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_TRUE(until([&] { return servers_[0]->requests.size() > before; }));
    return client;
  }
};

TEST_F(WorkerTest, DrainFinishesWhatIsUnderWay) {
  start(1, 2);
  net::TestPeer& idle = connect();
  net::TestPeer& used = ask("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_TRUE(until([&] { return records_.size() == 1; }));
  net::TestPeer& client = hanging();
  net::TestPeer& flow = connect(kTcpPort);
  ASSERT_TRUE(until([&] { return flow.connected && servers_[0]->connections >= 2; }));
  settle();
  drain_all();
  ASSERT_TRUE(until([&] { return idle.ended && used.ended; }));
  net::TestPeer& late = connect();
  ASSERT_TRUE(until([&] { return late.connect_error != 0; }));
  world_.run_for(seconds(5));
  EXPECT_FALSE(drained());
  for (const auto& peer : servers_[0]->listener.peers) {
    if (!peer->closed && !peer->ended) {
      peer->send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
    }
  }
  ASSERT_TRUE(until([&] { return client.ended; }));
  EXPECT_THAT(client.incoming, HasSubstr("Connection: close\r\n"));
  EXPECT_THAT(client.incoming, EndsWith("hi"));
  flow.close();
  ASSERT_TRUE(until([&] { return drained(); }));
  EXPECT_EQ(records_.size(), 3U);
}

TEST_F(WorkerTest, DrainOfAnIdleWorkerIsDoneAtOnce) {
  start(1, 3);
  drain_all();
  EXPECT_TRUE(until([&] { return drained(); }));
}

TEST_F(WorkerTest, DrainDoesNotLoseTheAnswerToAClientThatPipelines) {
  start(1);
  net::TestPeer& client = hanging();
  drain_all();
  client.send("GET /2 HTTP/1.1\r\nHost: h\r\n\r\n");
  settle();
  servers_[0]->listener.peers[0]->send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
  ASSERT_TRUE(until([&] { return client.ended || client.receive_error != 0; }));
  EXPECT_THAT(client.incoming, EndsWith("hi"));
  EXPECT_EQ(client.receive_error, 0);  // a reset could overtake the answer
  EXPECT_EQ(records_.size(), 1U);
}

TEST_F(WorkerTest, ShutCutsAndRecordsIt) {
  start(1);
  net::TestPeer& client = hanging();
  net::TestPeer& half = ask("GET / HT");
  net::TestPeer& flow = connect(kTcpPort);
  ASSERT_TRUE(until([&] { return flow.connected; }));
  settle();
  drain_all();
  members_[0]->worker->shut();
  ASSERT_TRUE(until([&] { return drained(); }));
  settle();
  EXPECT_NE(client.receive_error, 0);
  EXPECT_TRUE(half.ended || half.receive_error != 0);
  EXPECT_NE(flow.receive_error, 0);
  ASSERT_EQ(records_.size(), 3U);
  for (const KeptRecord& kept : records_) {
    EXPECT_EQ(name(kept.record.end), name(End::kShutdown));
    EXPECT_EQ(kept.record.by, By::kCoordinator);
  }
  EXPECT_EQ(members_[0]->worker->counts().cut, 2U);
}

TEST_F(WorkerTest, ShutWhileItConnects) {
  start(1);
  world_.set_reach(servers_[0]->address, net::MemoryWorld::Reach::kSilent);
  ask("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  connect(kTcpPort);
  settle();
  drain_all();
  members_[0]->worker->shut();
  ASSERT_TRUE(until([&] { return drained(); }));
  ASSERT_EQ(records_.size(), 2U);
  for (const KeptRecord& kept : records_) EXPECT_EQ(kept.record.end, End::kShutdown);
}

TEST_F(WorkerTest, ANewSnapshotHoldsForNewRequests) {
  start(2);
  cluster::Snapshot only_second;
  const auto pool =
      *cluster::make_pool({.name = "new"}, {{.name = "second", .address = servers_[1]->address}});
  only_second.pools = {pool};
  only_second.listeners = {cluster::make_listener(config::Scheme::kHttp, "http", pool),
                           cluster::make_listener(config::Scheme::kTcp, "tcp", pool)};
  net::TestPeer& client = hanging();
  members_[0]->worker->publish(std::make_unique<cluster::Snapshot>(only_second), options_);
  servers_[0]->listener.peers[0]->send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
  ASSERT_TRUE(until([&] { return records_.size() == 1; }));
  EXPECT_EQ(records_[0].pool, "default");
  for (int i = 0; i < 3; ++i) get();
  client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_TRUE(until([&] { return records_.size() == 5; }));
  for (size_t i = 1; i < 5; ++i) EXPECT_EQ(records_[i].server, "second");
  EXPECT_EQ(servers_[1]->connections, 1);
}

TEST_F(WorkerTest, ManyConnectionsAtOnce) {
  start(4, 2, "least-requests");
  std::vector<net::TestPeer*> all;
  for (int i = 0; i < 300; ++i) all.push_back(&connect());
  ASSERT_TRUE(until([&] {
    return std::ranges::all_of(all, [](const net::TestPeer* peer) { return peer->connected; });
  }));
  for (int round = 1; round <= 3; ++round) {
    for (net::TestPeer* peer : all) peer->send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    ASSERT_TRUE(until([&] { return records_.size() == all.size() * static_cast<size_t>(round); }));
  }
  for (const KeptRecord& kept : records_) EXPECT_EQ(kept.record.end, End::kOk);
}

}  // namespace
}  // namespace giliran::proxy
