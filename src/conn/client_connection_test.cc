// The client's side against a server that a test scripts byte by byte, in virtual time.
#include "conn/client_connection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "conn/test_connections.h"

namespace giliran::conn {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class ClientConnectionTest : public testing::Test {
 protected:
  ClientConnectionTest() {
    listener_.on_peer = [this](net::TestPeer& peer) { peer_ = &peer; };
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
  base::Duration since(base::Instant t) { return io().now() - t; }
  TestClient& connect(const ClientOptions& options = {}) {
    clients_.push_back(std::make_unique<TestClient>(io(), address_, options));
    return *clients_.back();
  }
  // A GET that the server has.
  TestExchange& asked(TestClient& client) {
    TestExchange& exchange = client.start();
    exchange.get();
    EXPECT_TRUE(until([&] { return peer_ != nullptr && peer_->incoming.ends_with("\r\n\r\n"); }));
    peer_->incoming.clear();
    return exchange;
  }
  void answered(TestClient& client) {
    TestExchange& exchange = asked(client);
    peer_->send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
    EXPECT_TRUE(until([&] { return exchange.closed; }));
    EXPECT_TRUE(client.connection->idle());
  }
  void expect_end(const TestExchange& exchange, StreamEnd end, base::Retry retry) {
    EXPECT_EQ(name(exchange.how.end), name(end));
    EXPECT_EQ(exchange.how.retry, retry);
  }

  TestLoop loop_{TestLoop::Engine::kMemory};
  net::TestListener listener_{loop_.io()};
  net::TestPeer* peer_ = nullptr;
  base::Address address_;
  std::vector<std::unique_ptr<TestClient>> clients_;
};

TEST_F(ClientConnectionTest, AServerThatCannotBeReached) {
  loop_.world().set_reach(address_, net::MemoryWorld::Reach::kSilent);
  const base::Instant began = io().now();
  TestClient& client = connect();
  TestExchange& exchange = client.start();
  exchange.get();
  ASSERT_TRUE(until([&] { return client.closed; }));
  expect_end(exchange, StreamEnd::kConnectTimeout, base::Retry::kAlways);
  EXPECT_GE(since(began), seconds(5));
  EXPECT_LE(since(began), seconds(6));
}

TEST_F(ClientConnectionTest, AResponseThatDoesNotCome) {
  TestClient& client = connect({.response_timeout = seconds(10), .source = {}});
  TestExchange& exchange = asked(client);
  const base::Instant began = io().now();
  ASSERT_TRUE(until([&] { return exchange.closed; }));
  expect_end(exchange, StreamEnd::kHeadTimeout, base::Retry::kNever);
  EXPECT_GE(since(began), seconds(9));
  EXPECT_LE(since(began), seconds(11));
}

TEST_F(ClientConnectionTest, AResponseHeadThatDoesNotComeToItsEnd) {
  TestClient& client = connect({.response_timeout = seconds(10), .source = {}});
  TestExchange& exchange = asked(client);
  const base::Instant began = io().now();
  peer_->send("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nA: ");
  for (int i = 0; i < 15 && !exchange.closed; ++i) {
    loop_.pass(seconds(1));
    if (!exchange.closed) peer_->send("x");
  }
  ASSERT_TRUE(exchange.closed);
  expect_end(exchange, StreamEnd::kHeadTimeout, base::Retry::kNever);
  EXPECT_LE(since(began), seconds(11));
}

TEST_F(ClientConnectionTest, AResponseThatDoesNotComeToALateEnd) {
  TestClient& client = connect({.response_timeout = seconds(3), .source = {}});
  TestExchange& exchange = client.start();
  exchange.send("POST", "/", BodyLength::known(4));
  exchange.stream->send_data(base::Slice::of_static("body"));
  ASSERT_TRUE(until([&] { return exchange.sent == 4; }));
  loop_.pass(seconds(10));  // our own side is slow: no time-out
  EXPECT_FALSE(exchange.closed);
  exchange.stream->send_end();
  const base::Instant began = io().now();
  ASSERT_TRUE(until([&] { return exchange.closed; }));
  expect_end(exchange, StreamEnd::kHeadTimeout, base::Retry::kNever);
  EXPECT_LE(since(began), seconds(4));
}

TEST_F(ClientConnectionTest, ABodyThatStopsAndAReaderThatIsSlow) {
  TestClient& client = connect({.window_bytes = 10, .source = {}});
  TestExchange& exchange = asked(client);
  exchange.consume_at_once = false;
  peer_->send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789");
  ASSERT_TRUE(until([&] { return exchange.body.size() == 10; }));
  loop_.pass(seconds(300));  // it is we who do not read
  EXPECT_FALSE(exchange.closed);
  exchange.stream->consume(10);
  const base::Instant began = io().now();
  ASSERT_TRUE(until([&] { return exchange.closed; }));
  expect_end(exchange, StreamEnd::kBodyTimeout, base::Retry::kNever);
  EXPECT_LE(since(began), seconds(61));
}

TEST_F(ClientConnectionTest, AServerThatStopsReading) {
  listener_.receiving = false;
  TestClient& client = connect();
  TestExchange& exchange = client.start();
  const std::string up(1'000'000, 'x');
  exchange.send("POST", "/", BodyLength::known(up.size()));
  exchange.stream->send_data(base::Slice::of_static(up));
  exchange.stream->send_end();
  ASSERT_TRUE(until([&] { return peer_ != nullptr; }));
  for (int i = 0; i < 12; ++i) {  // slow is not stopped
    loop_.pass(seconds(10));
    peer_->receive();
  }
  EXPECT_FALSE(exchange.closed);
  loop_.pass(milliseconds(10));
  uint64_t taken = exchange.stream->facts().bytes_out;
  ASSERT_TRUE(until([&] {
    if (!exchange.closed && exchange.stream->facts().bytes_out != taken) {
      taken = exchange.stream->facts().bytes_out;
    }
    return exchange.closed;
  }));
  expect_end(exchange, StreamEnd::kWriteTimeout, base::Retry::kNever);
  EXPECT_EQ(exchange.facts.bytes_out, taken);  // exact, though the send was cut
  EXPECT_GT(taken, 12U * 16'384U - 65'536U);
}

TEST_F(ClientConnectionTest, AConnectionTheServerGaveUpBetween) {
  TestClient& client = connect();
  answered(client);
  peer_->close();
  ASSERT_TRUE(until([&] { return client.closed; }));
  EXPECT_EQ(client.unusables, 1);
}

TEST_F(ClientConnectionTest, AReusedConnectionThatDies) {
  for (const bool reset : {false, true}) {
    SCOPED_TRACE(reset);
    peer_ = nullptr;
    TestClient& client = connect();
    answered(client);
    TestExchange& exchange = asked(client);
    peer_->close(reset ? net::CloseMode::kReset : net::CloseMode::kGraceful);
    ASSERT_TRUE(until([&] { return exchange.closed; }));
    expect_end(exchange, reset ? StreamEnd::kPeerReset : StreamEnd::kPeerClosed,
               base::Retry::kIfReused);
    EXPECT_TRUE(exchange.facts.reused);
  }
}

TEST_F(ClientConnectionTest, AConnectionThatDiesAfterAByteOfTheAnswer) {
  TestClient& client = connect();
  answered(client);
  TestExchange& exchange = asked(client);
  peer_->send("H");
  peer_->on_done = [&] { peer_->close(); };
  ASSERT_TRUE(until([&] { return exchange.closed; }));
  expect_end(exchange, StreamEnd::kPeerClosed, base::Retry::kNever);
}

TEST_F(ClientConnectionTest, AFreshConnectionThatDies) {
  TestClient& client = connect();
  TestExchange& exchange = asked(client);
  peer_->close();
  ASSERT_TRUE(until([&] { return exchange.closed; }));
  expect_end(exchange, StreamEnd::kPeerClosed, base::Retry::kNever);
}

TEST_F(ClientConnectionTest, BadAnswers) {
  for (const char* text :
       {"220 mail\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZ\r\n"}) {
    SCOPED_TRACE(text);
    peer_ = nullptr;
    TestClient& client = connect();
    TestExchange& exchange = asked(client);
    peer_->send(text);
    ASSERT_TRUE(until([&] { return exchange.closed; }));
    expect_end(exchange, StreamEnd::kBadMessage, base::Retry::kNever);
    EXPECT_NE(exchange.how.problem, wire::http1::Problem::kNone);
  }
}

TEST_F(ClientConnectionTest, InterimResponsesWithoutEnd) {
  TestClient& client = connect({.limits = {.head_bytes_max = 1000}, .source = {}});
  for (const bool many : {false, true}) {
    TestExchange& exchange = asked(client);
    const std::string hint = "HTTP/1.1 103 Early Hints\r\nA: " + std::string(70, 'x') + "\r\n\r\n";
    for (int i = 0; i < 9; ++i) peer_->send(hint);
    if (!many) {
      peer_->send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
      ASSERT_TRUE(until([&] { return exchange.closed; }));
      EXPECT_EQ(exchange.interims.size(), 9U);
      expect_end(exchange, StreamEnd::kComplete, base::Retry::kNever);
      continue;
    }
    peer_->send(hint);
    ASSERT_TRUE(until([&] { return exchange.closed; }));
    EXPECT_EQ(exchange.interims.size(), 9U);
    expect_end(exchange, StreamEnd::kBadMessage, base::Retry::kNever);
    EXPECT_EQ(exchange.how.problem, wire::http1::Problem::kHeadTooLarge);
  }
}

TEST_F(ClientConnectionTest, BytesNobodyAskedForEndTheConnection) {
  TestClient& client = connect();
  answered(client);
  peer_->send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
  ASSERT_TRUE(until([&] { return client.closed; }));
  EXPECT_EQ(client.exchanges.size(), 1U);
  peer_ = nullptr;
  TestClient& other = connect();
  TestExchange& exchange = asked(other);
  peer_->send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhimore");
  ASSERT_TRUE(until([&] { return exchange.closed; }));
  EXPECT_EQ(exchange.how.end, StreamEnd::kComplete);
  EXPECT_EQ(exchange.body, "hi");
  ASSERT_TRUE(until([&] { return other.closed; }));  // not used again
}

TEST_F(ClientConnectionTest, UntilClose) {
  TestClient& client = connect();
  TestExchange& exchange = asked(client);
  peer_->send("HTTP/1.0 200 OK\r\n\r\nsome");
  ASSERT_TRUE(until([&] { return exchange.body == "some"; }));
  EXPECT_FALSE(exchange.ended);
  peer_->close();
  ASSERT_TRUE(until([&] { return exchange.closed; }));
  expect_end(exchange, StreamEnd::kComplete, base::Retry::kNever);
  EXPECT_TRUE(exchange.ended);

  peer_ = nullptr;
  TestExchange& cut = asked(connect());
  peer_->send("HTTP/1.0 200 OK\r\n\r\nsome");
  ASSERT_TRUE(until([&] { return cut.body == "some"; }));
  peer_->close(net::CloseMode::kReset);
  ASSERT_TRUE(until([&] { return cut.closed; }));
  expect_end(cut, StreamEnd::kPeerReset, base::Retry::kNever);
}

TEST_F(ClientConnectionTest, ServersThatCloseAreNotAskedAgain) {
  for (const char* text : {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi",
                           "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi"}) {
    peer_ = nullptr;
    TestClient& client = connect();
    TestExchange& exchange = asked(client);
    peer_->send(text);
    ASSERT_TRUE(until([&] { return client.closed; }));
    EXPECT_EQ(exchange.how.end, StreamEnd::kComplete);
    EXPECT_EQ(client.idles, 0);
  }
}

TEST_F(ClientConnectionTest, ShutAndAbortInEveryState) {
  for (const bool shut : {true, false}) {
    for (const int state : {0, 1, 2, 3}) {
      SCOPED_TRACE(state);
      peer_ = nullptr;
      TestClient& client = connect();
      TestExchange& exchange = client.start();
      exchange.get();
      if (state >= 1) {
        ASSERT_TRUE(until([&] { return peer_ != nullptr && !peer_->incoming.empty(); }));
      }
      if (state >= 2) {
        peer_->send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhi");
        ASSERT_TRUE(until([&] { return exchange.body == "hi"; }));
      }
      if (state >= 3) {
        peer_->send("hi");
        ASSERT_TRUE(until([&] { return exchange.closed; }));
      }
      if (shut || state == 3) {
        client.connection->shut();
        client.connection->shut();
      } else {
        exchange.stream->abort();
        exchange.stream = nullptr;
      }
      EXPECT_EQ(exchange.closed, shut || state == 3);
      ASSERT_TRUE(until([&] { return client.closed; }));
      EXPECT_EQ(exchange.how.end == StreamEnd::kShutdown, state < 3 && shut);
      EXPECT_EQ(exchange.closed, shut || state == 3);
    }
  }
}

}  // namespace
}  // namespace giliran::conn
