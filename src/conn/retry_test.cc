// What a failed stream says about sending its request again: each case named in
// client_connection.h.
#include <gtest/gtest.h>

#include "conn/client_connection.h"
#include "conn/test_connections.h"

namespace giliran::conn {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Reach = net::MemoryWorld::Reach;

class RetryTest : public testing::Test {
 protected:
  RetryTest() {
    listener_.on_peer = [this](net::TestPeer& peer) {
      peer_ = &peer;
      if (on_peer_) on_peer_(peer);
    };
    address_ = listener_.listen(base::Address::loopback(0));
  }
  void TearDown() override {
    for (const auto& c : clients_) {
      if (c->connection) c->connection->shut();
    }
    for (const auto& peer : listener_.peers) {
      if (!peer->closed) peer->close();
    }
    EXPECT_TRUE(until([&] { return io().sockets() == 0; }));
    EXPECT_EQ(io().buffers().blocks_in_use(), 0U);
  }
  net::Io& io() { return loop_.io(); }
  template <typename Predicate>
  bool until(Predicate predicate) {
    return loop_.until(predicate);
  }
  TestClient& connect() {
    peer_ = nullptr;
    clients_.push_back(std::make_unique<TestClient>(io(), address_));
    return *clients_.back();
  }
  // A connection that has carried an exchange.
  TestClient& used() {
    TestClient& client = connect();
    TestExchange& exchange = client.start();
    exchange.get();
    EXPECT_TRUE(until([&] { return peer_ != nullptr && peer_->incoming.ends_with("\r\n\r\n"); }));
    peer_->incoming.clear();
    peer_->send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    EXPECT_TRUE(until([&] { return client.idles == 1; }));
    return client;
  }
  void taken(const TestExchange& exchange) {
    ASSERT_TRUE(until([&] { return exchange.stream->facts().bytes_out != 0; }));
  }
  void expect(TestExchange& exchange, StreamEnd end, base::Retry retry) {
    ASSERT_TRUE(until([&] { return exchange.closed; }));
    EXPECT_EQ(name(exchange.how.end), name(end));
    EXPECT_EQ(exchange.how.retry, retry);
  }

  TestLoop loop_{TestLoop::Engine::kMemory};
  net::TestListener listener_{loop_.io()};
  net::TestPeer* peer_ = nullptr;
  std::function<void(net::TestPeer&)> on_peer_;
  base::Address address_;
  std::vector<std::unique_ptr<TestClient>> clients_;
};

TEST_F(RetryTest, ConnectRefused) {
  loop_.world().set_reach(address_, Reach::kRefused);
  TestExchange& exchange = connect().start();
  exchange.get();
  expect(exchange, StreamEnd::kConnectRefused, base::Retry::kAlways);
  EXPECT_EQ(exchange.facts.bytes_out, 0U);
}

TEST_F(RetryTest, ConnectTimeout) {
  loop_.world().set_reach(address_, Reach::kSilent);
  TestExchange& exchange = connect().start();
  exchange.get();
  expect(exchange, StreamEnd::kConnectTimeout, base::Retry::kAlways);
}

TEST_F(RetryTest, ShutWhileConnecting) {
  loop_.world().set_reach(address_, Reach::kSilent);
  TestClient& client = connect();
  TestExchange& exchange = client.start();
  exchange.get();
  client.connection->shut();
  expect(exchange, StreamEnd::kShutdown, base::Retry::kAlways);
}

TEST_F(RetryTest, EndedBeforeAByteWasHandedOver) {
  for (const bool reused : {false, true}) {
    for (const bool reset : {true, false}) {
      SCOPED_TRACE(reset);
      TestClient& client = reused ? used() : connect();
      TestExchange& exchange = client.start();
      ASSERT_TRUE(until([&] { return peer_ != nullptr && peer_->connected; }));
      loop_.pass(milliseconds(2));  // connected; nothing was said yet
      peer_->close(reset ? net::CloseMode::kReset : net::CloseMode::kGraceful);
      expect(exchange, reset ? StreamEnd::kPeerReset : StreamEnd::kPeerClosed,
             base::Retry::kAlways);
      EXPECT_EQ(exchange.facts.bytes_out, 0U);
    }
  }
}

TEST_F(RetryTest, EndedAfterBytesWereHandedOver) {
  for (const bool reused : {false, true}) {
    for (const bool reset : {true, false}) {
      SCOPED_TRACE(reused);
      TestClient& client = reused ? used() : connect();
      TestExchange& exchange = client.start();
      exchange.get();
      taken(exchange);
      ASSERT_TRUE(until([&] { return peer_ != nullptr; }));
      peer_->close(reset ? net::CloseMode::kReset : net::CloseMode::kGraceful);
      ASSERT_TRUE(until([&] { return exchange.closed; }));
      EXPECT_EQ(exchange.how.retry, reused ? base::Retry::kIfReused : base::Retry::kNever);
      EXPECT_EQ(exchange.facts.reused, reused);
      EXPECT_GT(exchange.facts.bytes_out, 0U);
    }
  }
}

TEST_F(RetryTest, EndedWhileASendIsHalfDone) {
  // Not all of it was taken; that some was decides.
  listener_.receiving = false;
  const std::string big(1'000'000, 'x');
  TestExchange& exchange = connect().start();
  exchange.send("POST", "/", BodyLength::known(big.size()));
  exchange.say(big);
  ASSERT_TRUE(until([&] { return peer_ != nullptr; }));
  loop_.pass(milliseconds(5));
  EXPECT_EQ(exchange.sent, 0U);  // no send has ended
  peer_->close(net::CloseMode::kReset);
  expect(exchange, StreamEnd::kPeerReset, base::Retry::kNever);
  EXPECT_GT(exchange.facts.bytes_out, 0U);
  EXPECT_LT(exchange.facts.bytes_out, big.size());

  TestExchange& ended = connect().start();
  ended.send("POST", "/", BodyLength::known(big.size()));
  ended.say(big);
  ASSERT_TRUE(until([&] { return peer_ != nullptr; }));
  loop_.pass(milliseconds(5));
  io().shutdown_send(peer_->socket);
  expect(ended, StreamEnd::kPeerClosed, base::Retry::kNever);
  EXPECT_GT(ended.facts.bytes_out, 0U);
}

TEST_F(RetryTest, APreambleCountsAsBytes) {
  TestClient& client = connect();
  client.connection->send_preamble("PROXY UNKNOWN\r\n");
  TestExchange& exchange = client.start();
  taken(exchange);
  ASSERT_TRUE(until([&] { return peer_ != nullptr; }));
  peer_->close();
  expect(exchange, StreamEnd::kPeerClosed, base::Retry::kNever);
}

TEST_F(RetryTest, AResponseThatBegan) {
  for (const char* begun : {"H", "HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-"}) {
    SCOPED_TRACE(begun);
    TestClient& client = used();
    TestExchange& exchange = client.start();
    exchange.get();
    ASSERT_TRUE(until([&] { return peer_->incoming.ends_with("\r\n\r\n"); }));
    peer_->send(begun);
    peer_->on_done = [&] { peer_->close(); };
    expect(exchange, StreamEnd::kPeerClosed, base::Retry::kNever);
  }
}

TEST_F(RetryTest, EverythingElseBehindTheConnect) {
  TestClient& shut = used();
  TestExchange& cut = shut.start();
  cut.get();
  taken(cut);
  shut.connection->shut();
  expect(cut, StreamEnd::kShutdown, base::Retry::kNever);

  TestExchange& silent = used().start();
  silent.get();
  expect(silent, StreamEnd::kHeadTimeout, base::Retry::kNever);

  TestExchange& bad = used().start();
  bad.get();
  taken(bad);
  peer_->send("nonsense\r\n\r\n");
  expect(bad, StreamEnd::kBadMessage, base::Retry::kNever);
}

}  // namespace
}  // namespace giliran::conn
