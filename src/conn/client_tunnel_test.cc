// Tunnels: what comes around the 101, byte by byte, and how they end; the client's side.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "conn/test_connections.h"

namespace giliran::conn {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kAnswer =
    "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: test\r\n\r\n";
// What must never be taken for HTTP.
constexpr std::string_view kAnswerLike = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

class ClientTunnelTest : public testing::Test {
 protected:
  ClientTunnelTest() {
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
  // By an event of its own, not by a time-out that comes along.
  template <typename Predicate>
  bool promptly(Predicate predicate) {
    const base::Instant began = io().now();
    return until(predicate) && since(began) < milliseconds(100);
  }
  base::Duration since(base::Instant t) { return io().now() - t; }
  TestClient& connect(const ClientOptions& options = {}) {
    clients_.push_back(std::make_unique<TestClient>(io(), address_, options));
    return *clients_.back();
  }
  TestExchange& asked(TestClient& client, bool connect = false) {
    if (client.exchanges.empty()) peer_ = nullptr;
    TestExchange& exchange = client.start();
    exchange.ask_tunnel(connect);
    EXPECT_TRUE(until([&] { return peer_ != nullptr && peer_->incoming.ends_with("\r\n\r\n"); }));
    said_ = std::exchange(peer_->incoming, {});
    return exchange;
  }
  // The head of a request for an upgrade with a body.
  TestExchange& sent_with(BodyLength length) {
    peer_ = nullptr;
    TestExchange& exchange = connect().start();
    const Field field{.name = "Upgrade", .value = "test"};
    exchange.stream->send_head(
        {.method = "POST", .target = "/", .fields = {&field, 1}, .body = length, .upgrade = true});
    return exchange;
  }
  TestExchange& opened(TestClient& client) {
    TestExchange& exchange = asked(client);
    peer_->send(std::string(kAnswer));
    EXPECT_TRUE(until([&] { return exchange.status == 101; }));
    return exchange;
  }
  void half_close() {
    ASSERT_TRUE(until([&] { return !io().sending(peer_->socket); }));
    io().shutdown_send(peer_->socket);
  }

  TestLoop loop_{TestLoop::Engine::kMemory};
  net::TestListener listener_{loop_.io()};
  net::TestPeer* peer_ = nullptr;
  std::string said_;  // the request as it came
  base::Address address_;
  std::vector<std::unique_ptr<TestClient>> clients_;
};

TEST_F(ClientTunnelTest, TheHeadOfTheRequest) {
  TestExchange& exchange = asked(connect());
  EXPECT_EQ(said_,
            "GET /chat HTTP/1.1\r\nHost: h:80\r\nUpgrade: test\r\nConnection: upgrade\r\n\r\n");
  EXPECT_NE(exchange.stream->facts().request_sent, base::Instant{});
  asked(connect(), true);
  EXPECT_EQ(said_, "CONNECT h:80 HTTP/1.1\r\nHost: h:80\r\n\r\n");
}

TEST_F(ClientTunnelTest, ABodyComesFirst) {
  for (const BodyLength length :
       {BodyLength::known(0), BodyLength::known(4), BodyLength::unknown()}) {
    TestExchange& exchange = sent_with(length);
    const bool chunked = length.kind == BodyLength::Kind::kUnknown;
    if (chunked || length.bytes != 0) exchange.say("body");
    exchange.stream->send_end();
    const std::string body = chunked ? "4\r\nbody\r\n0\r\n\r\n" : length.bytes != 0 ? "body" : "";
    const std::string sent = "POST / HTTP/1.1\r\nUpgrade: test\r\n" +
                             (chunked ? std::string("Transfer-Encoding: chunked")
                                      : "Content-Length: " + std::to_string(length.bytes)) +
                             "\r\nConnection: upgrade\r\n\r\n" + body;
    ASSERT_TRUE(until([&] { return peer_ != nullptr && peer_->incoming.size() == sent.size(); }));
    EXPECT_EQ(peer_->incoming, sent);
    peer_->incoming.clear();
    peer_->send(std::string(kAnswer) + "raw");
    ASSERT_TRUE(until([&] { return exchange.body == "raw"; }));
    EXPECT_EQ(exchange.status, 101);
    exchange.say("raw too");
    ASSERT_TRUE(until([&] { return peer_->incoming == "raw too"; }));
  }
}

// What we send until the request is over is its body, not the tunnel's.
TEST_F(ClientTunnelTest, ASwitchBeforeTheEndOfTheBodyWaitsForIt) {
  TestExchange& exchange = sent_with(BodyLength::known(8));
  exchange.say("body");
  ASSERT_TRUE(until([&] { return peer_ != nullptr && peer_->incoming.ends_with("body"); }));
  peer_->send(std::string(kAnswer) + "early");
  loop_.pass(seconds(100));
  peer_->send(std::string(300'000, 'x'));
  loop_.pass(milliseconds(20));
  EXPECT_EQ(exchange.status, 0);
  EXPECT_LT(io().buffers().bytes_in_use(), 200'000U);  // no more is read
  exchange.say("body");
  exchange.stream->send_end();
  EXPECT_EQ(exchange.status, 0);  // never inside the call
  ASSERT_TRUE(promptly([&] { return exchange.status == 101; }));
  ASSERT_TRUE(until([&] { return exchange.body.size() == 300'005; }));
  EXPECT_TRUE(exchange.body.starts_with("earlyxx"));
  EXPECT_NE(exchange.stream->facts().request_sent, base::Instant{});
  EXPECT_GE(exchange.stream->facts().head_done, exchange.stream->facts().request_sent);
  exchange.say("raw");
  ASSERT_TRUE(until([&] { return peer_->incoming.ends_with("bodybodyraw"); }));
}

TEST_F(ClientTunnelTest, AnotherAnswerBeforeTheEndOfTheBodyIsTheAnswer) {
  TestExchange& exchange = sent_with(BodyLength::known(8));
  ASSERT_TRUE(until([&] { return peer_ != nullptr && peer_->incoming.ends_with("\r\n\r\n"); }));
  peer_->send("HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno");
  ASSERT_TRUE(until([&] { return exchange.closed; }));
  EXPECT_EQ(exchange.status, 403);
  EXPECT_EQ(exchange.how.end, StreamEnd::kComplete);
}

TEST_F(ClientTunnelTest, BytesBehindTheAnswerBelongToTheTunnel) {
  for (const bool connect_method : {false, true}) {
    const std::string head = connect_method
                                 ? "HTTP/1.1 200 OK\r\n\r\n"
                                 : "HTTP/1.1 103 Early Hints\r\n\r\n" + std::string(kAnswer);
    const std::string text = head + std::string(kAnswerLike);
    for (size_t at = 1; at <= text.size(); ++at) {
      SCOPED_TRACE(at);
      TestClient& client = connect();
      TestExchange& exchange = asked(client, connect_method);
      peer_->send(text.substr(0, at));
      loop_.pass(milliseconds(2));
      if (at < text.size()) peer_->send(text.substr(at));
      ASSERT_TRUE(until([&] { return exchange.body.size() == kAnswerLike.size(); }));
      EXPECT_EQ(exchange.body, kAnswerLike);
      EXPECT_EQ(exchange.status, connect_method ? 200 : 101);
      EXPECT_EQ(exchange.stream->facts().bytes_in, text.size());
      EXPECT_FALSE(exchange.ended);
      exchange.say("raw\r\n");
      ASSERT_TRUE(until([&] { return peer_->incoming == "raw\r\n"; }));
      exchange.stream->abort();
      exchange.stream = nullptr;
      peer_->close();
      ASSERT_TRUE(until([&] { return io().sockets() == 0; }));
      clients_.clear();
      listener_.peers.clear();
    }
  }
}

TEST_F(ClientTunnelTest, WhereItIsDeclinedTheConnectionIsUsedAgain) {
  TestClient& client = connect();
  TestExchange& exchange = asked(client);
  peer_->send("HTTP/1.1 426 Upgrade Required\r\nContent-Length: 2\r\n\r\nno");
  ASSERT_TRUE(until([&] { return exchange.closed; }));
  EXPECT_EQ(exchange.status, 426);
  EXPECT_EQ(exchange.body, "no");
  EXPECT_EQ(exchange.how.end, StreamEnd::kComplete);
  EXPECT_EQ(client.idles, 1);
  TestExchange& next = client.start();
  next.get();
  ASSERT_TRUE(until([&] { return peer_->incoming.ends_with("\r\n\r\n"); }));
  EXPECT_THAT(peer_->incoming, Not(HasSubstr("pgrade")));
  peer_->send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
  ASSERT_TRUE(until([&] { return next.closed; }));
  EXPECT_TRUE(next.facts.reused);
}

TEST_F(ClientTunnelTest, AnAnswerThatOnlySometimesOpensOne) {
  // A 101 to CONNECT was not asked for; a 2xx to an upgrade, and a refused CONNECT, are responses.
  TestExchange& odd = asked(connect(), true);
  peer_->send(std::string(kAnswer));
  ASSERT_TRUE(until([&] { return odd.closed; }));
  EXPECT_EQ(odd.how.end, StreamEnd::kBadMessage);
  EXPECT_EQ(odd.how.problem, wire::http1::Problem::kBadUpgrade);
  for (const bool connect_method : {false, true}) {
    TestExchange& declined = asked(connect(), connect_method);
    peer_->send(std::string("HTTP/1.1 ") + (connect_method ? "403" : "200") +
                " X\r\nContent-Length: 2\r\n\r\nno");
    ASSERT_TRUE(until([&] { return declined.closed; }));
    EXPECT_EQ(declined.body, "no");
    EXPECT_TRUE(declined.ended);
    EXPECT_EQ(declined.how.end, StreamEnd::kComplete);
  }
}

TEST_F(ClientTunnelTest, TheAnswerIsWaitedForAsAnyOther) {
  TestClient& client = connect({.response_timeout = seconds(10), .source = {}});
  const base::Instant began = io().now();
  TestExchange& exchange = asked(client);
  ASSERT_TRUE(until([&] { return exchange.closed; }));
  EXPECT_EQ(exchange.how.end, StreamEnd::kHeadTimeout);
  EXPECT_EQ(exchange.how.retry, base::Retry::kNever);
  EXPECT_LE(since(began), seconds(10) + milliseconds(100));
}

TEST_F(ClientTunnelTest, HalfClosesInBothOrders) {
  for (const bool server_first : {true, false}) {
    SCOPED_TRACE(server_first);
    TestClient& client = connect();
    TestExchange& exchange = opened(client);
    if (server_first) {
      peer_->send("last words");
      half_close();
      ASSERT_TRUE(until([&] { return exchange.ended; }));
      EXPECT_EQ(exchange.body, "last words");
      exchange.say("still here");
      ASSERT_TRUE(until([&] { return peer_->incoming == "still here"; }));
      exchange.stream->send_end();
      EXPECT_FALSE(exchange.closed);  // never inside the call
    } else {
      exchange.say("last words");
      exchange.stream->send_end();
      ASSERT_TRUE(until([&] { return peer_->ended; }));
      EXPECT_EQ(peer_->incoming, "last words");
      peer_->send("still here");
      ASSERT_TRUE(until([&] { return exchange.body == "still here"; }));
      EXPECT_FALSE(exchange.closed);
      half_close();
    }
    ASSERT_TRUE(promptly([&] { return exchange.closed && peer_->ended; }));
    EXPECT_EQ(exchange.how.end, StreamEnd::kComplete);
    EXPECT_EQ(peer_->receive_error, 0);
    EXPECT_EQ(client.idles, 0);
    EXPECT_EQ(client.unusables, 1);
    ASSERT_TRUE(until([&] { return client.closed; }));
  }
}

TEST_F(ClientTunnelTest, NothingMovesForTooLong) {
  TestClient& client = connect({.tunnel_idle_timeout = seconds(10), .source = {}});
  TestExchange& exchange = opened(client);
  base::Instant moved = io().now();
  for (int i = 0; i < 20; ++i) {  // longer than every other time-out
    loop_.pass(seconds(9));
    if (i % 2 == 0) peer_->send("x");
    if (i % 2 == 1) exchange.say("y");
    moved = io().now();
  }
  EXPECT_FALSE(exchange.closed);
  ASSERT_TRUE(until([&] { return exchange.closed; }));
  EXPECT_EQ(exchange.how.end, StreamEnd::kTunnelIdle);
  EXPECT_EQ(exchange.how.retry, base::Retry::kNever);
  EXPECT_GE(since(moved), seconds(10));
  EXPECT_LE(since(moved), seconds(10) + milliseconds(100));
}

TEST_F(ClientTunnelTest, TheWindowHoldsInATunnel) {
  TestClient& client = connect({.window_bytes = 10'000, .source = {}});
  TestExchange& exchange = opened(client);
  exchange.consume_at_once = false;
  peer_->send(std::string(300'000, 'x'));
  ASSERT_TRUE(until([&] { return exchange.body.size() >= 10'000; }));
  loop_.pass(milliseconds(20));
  size_t consumed = 0;
  ASSERT_TRUE(until([&] {
    const size_t ahead = exchange.body.size() - consumed;
    EXPECT_LE(ahead, 10'000U + 65'536U);
    consumed = exchange.body.size();
    if (ahead != 0) exchange.stream->consume(static_cast<uint32_t>(ahead));
    return exchange.body.size() == 300'000;
  }));
}

TEST_F(ClientTunnelTest, ResetsAbortsAndShut) {
  TestClient& reset = connect();
  TestExchange& exchange = opened(reset);
  peer_->close(net::CloseMode::kReset);
  ASSERT_TRUE(until([&] { return exchange.closed; }));
  EXPECT_EQ(exchange.how.end, StreamEnd::kPeerReset);
  EXPECT_EQ(exchange.how.retry, base::Retry::kNever);

  TestClient& shut = connect();
  TestExchange& cut = opened(shut);
  EXPECT_FALSE(shut.connection->usable());
  shut.connection->shut();
  EXPECT_EQ(cut.how.end, StreamEnd::kShutdown);
  ASSERT_TRUE(until([&] { return peer_->receive_error != 0; }));

  for (const int state : {0, 1, 2}) {
    TestClient& client = connect();
    TestExchange& aborted = state == 0 ? asked(client) : opened(client);
    if (state == 2) {
      half_close();
      ASSERT_TRUE(until([&] { return aborted.ended; }));
    }
    aborted.stream->abort();
    aborted.stream = nullptr;
    ASSERT_TRUE(until([&] { return client.closed && peer_->receive_error != 0; }));
    EXPECT_FALSE(aborted.closed);
  }
}

TEST_F(ClientTunnelTest, AReusedConnectionThatDiesIsNoLossForAnUpgrade) {
  TestClient& client = connect();
  TestExchange& first = client.start();
  first.get();
  ASSERT_TRUE(until([&] { return peer_ != nullptr && peer_->incoming.ends_with("\r\n\r\n"); }));
  peer_->incoming.clear();
  peer_->send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  ASSERT_TRUE(until([&] { return client.idles == 1; }));
  TestExchange& exchange = asked(client);
  peer_->close();
  ASSERT_TRUE(until([&] { return exchange.closed; }));
  EXPECT_EQ(exchange.how.retry, base::Retry::kIfReused);
}

}  // namespace
}  // namespace giliran::conn
