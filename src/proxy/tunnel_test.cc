// Upgrades and CONNECT through the real worker.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/test_world.h"

namespace giliran::proxy {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr const char* kUpgrade =
    "GET /chat HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Key: a\r\n\r\n";
constexpr const char* kSwitch =
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Accept: b\r\n\r\n";

class ProxyTunnelTest : public ProxyTest {
 protected:
  const KeptRecord& last() { return records_.back(); }
  void begin(const char* answer = kSwitch) {
    start(1);
    servers_[0]->on_request = [this, answer](net::TestPeer& peer, const std::string&) {
      upstream_ = &peer;
      if (*answer != 0) peer.send(answer);
    };
  }
  // A tunnel, both ends of it empty.
  net::TestPeer& open() {
    begin();
    net::TestPeer& client = ask(kUpgrade);
    EXPECT_TRUE(until([&] { return client.incoming.ends_with("\r\n\r\n"); }));
    answer_ = client.incoming;
    client.incoming.clear();
    return client;
  }
  void expect_end(End end, By by, Phase phase, uint16_t status) {
    ASSERT_TRUE(until([&] { return !records_.empty(); }));
    const telemetry::Record& r = last().record;
    EXPECT_EQ(name(r.end), name(end)) << last().reason;
    EXPECT_EQ(name(r.by), name(by));
    EXPECT_EQ(name(r.phase), name(phase));
    EXPECT_EQ(r.status, status);
  }
  static bool over(const net::TestPeer& peer) { return peer.ended || peer.receive_error != 0; }

  net::TestPeer* upstream_ = nullptr;
  std::string answer_;
};

std::string pattern(size_t size) {
  std::string text;
  for (size_t i = 0; text.size() < size; ++i) text += std::to_string(i) + ",";
  text.resize(size);
  return text;
}

TEST_F(ProxyTunnelTest, BytesGoBothWaysToTheEnd) {
  net::TestPeer& client = open();
  EXPECT_THAT(answer_, StartsWith("HTTP/1.1 101 Switching Protocols\r\n"));
  EXPECT_THAT(answer_, HasSubstr("Upgrade: websocket\r\n"));
  EXPECT_THAT(answer_, HasSubstr("Sec-WebSocket-Accept: b\r\n"));
  EXPECT_THAT(servers_[0]->requests[0], HasSubstr("Upgrade: websocket\r\n"));
  EXPECT_THAT(servers_[0]->requests[0], HasSubstr("Connection: upgrade\r\n"));
  const std::string up = pattern(500'000), down = "x" + pattern(700'000);
  client.send(up);
  upstream_->send(down);
  ASSERT_TRUE(until([&] {
    return upstream_->incoming.size() == up.size() && client.incoming.size() == down.size();
  }));
  EXPECT_TRUE(upstream_->incoming == up);
  EXPECT_TRUE(client.incoming == down);
  EXPECT_TRUE(records_.empty());
  upstream_->on_data = {};  // else TestServer closes, too
  peers_.shutdown_send(client.socket);
  ASSERT_TRUE(until([&] { return upstream_->ended; }));
  upstream_->send("last words");
  ASSERT_TRUE(until([&] { return client.incoming.ends_with("last words"); }));
  upstream_->close();
  ASSERT_TRUE(until([&] { return client.ended; }));
  expect_end(End::kOk, By::kNobody, Phase::kNone, 101);
  EXPECT_EQ(last().upgrade, "websocket");
  EXPECT_EQ(last().record.body_in, up.size());
  EXPECT_EQ(last().record.body_out, down.size() + 10);
  EXPECT_EQ(last().record.down_out, answer_.size() + down.size() + 10);
  EXPECT_EQ(last().record.down_in, std::string(kUpgrade).size() + up.size());
  EXPECT_EQ(last().record.up_in, std::string(kSwitch).size() + down.size() + 10);
  EXPECT_EQ(last().record.up_out, servers_[0]->requests[0].size() + up.size());
}

TEST_F(ProxyTunnelTest, AServerThatHasEndedItHasItsSlotFree) {
  net::TestPeer& client = open();
  EXPECT_EQ(endpoints_[0]->live.in_flight.load(), 1U);
  peers_.shutdown_send(upstream_->socket);
  ASSERT_TRUE(until([&] { return client.ended; }));
  EXPECT_EQ(endpoints_[0]->live.in_flight.load(), 0U);
  EXPECT_TRUE(records_.empty());
  client.close();
  expect_end(End::kOk, By::kNobody, Phase::kNone, 101);
  settle();
  EXPECT_EQ(endpoints_[0]->live.in_flight.load(), 0U);
}

TEST_F(ProxyTunnelTest, BytesBehindTheHeadsAreItsFirst) {
  begin();
  servers_[0]->on_request = [this](net::TestPeer& peer, const std::string&) {
    upstream_ = &peer;
    peer.send(std::string(kSwitch) + "server first");
  };
  net::TestPeer& client = ask(std::string(kUpgrade) + "client first");
  ASSERT_TRUE(until([&] { return client.incoming.ends_with("\r\n\r\nserver first"); }));
  ASSERT_TRUE(until([&] { return upstream_->incoming == "client first"; }));
}

TEST_F(ProxyTunnelTest, ASlowReaderSlowsTheOther) {
  begin();
  net::TestPeer& client = connect(kHttpPort, false);
  ASSERT_TRUE(until([&] { return client.connected; }));
  client.send(kUpgrade);
  ASSERT_TRUE(until([&] { return upstream_ != nullptr; }));
  settle();
  const std::string body = pattern(3'000'000);
  upstream_->send(body);
  world_.run_for(seconds(1));
  EXPECT_EQ(upstream_->sends, 1U);  // only the head has gone
  EXPECT_LT(members_[0]->io.buffers().bytes_in_use(), 400'000U);
  client.receiving = true;
  client.receive();
  ASSERT_TRUE(until([&] { return client.incoming.ends_with(body.substr(body.size() - 40)); }));
  EXPECT_TRUE(client.incoming.ends_with(body));
}

TEST_F(ProxyTunnelTest, ADeclinedUpgradeLeavesTheConnectionsUsable) {
  begin("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
  net::TestPeer& client = ask(kUpgrade);
  ASSERT_TRUE(until([&] { return client.incoming.ends_with("hi"); }));
  expect_end(End::kOk, By::kNobody, Phase::kNone, 200);
  EXPECT_EQ(last().upgrade, "");
  EXPECT_THAT(client.incoming, Not(HasSubstr("Connection: close")));
  client.send("GET /2 HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_TRUE(until([&] { return records_.size() == 2; }));
  EXPECT_EQ(servers_[0]->connections, 1);
  EXPECT_THAT(servers_[0]->requests[1], StartsWith("GET /2"));
}

TEST_F(ProxyTunnelTest, AnUpgradeThatIsNotAllowedIsAnOrdinaryRequest) {
  listener_config_.upgrade = false;
  begin("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
  EXPECT_THAT(get(kUpgrade), EndsWith("hi"));
  EXPECT_THAT(servers_[0]->requests[0], Not(HasSubstr("Upgrade")));
  EXPECT_THAT(servers_[0]->requests[0], Not(HasSubstr("pgrade:")));
}

TEST_F(ProxyTunnelTest, ASwitchNobodyAskedForIsABadResponse) {
  begin();
  EXPECT_THAT(get(), StartsWith("HTTP/1.1 502"));
  expect_end(End::kBadResponse, By::kServer, Phase::kWait, 502);
  EXPECT_EQ(last().reason, "bad-upgrade");
}

TEST_F(ProxyTunnelTest, ASwitchToWhatWasNotOfferedIsABadResponse) {
  start(1);
  for (const char* named : {"Upgrade: h2c\r\n", "Upgrade: websocket, tcp\r\n", ""}) {
    servers_[0]->answer =
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\n" + std::string(named) + "\r\n";
    const std::string got = get(
        "GET /chat HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: h2c, websocket\r\n\r\n");
    EXPECT_THAT(got, StartsWith("HTTP/1.1 502")) << named;
    EXPECT_EQ(last().reason, "bad-upgrade");
    EXPECT_EQ(last().upgrade, "");
    expect_end(End::kBadResponse, By::kServer, Phase::kWait, 502);
  }
}

// docker exec: what to run is the body, its terminal the tunnel.
TEST_F(ProxyTunnelTest, ABodyComesBeforeTheTunnel) {
  for (const bool chunked : {false, true}) {
    if (!chunked) start(1);
    servers_[0]->on_request = [this](net::TestPeer& peer, const std::string&) {
      upstream_ = &peer;
      peer.on_data = {};  // what comes now is the body's, then the tunnel's
    };
    upstream_ = nullptr;
    const std::string body = chunked ? "4\r\n{\"a\"\r\n3\r\n:1}\r\n0\r\n\r\n" : "{\"a\":1}";
    const std::string head =
        std::string("POST /exec HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n") +
        (chunked ? "Transfer-Encoding: chunked" : "Content-Length: 7") + "\r\n\r\n";
    net::TestPeer& client = ask(head + body.substr(0, 5));
    ASSERT_TRUE(until([&] { return upstream_ != nullptr; }));
    EXPECT_THAT(servers_[0]->requests.back(), HasSubstr("Upgrade: tcp\r\n"));
    EXPECT_THAT(servers_[0]->requests.back(), HasSubstr("Connection: upgrade\r\n"));
    EXPECT_THAT(servers_[0]->requests.back(),
                HasSubstr(chunked ? "Transfer-Encoding: chunked\r\n" : "Content-Length: 7\r\n"));
    // Quicker than the body: the client hears of it when its body is over.
    upstream_->send(
        "HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nserver first");
    settle();
    EXPECT_EQ(client.incoming, "");
    client.send(body.substr(5) + "client first");
    ASSERT_TRUE(until([&] { return client.incoming.ends_with("\r\n\r\nserver first"); }));
    ASSERT_TRUE(until([&] { return upstream_->incoming.ends_with("client first"); }));
    EXPECT_THAT(client.incoming, StartsWith("HTTP/1.1 101 UPGRADED\r\n"));
    if (!chunked) {
      EXPECT_EQ(upstream_->incoming, body + "client first");
    }
    const size_t before = records_.size();
    upstream_->close();
    client.close();
    ASSERT_TRUE(until([&] { return records_.size() > before; }));
    expect_end(End::kOk, By::kNobody, Phase::kNone, 101);
    EXPECT_EQ(last().upgrade, "tcp");
    EXPECT_EQ(last().record.body_in, 7U + 12U);
    EXPECT_EQ(last().record.body_out, 12U);
  }
}

TEST_F(ProxyTunnelTest, ADeclinedUpgradeWithABodyIsAnOrdinaryRequest) {
  begin("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
  EXPECT_THAT(get("POST / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n"
                  "Content-Length: 4\r\n\r\nbody"),
              EndsWith("hi"));
  expect_end(End::kOk, By::kNobody, Phase::kNone, 200);
  EXPECT_EQ(last().record.body_in, 4U);
  EXPECT_EQ(last().upgrade, "");
}

TEST_F(ProxyTunnelTest, WhatAServerOffersPasses) {
  start(1);
  const std::string ask_it = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
  servers_[0]->answer =
      "HTTP/1.1 426 Upgrade Required\r\nConnection: upgrade\r\nUpgrade: websocket, h2c\r\n"
      "Content-Length: 0\r\n\r\n";
  const std::string required = get(ask_it);
  EXPECT_THAT(required, HasSubstr("\r\nUpgrade: websocket\r\n"));
  EXPECT_THAT(required, HasSubstr("\r\nConnection: upgrade\r\n"));
  EXPECT_THAT(get("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"),
              HasSubstr("\r\nConnection: close, upgrade\r\n"));
  EXPECT_THAT(get("GET / HTTP/1.0\r\n\r\n"), Not(HasSubstr("pgrade:")));
  servers_[0]->answer =
      "HTTP/1.1 200 OK\r\nConnection: upgrade\r\nUpgrade: h2,h2c\r\nContent-Length: 2\r\n\r\nhi";
  const std::string apache = get(ask_it);
  EXPECT_THAT(apache, StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(apache, Not(HasSubstr("pgrade")));
}

TEST_F(ProxyTunnelTest, WhatAServerOffersStaysWithItWhereUpgradesAreNotPassed) {
  listener_config_.upgrade = false;
  begin(
      "HTTP/1.1 426 No\r\nConnection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 0\r\n\r\n");
  EXPECT_THAT(get(), Not(HasSubstr("pgrade:")));
}

TEST_F(ProxyTunnelTest, ConnectIsPassedOnWhereAllowed) {
  listener_config_.connect = true;
  begin("HTTP/1.1 200 Established\r\n\r\n");
  net::TestPeer& client = ask("CONNECT db.example:5432 HTTP/1.1\r\nHost: db.example:5432\r\n\r\n");
  ASSERT_TRUE(until([&] { return client.incoming.ends_with("\r\n\r\n"); }));
  EXPECT_THAT(servers_[0]->requests[0], StartsWith("CONNECT db.example:5432 HTTP/1.1\r\n"));
  EXPECT_THAT(client.incoming, StartsWith("HTTP/1.1 200 Established\r\n"));
  EXPECT_THAT(client.incoming, Not(HasSubstr("Content-Length")));
  EXPECT_THAT(client.incoming, Not(HasSubstr("Transfer-Encoding")));
  client.send("ping");
  ASSERT_TRUE(until([&] { return upstream_->incoming == "ping"; }));
  upstream_->send("pong");
  ASSERT_TRUE(until([&] { return client.incoming.ends_with("pong"); }));
  upstream_->close();
  client.close();
  expect_end(End::kOk, By::kNobody, Phase::kNone, 200);
  EXPECT_EQ(last().upgrade, "CONNECT");
  EXPECT_EQ(last().record.body_in, 4U);
}

TEST_F(ProxyTunnelTest, ConnectIsRefusedByDefault) {
  begin();
  const std::string got = get("CONNECT h:1 HTTP/1.1\r\nHost: h:1\r\n\r\n");
  EXPECT_THAT(got, StartsWith("HTTP/1.1 405"));
  EXPECT_THAT(got, HasSubstr("details=\"connect-not-allowed\"; end=denied; by=client"));
  EXPECT_TRUE(servers_[0]->requests.empty());
}

TEST_F(ProxyTunnelTest, AnIdleOneIsClosed) {
  options_.tunnel_idle_timeout = seconds(5);
  net::TestPeer& client = open();
  for (int i = 0; i < 5; ++i) {  // what moves in one direction is enough
    world_.run_for(seconds(3));
    upstream_->send("x");
  }
  world_.run_for(seconds(4));
  EXPECT_TRUE(records_.empty());
  ASSERT_TRUE(until([&] { return over(client) && over(*upstream_); }));
  expect_end(End::kIdleTimeout, By::kCoordinator, Phase::kData, 101);
  EXPECT_EQ(notices_, "");
}

TEST_F(ProxyTunnelTest, OtherTimeoutsDoNotHold) {
  options_.total_timeout = options_.attempt_timeout = options_.body_timeout =
      options_.response_timeout = options_.write_timeout = options_.idle_timeout = seconds(2);
  net::TestPeer& client = open();
  world_.run_for(seconds(30));
  client.send("still here");
  ASSERT_TRUE(until([&] { return upstream_->incoming == "still here"; }));
  EXPECT_TRUE(records_.empty());
}

TEST_F(ProxyTunnelTest, ADrainLeavesItAndShutCutsIt) {
  net::TestPeer& client = open();
  drain_all();
  world_.run_for(seconds(3));
  client.send("up");
  upstream_->send("down");
  ASSERT_TRUE(until([&] { return upstream_->incoming == "up" && client.incoming == "down"; }));
  EXPECT_FALSE(drained());
  members_[0]->worker->shut();
  ASSERT_TRUE(until([&] { return drained(); }));
  ASSERT_TRUE(until([&] { return over(client) && over(*upstream_); }));
  expect_end(End::kShutdown, By::kCoordinator, Phase::kData, 101);
  EXPECT_EQ(last().upgrade, "websocket");
  EXPECT_EQ(last().record.body_in, 2U);
  EXPECT_EQ(last().record.body_out, 4U);
  EXPECT_EQ(members_[0]->worker->counts().cut, 1U);
}

TEST_F(ProxyTunnelTest, ADrainIsOverWhenItIs) {
  net::TestPeer& client = open();
  drain_all();
  settle();
  upstream_->close();
  client.close();
  ASSERT_TRUE(until([&] { return drained(); }));
  expect_end(End::kOk, By::kNobody, Phase::kNone, 101);
}

TEST_F(ProxyTunnelTest, ACutByOneSideIsSeenByTheOther) {
  net::TestPeer& client = open();
  client.send("x");
  ASSERT_TRUE(until([&] { return upstream_->incoming == "x"; }));
  client.close(net::CloseMode::kReset);
  ASSERT_TRUE(until([&] { return over(*upstream_); }));
  expect_end(End::kClientClosed, By::kClient, Phase::kData, 101);
}

TEST_F(ProxyTunnelTest, ACutByTheServerIsItsFault) {
  net::TestPeer& client = open();
  upstream_->close(net::CloseMode::kReset);
  ASSERT_TRUE(until([&] { return over(client); }));
  expect_end(End::kServerClosed, By::kServer, Phase::kData, 101);
}

TEST_F(ProxyTunnelTest, BodyLimitsAreNotForTunnels) {
  options_.body_bytes_max = 10;
  options_.body_rate_min = 1000;
  options_.body_rate_grace = seconds(1);
  net::TestPeer& client = open();
  client.send(std::string(100, 'x'));
  world_.run_for(seconds(10));
  EXPECT_EQ(upstream_->incoming.size(), 100U);
  EXPECT_TRUE(records_.empty());
}

TEST_F(ProxyTunnelTest, AServerThatRefusesIsPassedOverForAnUpgradeToo) {
  start(2);
  world_.set_reach(servers_[0]->address, net::MemoryWorld::Reach::kRefused);
  servers_[1]->answer = kSwitch;
  for (int i = 0; i < 2; ++i) {
    net::TestPeer& client = ask(kUpgrade);
    ASSERT_TRUE(until([&] { return begins(client.incoming, "HTTP/1.1 101"); }));
  }
  EXPECT_EQ(servers_[1]->connections, 2);  // a tunnel's connection is its own
}

}  // namespace
}  // namespace giliran::proxy
