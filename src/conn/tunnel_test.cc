// Tunnels: what comes around the 101, byte by byte, and how they end; the server's side, and both.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "conn/test_connections.h"

namespace giliran::conn {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::EndsWith;
using testing::StartsWith;

constexpr std::string_view kAsk =
    "GET /chat HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: test\r\n\r\n";
constexpr std::string_view kConnect = "CONNECT h:80 HTTP/1.1\r\nHost: h:80\r\n\r\n";
// What must never be taken for HTTP.
constexpr std::string_view kLooksLikeHttp = "GET /evil HTTP/1.1\r\nHost: h\r\n\r\n";

// --- the server's side ---

class ServerTunnelTest : public ConnectionTest {
 protected:
  // Sends the text in two pieces, the second when the first has been looked at.
  void send_split(net::TestPeer& peer, std::string_view text, size_t at) {
    peer.send(std::string(text.substr(0, at)));
    loop_.pass(milliseconds(2));
    if (at < text.size()) peer.send(std::string(text.substr(at)));
    loop_.pass(milliseconds(2));
  }
  TestRequest& opened(net::TestPeer& peer) {
    const size_t before = server_.requests.size();
    server_.on_request_end = [](TestRequest& r) { r.accept_tunnel(); };
    peer.send(std::string(kAsk));
    EXPECT_TRUE(until(
        [&] { return server_.requests.size() > before && peer.incoming.ends_with("\r\n\r\n"); }));
    peer.incoming.clear();
    return *server_.requests.back();
  }
  void half_close(net::TestPeer& peer) {
    ASSERT_TRUE(until([&] { return !loop_.io().sending(peer.socket); }));
    loop_.io().shutdown_send(peer.socket);
  }
  // By an event of its own, not by a time-out that comes along.
  template <typename Predicate>
  bool promptly(Predicate predicate) {
    const base::Instant began = loop_.io().now();
    return until(predicate) && since(began) < milliseconds(100);
  }
  base::Duration since(base::Instant t) { return loop_.io().now() - t; }
};

TEST_F(ServerTunnelTest, BytesBehindTheRequestBelongToTheTunnel) {
  for (const std::string_view ask : {kAsk, kConnect}) {
    const std::string text = std::string(ask) + std::string(kLooksLikeHttp);
    for (const bool at_once : {true, false}) {
      for (size_t at = 1; at <= text.size(); ++at) {
        SCOPED_TRACE(at);
        server_.requests.clear();
        server_.on_request_end = [&](TestRequest& r) {
          if (at_once) r.accept_tunnel();
        };
        net::TestPeer& peer = dial();
        send_split(peer, text, at);
        ASSERT_EQ(server_.requests.size(), 1U);
        TestRequest& request = *server_.requests[0];
        ASSERT_TRUE(request.ended);
        if (!at_once) {
          EXPECT_EQ(request.raw, "");
          request.accept_tunnel();
          EXPECT_EQ(request.raw, "");  // never inside the call
        }
        ASSERT_TRUE(promptly([&] { return request.raw.size() == kLooksLikeHttp.size(); }));
        EXPECT_EQ(request.raw, kLooksLikeHttp);
        EXPECT_EQ(request.body, "");
        EXPECT_EQ(request.stream->facts().bytes_in, text.size());
        ASSERT_TRUE(until([&] { return peer.incoming.ends_with("\r\n\r\n"); }));
        EXPECT_EQ(server_.requests.size(), 1U);
        peer.close();
        ASSERT_TRUE(until([&] { return request.half_closed; }));
        request.stream->send_end();
        ASSERT_TRUE(promptly([&] { return server_.open() == 0; }));
        EXPECT_EQ(request.how.end, StreamEnd::kComplete);
        peers_.clear();
        server_.connections.clear();
      }
    }
  }
}

TEST_F(ServerTunnelTest, TheHeadOfTheAnswer) {
  net::TestPeer& upgraded = dial();
  server_.on_request_end = [](TestRequest& r) {
    r.accept_tunnel();
    r.say("first");  // the server speaks first
  };
  upgraded.send(std::string(kAsk));
  ASSERT_TRUE(until([&] { return upgraded.incoming.ends_with("first"); }));
  EXPECT_EQ(
      upgraded.incoming,
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: test\r\nConnection: upgrade\r\n\r\nfirst");
  net::TestPeer& connected = dial();
  connected.send(std::string(kConnect));
  ASSERT_TRUE(until([&] { return connected.incoming.ends_with("first"); }));
  EXPECT_EQ(connected.incoming, "HTTP/1.1 200 OK\r\n\r\nfirst");
}

TEST_F(ServerTunnelTest, AConnectWithContentIsRefused) {
  for (const std::string framing : {"Content-Length: 3", "Transfer-Encoding: chunked"}) {
    server_.refused.clear();
    net::TestPeer& peer = dial();
    peer.send("CONNECT h:80 HTTP/1.1\r\nHost: h:80\r\n" + framing + "\r\n\r\nabc");
    ASSERT_TRUE(until([&] { return peer.ended; }));
    EXPECT_THAT(peer.incoming, StartsWith("HTTP/1.1 400"));
    EXPECT_EQ(server_.refused.size(), 1U);
    EXPECT_TRUE(server_.requests.empty());
  }
  server_.on_request_end = [](TestRequest& r) { r.accept_tunnel(); };
  net::TestPeer& empty = dial();
  empty.send("CONNECT h:80 HTTP/1.1\r\nHost: h:80\r\nContent-Length: 0\r\n\r\nabc");
  ASSERT_TRUE(
      until([&] { return !server_.requests.empty() && server_.requests[0]->raw == "abc"; }));
}

TEST_F(ServerTunnelTest, WhereItIsDeclinedTheBytesAreTheNextRequest) {
  const std::string text = std::string(kAsk) + std::string(kLooksLikeHttp);
  for (size_t at = 1; at <= text.size(); ++at) {
    SCOPED_TRACE(at);
    server_.requests.clear();
    server_.on_request_end = [](TestRequest&) {};
    net::TestPeer& peer = dial();
    send_split(peer, text, at);
    ASSERT_EQ(server_.requests.size(), 1U);  // not before it is decided
    server_.requests[0]->respond("no", 426);
    ASSERT_TRUE(until([&] { return server_.requests.size() == 2 && server_.requests[1]->ended; }));
    EXPECT_EQ(server_.requests[1]->target, "/evil");
    server_.requests[1]->respond("hi");
    ASSERT_TRUE(until([&] { return peer.incoming.ends_with("hi"); }));
    EXPECT_THAT(peer.incoming, StartsWith("HTTP/1.1 426"));
    peer.close();
    ASSERT_TRUE(until([&] { return server_.open() == 0; }));
    peers_.clear();
    server_.connections.clear();
  }
}

TEST_F(ServerTunnelTest, HalfClosesInBothOrders) {
  for (const bool client_first : {true, false}) {
    SCOPED_TRACE(client_first);
    net::TestPeer& peer = dial();
    TestRequest& request = opened(peer);
    if (client_first) {
      peer.send("last words");
      half_close(peer);
      ASSERT_TRUE(until([&] { return request.half_closed; }));
      EXPECT_EQ(request.raw, "last words");
      request.say("still here");  // the other half goes on
      ASSERT_TRUE(until([&] { return peer.incoming == "still here"; }));
      EXPECT_FALSE(peer.ended);
      request.stream->send_end();
      EXPECT_FALSE(request.closed);  // never inside the call
    } else {
      request.say("last words");
      request.stream->send_end();
      ASSERT_TRUE(until([&] { return peer.ended; }));
      EXPECT_EQ(peer.incoming, "last words");
      peer.send("still here");
      ASSERT_TRUE(until([&] { return request.raw == "still here"; }));
      EXPECT_FALSE(request.closed);
      half_close(peer);
    }
    ASSERT_TRUE(promptly([&] { return request.closed && peer.ended; }));
    EXPECT_TRUE(request.half_closed);
    EXPECT_EQ(request.how.end, StreamEnd::kComplete);
    EXPECT_EQ(peer.receive_error, 0);
    ASSERT_TRUE(until([&] { return server_.open() == 0; }));
  }
}

TEST_F(ServerTunnelTest, AnEndWithMuchLeftToSend) {
  const std::string big(500'000, 'x');
  net::TestPeer& peer = dial(false);
  server_.on_request_end = [](TestRequest& r) { r.accept_tunnel(); };
  peer.send(std::string(kAsk));
  ASSERT_TRUE(until([&] { return !server_.requests.empty() && server_.requests[0]->tunnel; }));
  TestRequest& request = *server_.requests[0];
  request.say(big);
  request.stream->send_end();
  loop_.pass(milliseconds(20));
  EXPECT_FALSE(request.closed);
  peer.receiving = true;
  peer.receive();
  ASSERT_TRUE(until([&] { return peer.ended; }));
  EXPECT_THAT(peer.incoming, EndsWith(big));
  EXPECT_EQ(request.sent, big.size());
  half_close(peer);
  ASSERT_TRUE(until([&] { return request.closed; }));
  EXPECT_EQ(request.how.end, StreamEnd::kComplete);
}

TEST_F(ServerTunnelTest, TheWindowHoldsInATunnel) {
  server_.options.window_bytes = 10'000;
  server_.on_request_begin = [](TestRequest& r) { r.consume_at_once = false; };
  net::TestPeer& peer = dial();
  TestRequest& request = opened(peer);
  peer.send(std::string(300'000, 'x'));
  ASSERT_TRUE(until([&] { return request.raw.size() >= 10'000; }));
  loop_.pass(milliseconds(20));
  EXPECT_LE(request.raw.size(), 10'000U + 16'384U);
  size_t consumed = 0;
  ASSERT_TRUE(until([&] {
    const size_t ahead = request.raw.size() - consumed;
    EXPECT_LE(ahead, 10'000U + 65'536U);
    consumed = request.raw.size();
    if (ahead != 0) request.stream->consume(static_cast<uint32_t>(ahead));
    return request.raw.size() == 300'000;
  }));
}

TEST_F(ServerTunnelTest, NothingMovesForTooLong) {
  server_.options.tunnel_idle_timeout = seconds(10);
  net::TestPeer& silent = dial();
  TestRequest& idle = opened(silent);
  net::TestPeer& talks = dial();
  TestRequest& hears = opened(talks);
  net::TestPeer& listens = dial();
  TestRequest& speaks = opened(listens);
  base::Instant moved = loop_.io().now();
  for (int i = 0; i < 4; ++i) {  // longer than the head, body and write time-outs, too
    loop_.pass(seconds(9));
    if (i == 0) {
      EXPECT_FALSE(idle.closed);
    }
    talks.send("x");
    speaks.say("y");
    moved = loop_.io().now();
  }
  ASSERT_TRUE(idle.closed);
  EXPECT_EQ(idle.how.end, StreamEnd::kTunnelIdle);
  EXPECT_FALSE(hears.closed || speaks.closed);
  ASSERT_TRUE(until([&] { return hears.closed && speaks.closed; }));
  EXPECT_EQ(hears.how.end, StreamEnd::kTunnelIdle);
  EXPECT_EQ(speaks.how.end, StreamEnd::kTunnelIdle);
  EXPECT_GE(since(moved), seconds(10));
  EXPECT_LE(since(moved), seconds(10) + milliseconds(100));
  ASSERT_TRUE(until([&] { return silent.receive_error != 0; }));
}

TEST_F(ServerTunnelTest, AReaderThatIsSlowKeepsItAlive) {
  server_.options.tunnel_idle_timeout = seconds(10);
  const std::string big(1'000'000, 'x');
  net::TestPeer& peer = dial();
  TestRequest& request = opened(peer);
  peer.receiving = false;
  request.say(big);
  for (int i = 0; i < 6; ++i) {
    loop_.pass(seconds(4));
    if (!loop_.io().receiving(peer.socket)) peer.receive();
  }
  EXPECT_FALSE(request.closed);
  const base::Instant stopped = loop_.io().now();
  const uint64_t before = request.stream->facts().bytes_out;
  EXPECT_GT(before, 65'536U);
  ASSERT_TRUE(until([&] { return request.closed; }));
  EXPECT_EQ(request.how.end, StreamEnd::kTunnelIdle);
  EXPECT_LE(since(stopped), seconds(10) + milliseconds(100));
  EXPECT_GE(request.facts.bytes_out, before);
}

TEST_F(ServerTunnelTest, ResetsAndAborts) {
  net::TestPeer& peer = dial();
  TestRequest& request = opened(peer);
  peer.send("words");
  peer.on_done = [&] { peer.close(net::CloseMode::kReset); };
  ASSERT_TRUE(until([&] { return request.closed; }));
  EXPECT_EQ(request.how.end, StreamEnd::kPeerReset);
  ASSERT_TRUE(until([&] { return server_.open() == 0; }));

  // While nothing is received, too.
  server_.on_request_begin = [](TestRequest& r) { r.consume_at_once = false; };
  server_.options.window_bytes = 5;
  net::TestPeer& ahead = dial();
  TestRequest& paused = opened(ahead);
  ahead.send("words");
  ASSERT_TRUE(until([&] { return paused.raw == "words"; }));
  ahead.close(net::CloseMode::kReset);
  ASSERT_TRUE(until([&] { return paused.closed; }));
  EXPECT_EQ(paused.how.end, StreamEnd::kPeerReset);

  for (const bool half : {false, true}) {
    net::TestPeer& cut = dial();
    TestRequest& aborted = opened(cut);
    if (half) {
      half_close(cut);
      ASSERT_TRUE(until([&] { return aborted.half_closed; }));
    }
    aborted.say("unsent");
    aborted.stream->abort();
    aborted.stream = nullptr;
    ASSERT_TRUE(until([&] { return cut.receive_error != 0; }));
    EXPECT_FALSE(aborted.closed);
  }
}

TEST_F(ServerTunnelTest, AbortInsideEveryEvent) {
  const auto abort = [](TestRequest& r) {
    r.stream->abort();
    r.stream = nullptr;
  };
  for (const int where : {0, 1, 2}) {
    SCOPED_TRACE(where);
    server_.on_request_begin = [&, where](TestRequest& r) {
      r.consume_at_once = false;
      if (where == 1) r.on_data = abort;
      if (where == 2) r.on_half_closed = abort;
    };
    server_.on_request_end = [&, where](TestRequest& r) {
      r.accept_tunnel();
      if (where == 0) abort(r);
    };
    net::TestPeer& peer = dial();
    peer.send(std::string(kAsk) + "words");
    half_close(peer);
    ASSERT_TRUE(until([&] { return peer.receive_error != 0; }));
    EXPECT_FALSE(server_.requests.back()->closed);
    ASSERT_TRUE(until([&] { return server_.open() == 0; }));
  }
}

TEST_F(ServerTunnelTest, DrainLeavesItAloneAndShutCutsIt) {
  net::TestPeer& peer = dial();
  TestRequest& request = opened(peer);
  net::TestPeer& other = dial();
  TestRequest& second = opened(other);
  EXPECT_TRUE(request.connection->tunnel());
  request.connection->drain();
  loop_.pass(seconds(120));
  peer.send("still");
  ASSERT_TRUE(until([&] { return request.raw == "still"; }));
  request.say("here");
  ASSERT_TRUE(until([&] { return peer.incoming == "here"; }));
  request.stream->send_end();
  half_close(peer);
  ASSERT_TRUE(until([&] { return request.closed; }));
  EXPECT_EQ(request.how.end, StreamEnd::kComplete);
  second.connection->drain();
  second.connection->shut();
  EXPECT_EQ(second.how.end, StreamEnd::kShutdown);
  ASSERT_TRUE(until([&] { return other.receive_error != 0 && server_.open() == 0; }));
}

TEST_F(ServerTunnelTest, DrainAndShutWhileItIsUndecided) {
  server_.on_request_end = [](TestRequest&) {};
  net::TestPeer& peer = dial();
  net::TestPeer& other = dial();
  peer.send(std::string(kAsk) + "early");
  other.send(std::string(kAsk) + "early");
  ASSERT_TRUE(until([&] { return server_.requests.size() == 2 && server_.requests[1]->ended; }));
  for (const auto& c : server_.connections) c->drain();
  server_.requests[0]->accept_tunnel();
  ASSERT_TRUE(until([&] { return server_.requests[0]->raw == "early"; }));
  server_.requests[1]->connection->shut();
  EXPECT_EQ(server_.requests[1]->how.end, StreamEnd::kShutdown);
}

// --- both, over both engines ---

class BothTunnelTest : public ConnectionTest, public testing::WithParamInterface<TestLoop::Engine> {
 protected:
  BothTunnelTest() : ConnectionTest(GetParam()) {}
};

TEST_P(BothTunnelTest, MuchBothWaysAtOnceThenBothEnd) {
  std::string up(1'500'000, 'u'), down(2'000'000, 'd');
  for (size_t i = 0; i < up.size(); ++i) up[i] = static_cast<char>(i * 2654435761U >> 13);
  for (size_t i = 0; i < down.size(); ++i) down[i] = static_cast<char>(i * 40503U >> 7);
  server_.on_request_end = [&](TestRequest& r) {
    r.accept_tunnel();
    for (size_t at = 0; at < down.size(); at += 70'000) {
      r.say(std::string_view(down).substr(at, 70'000));
    }
    r.stream->send_end();
  };
  TestClient& client = connect();
  TestExchange& exchange = client.start();
  exchange.on_head = [&] {
    for (size_t at = 0; at < up.size(); at += 30'000) {
      exchange.say(std::string_view(up).substr(at, 30'000));
    }
    exchange.stream->send_end();
  };
  exchange.ask_tunnel();
  ASSERT_TRUE(until(
      [&] { return exchange.closed && !server_.requests.empty() && server_.requests[0]->closed; }));
  const TestRequest& request = *server_.requests[0];
  EXPECT_TRUE(request.raw == up);
  EXPECT_TRUE(exchange.body == down);
  EXPECT_EQ(request.how.end, StreamEnd::kComplete);
  EXPECT_EQ(exchange.how.end, StreamEnd::kComplete);
  EXPECT_EQ(exchange.sent, up.size());
  EXPECT_EQ(request.sent, down.size());
  EXPECT_EQ(request.facts.bytes_in, exchange.facts.bytes_out);
  EXPECT_EQ(request.facts.bytes_out, exchange.facts.bytes_in);
}

TEST_P(BothTunnelTest, WhatWasSaidBeforeAnAbruptEndIsHeard) {
  // The client closes with bytes unread, which resets: its own last words came before.
  const std::string big(5'000'000, 'x');
  net::TestPeer& peer = dial(false);
  server_.on_request_end = [&](TestRequest& r) {
    r.accept_tunnel();
    r.say(big);
  };
  peer.send(std::string(kAsk));
  ASSERT_TRUE(until([&] {
    return !server_.requests.empty() && server_.requests[0]->tunnel &&
           server_.requests[0]->stream->facts().bytes_out > 1000;
  }));
  TestRequest& request = *server_.requests[0];
  peer.on_done = [&] { peer.close(); };
  const std::string words(50'000, 'w');  // several receives
  peer.send(words);
  ASSERT_TRUE(until([&] { return request.closed; }));
  EXPECT_EQ(request.raw.size(), words.size());
  EXPECT_EQ(request.how.end, StreamEnd::kPeerReset);
  EXPECT_NE(request.how.error, 0);
}

INSTANTIATE_TEST_SUITE_P(Engines, BothTunnelTest,
                         testing::Values(TestLoop::Engine::kMemory, TestLoop::Engine::kEpoll),
                         [](const auto& engine) {
                           return engine.param == TestLoop::Engine::kMemory ? "Memory" : "Epoll";
                         });

}  // namespace
}  // namespace giliran::conn
