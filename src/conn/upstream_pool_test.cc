#include "conn/upstream_pool.h"

#include <gtest/gtest.h>

#include "conn/test_connections.h"

namespace giliran::conn {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class UpstreamPoolTest : public ConnectionTest {
 protected:
  void TearDown() override {
    pool_.shut();
    EXPECT_TRUE(until([&] { return pool_.open() == 0; }));
    EXPECT_EQ(pool_.idle(), 0U);
    ConnectionTest::TearDown();
  }
  TestExchange& lease(uint64_t key = 0, bool fresh = false) {
    exchanges_.push_back(std::make_unique<TestExchange>());
    TestExchange& exchange = *exchanges_.back();
    exchange.stream = &pool_.lease(key, server_.address, fresh, exchange).stream;
    exchange.get();
    return exchange;
  }
  // n at once, answered in the order in which they were leased.
  void round(size_t n, uint64_t key = 0) {
    const size_t before = exchanges_.size();
    const size_t requests = server_.requests.size();
    for (size_t i = 0; i < n; ++i) lease(key);
    ASSERT_TRUE(until([&] {
      size_t ended = 0;
      for (size_t i = requests; i < server_.requests.size(); ++i) {
        ended += server_.requests[i]->ended ? 1 : 0;
      }
      return ended == n;
    }));
    for (size_t i = requests; i < server_.requests.size(); ++i) {
      server_.requests[i]->respond("hi");
      ASSERT_TRUE(until([&] { return server_.requests[i]->closed; }));
      loop_.pass(milliseconds(1));
    }
    for (size_t i = before; i < exchanges_.size(); ++i) {
      EXPECT_EQ(exchanges_[i]->how.end, StreamEnd::kComplete);
    }
  }

  UpstreamOptions options_;
  UpstreamPool pool_{loop_.io(), options_, 7, 3};
  std::vector<std::unique_ptr<TestExchange>> exchanges_;
};

TEST_F(UpstreamPoolTest, UsesTheOneUsedLast) {
  round(3);
  EXPECT_EQ(pool_.idle(), 3U);
  const uint64_t last = server_.requests[2]->facts.connection;
  for (int i = 0; i < 4; ++i) {
    round(1);
    EXPECT_EQ(server_.requests.back()->facts.connection, last);
  }
  EXPECT_EQ(pool_.counts().opened, 3U);
  EXPECT_EQ(pool_.counts().reused, 4U);
  EXPECT_EQ(exchanges_[0]->facts.connection, 7U);
  EXPECT_EQ(exchanges_[1]->facts.connection, 10U);
}

TEST_F(UpstreamPoolTest, KeysAreApartAndFreshIsFresh) {
  round(1, 0);
  round(1, 5);
  EXPECT_EQ(pool_.counts().opened, 2U);
  answer_all();
  TestExchange& fresh = lease(5, true);
  ASSERT_TRUE(until([&] { return fresh.closed; }));
  EXPECT_FALSE(fresh.facts.reused);
  EXPECT_EQ(pool_.idle(), 3U);
}

TEST_F(UpstreamPoolTest, TooManyIdleOnesGiveUpTheOldest) {
  options_.idle_max = 2;
  round(4);
  EXPECT_EQ(pool_.idle(), 2U);
  EXPECT_EQ(pool_.counts().evicted, 2U);
  ASSERT_TRUE(until([&] { return pool_.open() == 2; }));
  ASSERT_TRUE(until([&] { return server_.open() == 2; }));
  for (const size_t i : {size_t{0}, size_t{1}}) {
    EXPECT_EQ(server_.connections[server_.requests[i]->facts.connection - 1], nullptr);
  }
  options_.idle_max = 0;
  round(1);
  ASSERT_TRUE(until([&] { return pool_.open() == 0; }));
}

TEST_F(UpstreamPoolTest, IdleOnesExpire) {
  round(2);
  loop_.pass(seconds(2));
  round(1);
  loop_.pass(milliseconds(2500));
  EXPECT_EQ(pool_.idle(), 1U);  // the one used again is younger
  EXPECT_EQ(pool_.counts().expired, 1U);
  loop_.pass(seconds(2));
  EXPECT_EQ(pool_.idle(), 0U);
  EXPECT_EQ(pool_.counts().expired, 2U);
  EXPECT_EQ(pool_.open(), 0U);
  round(1);  // and it goes on
  loop_.pass(seconds(5));
  EXPECT_EQ(pool_.counts().expired, 3U);
}

TEST_F(UpstreamPoolTest, OneTheServerClosedIsNotLeased) {
  round(2);
  server_.connections[0]->drain();
  server_.connections[1]->drain();
  ASSERT_TRUE(until([&] { return pool_.open() == 0; }));
  EXPECT_EQ(pool_.idle(), 0U);
  round(1);
  EXPECT_EQ(pool_.counts().reused, 0U);
}

TEST_F(UpstreamPoolTest, DrainClosesIdleOnesNowAndOthersLater) {
  round(2);
  int told = 0;
  pool_.on_empty = [&] { ++told; };
  TestExchange& busy = lease();
  ASSERT_TRUE(until([&] { return server_.requests.size() == 3 && server_.requests[2]->ended; }));
  pool_.drain();
  EXPECT_EQ(pool_.idle(), 0U);
  ASSERT_TRUE(until([&] { return pool_.open() == 1; }));
  EXPECT_EQ(told, 0);
  server_.requests[2]->respond("hi");
  ASSERT_TRUE(until([&] { return told == 1; }));
  EXPECT_EQ(busy.how.end, StreamEnd::kComplete);
}

TEST_F(UpstreamPoolTest, OneIdleForTooLongIsNotTaken) {
  round(1);
  loop_.pass(seconds(2));
  answer_all();
  const auto lease_with = [&](const LeaseOptions& options) -> TestExchange& {
    exchanges_.push_back(std::make_unique<TestExchange>());
    TestExchange& exchange = *exchanges_.back();
    exchange.stream = &pool_.lease(0, server_.address, options, exchange).stream;
    exchange.get();
    EXPECT_TRUE(until([&] { return exchange.closed; }));
    return exchange;
  };
  EXPECT_FALSE(lease_with({.idle_at_most = seconds(1)}).facts.reused);
  EXPECT_EQ(pool_.idle(), 2U);
  EXPECT_TRUE(lease_with({.idle_at_most = seconds(1)}).facts.reused);
  EXPECT_TRUE(lease_with({}).facts.reused);
}

TEST_F(UpstreamPoolTest, AnExclusiveOneIsClosedAfterItsExchange) {
  answer_all();
  for (const bool fresh : {true, false}) {
    if (!fresh) {
      TestExchange& shared = lease();
      ASSERT_TRUE(until([&] { return shared.closed; }));
      ASSERT_EQ(pool_.idle(), 1U);
    }
    exchanges_.push_back(std::make_unique<TestExchange>());
    TestExchange& exchange = *exchanges_.back();
    exchange.stream =
        &pool_.lease(0, server_.address, {.fresh = fresh, .exclusive = true}, exchange).stream;
    exchange.get();
    ASSERT_TRUE(until([&] { return exchange.closed; }));
    EXPECT_EQ(exchange.how.end, StreamEnd::kComplete);
    EXPECT_EQ(exchange.facts.reused, !fresh);
    EXPECT_EQ(pool_.idle(), 0U);
    ASSERT_TRUE(until([&] { return pool_.open() == 0; }));
  }
}

TEST_F(UpstreamPoolTest, APreambleIsSentFirst) {
  net::TestListener listener(loop_.io());
  const base::Address address = listener.listen(base::Address::loopback(0));
  exchanges_.push_back(std::make_unique<TestExchange>());
  TestExchange& exchange = *exchanges_.back();
  {
    const std::string preamble = "PROXY UNKNOWN\r\n";  // copied
    exchange.stream =
        &pool_.lease(0, address, {.fresh = true, .exclusive = true, .preamble = preamble}, exchange)
             .stream;
  }
  exchange.get();
  ASSERT_TRUE(until([&] {
    return !listener.peers.empty() && listener.peers[0]->incoming.ends_with("\r\n\r\n");
  }));
  net::TestPeer& peer = *listener.peers[0];
  EXPECT_EQ(peer.incoming, "PROXY UNKNOWN\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(exchange.stream->facts().bytes_out, peer.incoming.size());
  peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
  ASSERT_TRUE(until([&] { return exchange.closed && peer.ended; }));
  EXPECT_EQ(exchange.body, "hi");
  peer.close();
  ASSERT_TRUE(until([&] { return peer.closed && pool_.open() == 0; }));
  loop_.io().stop_listening(listener.id);
  ASSERT_TRUE(until([&] { return listener.closed; }));
}

TEST_F(UpstreamPoolTest, ShutCutsAll) {
  round(1);
  TestExchange& one = lease();
  TestExchange& other = lease();
  pool_.shut();
  EXPECT_EQ(one.how.end, StreamEnd::kShutdown);
  EXPECT_EQ(other.how.end, StreamEnd::kShutdown);
  ASSERT_TRUE(until([&] { return pool_.open() == 0; }));
}

}  // namespace
}  // namespace giliran::conn
