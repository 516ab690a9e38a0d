// Who asks: PROXY headers from those in front and to those behind, trusted fields, sticky cookies.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "proxy/server_timing.h"
#include "proxy/test_world.h"
#include "wire/proxy_header/proxy_header.h"

namespace giliran::proxy {
namespace {

using std::chrono::seconds;

constexpr const char* kGet = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
const std::string kHeader = "PROXY TCP4 192.0.2.7 192.0.2.1 4711 80\r\n";

class IdentityTest : public ProxyTest {
 protected:
  const KeptRecord& last() { return records_.back(); }
  static base::Network network(const char* text) { return *base::Network::parse(text); }
  static base::Address address(const char* text) { return *base::Address::parse(text); }
  static std::string binary(const base::Address& from, const base::Address& to) {
    std::string out;
    wire::proxy_header::append(wire::proxy_header::Version::kV2, from, to, out);
    return out;
  }
  void from_loopback() { listener_config_.proxy_protocol_from = {network("127.0.0.0/8")}; }
};

// --- from those in front ---

TEST_F(IdentityTest, AHeaderSaysWhoAsks) {
  from_loopback();
  start(1);
  const std::string v2 = binary(address("192.0.2.7:4711"), address("192.0.2.1:80"));
  for (const std::string& header : {kHeader, v2}) {
    EXPECT_THAT(get(header + kGet), EndsWith("hi"));
    EXPECT_EQ(last().record.client, address("192.0.2.7:4711"));
    EXPECT_EQ(last().record.local, address("192.0.2.1:80"));
    EXPECT_NE(last().record.peer, last().record.client);
    EXPECT_THAT(servers_[0]->requests.back(), HasSubstr("X-Forwarded-For: 192.0.2.7\r\n"));
  }
}

TEST_F(IdentityTest, AHeaderInPieces) {
  from_loopback();
  start(1);
  net::TestPeer& client = connect();
  ASSERT_TRUE(until([&] { return client.connected; }));
  for (const char c : kHeader + kGet) {
    client.send(std::string(1, c));
    settle();
  }
  ASSERT_TRUE(until([&] { return records_.size() == 1; }));
  EXPECT_EQ(last().record.client, address("192.0.2.7:4711"));
}

TEST_F(IdentityTest, ItIsRequiredOfThoseNamed) {
  from_loopback();
  start(1);
  net::TestPeer& client = ask(kGet);
  ASSERT_TRUE(until([&] { return client.ended || client.receive_error != 0; }));
  EXPECT_EQ(client.incoming, "");
  EXPECT_TRUE(records_.empty());
  EXPECT_EQ(members_[0]->worker->counts().refused, 1U);
  EXPECT_EQ(shared_.connections.load(), 0U);
}

TEST_F(IdentityTest, ItIsAnErrorOfOthers) {
  listener_config_.proxy_protocol_from = {network("10.0.0.0/8")};
  start(1);
  EXPECT_THAT(get(kHeader + kGet), StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(get(), EndsWith("hi"));
}

TEST_F(IdentityTest, AHeaderThatDoesNotComeIsNotWaitedForForever) {
  options_.head_timeout = seconds(1);
  from_loopback();
  start(1);
  net::TestPeer& client = ask("PROXY TC");
  ASSERT_TRUE(until([&] { return client.ended || client.receive_error != 0; }));
  EXPECT_TRUE(records_.empty());
  EXPECT_EQ(members_[0]->worker->counts().silent, 1U);
}

TEST_F(IdentityTest, WhoIsStillAnnouncedEndsWithTheDrain) {
  from_loopback();
  start(1);
  net::TestPeer& client = ask("PROXY TC");
  settle();
  drain_all();
  ASSERT_TRUE(until([&] { return drained(); }));
  EXPECT_TRUE(until([&] { return client.ended || client.receive_error != 0; }));
}

TEST_F(IdentityTest, LimitsAreForWhoAsks) {
  from_loopback();
  options_.request_rate_max = 1;
  shared_.rate_limiter = std::make_unique<RateLimiter>(7);
  start(1);
  EXPECT_THAT(get(kHeader + kGet), EndsWith("hi"));
  EXPECT_THAT(get(kHeader + kGet), StartsWith("HTTP/1.1 429"));
  EXPECT_THAT(get("PROXY TCP4 192.0.2.8 192.0.2.1 4711 80\r\n" + std::string(kGet)),
              EndsWith("hi"));
}

// --- to those behind ---

TEST_F(IdentityTest, AHeaderGoesBeforeEachConnectionToAServer) {
  from_loopback();
  pool_config_.proxy_protocol = config::ProxyProtocol::kV1;
  start(1);
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(get(kHeader + kGet), EndsWith("hi"));
    EXPECT_THAT(servers_[0]->requests.back(), StartsWith(kHeader + "GET / HTTP/1.1\r\n"));
    EXPECT_FALSE(last().record.reused);
  }
  // Nobody else may ask on such a connection.
  EXPECT_EQ(servers_[0]->connections, 2);
  EXPECT_THAT(get("PROXY TCP4 192.0.2.8 192.0.2.1 1 80\r\n" + std::string(kGet)), EndsWith("hi"));
  EXPECT_THAT(servers_[0]->requests.back(), StartsWith("PROXY TCP4 192.0.2.8 192.0.2.1 1 80\r\n"));
}

TEST_F(IdentityTest, AHeaderGoesToTheNextServerToo) {
  from_loopback();
  pool_config_.proxy_protocol = config::ProxyProtocol::kV1;
  start(2);
  world_.set_reach(servers_[0]->address, net::MemoryWorld::Reach::kRefused);
  for (int i = 0; i < 2; ++i) EXPECT_THAT(get(kHeader + kGet), EndsWith("hi"));
  for (const std::string& seen : servers_[1]->requests) EXPECT_THAT(seen, StartsWith(kHeader));
}

TEST_F(IdentityTest, FlowsWithWhatCameBehindTheHeader) {
  from_loopback();
  pool_config_.proxy_protocol = config::ProxyProtocol::kV2;
  start(2);
  net::TestPeer* upstream = nullptr;
  for (const auto& server : servers_) {
    server->listener.on_peer = [&](net::TestPeer& peer) { upstream = &peer; };
  }
  world_.set_reach(servers_[0]->address, net::MemoryWorld::Reach::kRefused);
  for (int i = 0; i < 2; ++i) {
    upstream = nullptr;
    net::TestPeer& client = connect(kTcpPort);
    ASSERT_TRUE(until([&] { return client.connected; }));
    client.send(kHeader + "early");
    ASSERT_TRUE(until([&] { return upstream != nullptr; }));
    client.send(" and late");
    const std::string expected =
        binary(address("192.0.2.7:4711"), address("192.0.2.1:80")) + "early and late";
    ASSERT_TRUE(until([&] { return upstream->incoming.size() >= expected.size(); }));
    EXPECT_EQ(upstream->incoming, expected);
    upstream->send("answer");
    ASSERT_TRUE(until([&] { return client.incoming == "answer"; }));
    client.close();
    upstream->close();
    ASSERT_TRUE(until([&] { return records_.size() == static_cast<size_t>(i) + 1; }));
    EXPECT_EQ(last().record.client, address("192.0.2.7:4711"));
    EXPECT_EQ(last().record.down_in, 14U);
    EXPECT_EQ(last().record.up_out, expected.size());
    EXPECT_EQ(last().record.down_out, 6U);
  }
}

TEST_F(IdentityTest, AFlowWithoutAWord) {
  pool_config_.proxy_protocol = config::ProxyProtocol::kV1;
  start(1);
  net::TestPeer* upstream = nullptr;
  servers_[0]->listener.on_peer = [&](net::TestPeer& peer) { upstream = &peer; };
  net::TestPeer& client = connect(kTcpPort);
  ASSERT_TRUE(until([&] { return upstream != nullptr && upstream->incoming.ends_with("\r\n"); }));
  EXPECT_THAT(upstream->incoming, StartsWith("PROXY TCP4 127.0.0.1 127.0.0.1 "));
  client.close();
  ASSERT_TRUE(until([&] { return upstream->ended; }));
  upstream->close();
  ASSERT_TRUE(until([&] { return records_.size() == 1; }));
  EXPECT_EQ(last().record.down_in, 0U);
  EXPECT_EQ(last().record.end, End::kOk);
}

// --- fields that are believed ---

TEST_F(IdentityTest, ATrustedFieldSaysWhoAsks) {
  listener_config_.trusted = {network("127.0.0.0/8")};
  start(1);
  get("GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 203.0.113.5\r\n\r\n");
  char text[base::Address::kTextMax];
  EXPECT_EQ(std::string_view(text, last().record.client.format_host(text)), "203.0.113.5");
  EXPECT_THAT(servers_[0]->requests[0], HasSubstr("X-Forwarded-For: 203.0.113.5, 127.0.0.1\r\n"));
}

// Five clients behind one proxy are five.
TEST_F(IdentityTest, ATrustedForwardedSaysWhoAsks) {
  listener_config_.trusted = {network("127.0.0.0/8")};
  options_.request_rate_max = 1;
  shared_.rate_limiter = std::make_unique<RateLimiter>(7);
  start(1);
  const auto ask_as = [this](const std::string& client) {
    return get("GET / HTTP/1.1\r\nHost: h\r\nForwarded: for=6.6.6.6, for=" + client +
               ";proto=https;host=a.example, for=127.0.0.2\r\n\r\n");
  };
  EXPECT_THAT(ask_as("203.0.113.5"), EndsWith("hi"));
  EXPECT_EQ(last().record.client, address("203.0.113.5:0"));
  EXPECT_THAT(servers_[0]->requests[0], HasSubstr("X-Forwarded-For: 203.0.113.5, 127.0.0.1\r\n"));
  EXPECT_THAT(servers_[0]->requests[0], HasSubstr("X-Forwarded-Proto: https\r\n"));
  EXPECT_THAT(servers_[0]->requests[0], HasSubstr("X-Forwarded-Host: a.example\r\n"));
  EXPECT_THAT(servers_[0]->requests[0], HasSubstr("Forwarded: for=6.6.6.6, for=203.0.113.5;"));
  EXPECT_THAT(ask_as("\"[2001:db8::1]:4711\""), EndsWith("hi"));
  EXPECT_EQ(last().record.client, address("[2001:db8::1]:4711"));
  EXPECT_THAT(servers_[0]->requests[1], HasSubstr("X-Forwarded-For: 2001:db8::1, 127.0.0.1\r\n"));
  EXPECT_THAT(ask_as("203.0.113.6"), EndsWith("hi"));
  EXPECT_THAT(ask_as("203.0.113.5"), StartsWith("HTTP/1.1 429"));
}

TEST_F(IdentityTest, AnUntrustedFieldIsNothing) {
  start(1);
  get("GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 203.0.113.5\r\n\r\n");
  EXPECT_TRUE(last().record.client.none());
  EXPECT_THAT(servers_[0]->requests[0], HasSubstr("X-Forwarded-For: 127.0.0.1\r\n"));
  get("GET / HTTP/1.1\r\nHost: h\r\nForwarded: for=203.0.113.5\r\nX-Real-IP: 203.0.113.5\r\n\r\n");
  EXPECT_TRUE(last().record.client.none());
  EXPECT_THAT(servers_[0]->requests[1], Not(HasSubstr("203.0.113.5")));
}

// --- stickiness ---

class StickyExchangeTest : public IdentityTest {
 protected:
  void begin() {
    pool_config_.sticky_cookie = "turn";
    start(3);
  }
  // "turn=0123456789abcdef", as a client would send it; empty where none was set.
  static std::string cookie_in(const std::string& answer) {
    const size_t at = answer.find("Set-Cookie: ");
    if (at == std::string::npos) return "";
    return answer.substr(at + 12, answer.find(';', at) - at - 12);
  }
  std::string get_with(const std::string& cookie) {
    return get("GET / HTTP/1.1\r\nHost: h\r\nCookie: a=b; " + cookie + "; c=d\r\n\r\n");
  }
};

TEST_F(StickyExchangeTest, SetOnceAndHonoured) {
  begin();
  const std::string got = get();
  EXPECT_THAT(got, HasSubstr("; Path=/; HttpOnly; SameSite=Lax\r\n"));
  const std::string cookie = cookie_in(got);
  ASSERT_EQ(cookie.size(), 5 + 16U);
  const std::string server = last().server;
  for (int i = 0; i < 6; ++i) {
    EXPECT_EQ(cookie_in(get_with(cookie)), "");
    EXPECT_EQ(last().server, server);
  }
  for (int i = 0; i < 6; ++i) get();  // others have their turns
  for (const auto& one : servers_) EXPECT_GE(one->requests.size(), 2U);
}

TEST_F(StickyExchangeTest, AServerThatIsGoneIsReplaced) {
  begin();
  const std::string cookie = cookie_in(get());
  const auto index = static_cast<size_t>(last().server[1] - '0');
  world_.set_reach(servers_[index]->address, net::MemoryWorld::Reach::kRefused);
  // So that no idle connection is left.
  for (const auto& peer : servers_[index]->listener.peers) peer->close();
  settle();
  const std::string got = get_with(cookie);
  EXPECT_THAT(got, EndsWith("hi"));
  const std::string other = cookie_in(got);
  EXPECT_NE(other, "");
  EXPECT_NE(other, cookie);
  EXPECT_NE(last().server, "s" + std::to_string(index));
  EXPECT_EQ(last().tried, "s" + std::to_string(index) + " connect-refused");
  const std::string server = last().server;
  EXPECT_EQ(cookie_in(get_with(other)), "");
  EXPECT_EQ(last().server, server);
}

// Of another path, or from before a server went.
TEST_F(StickyExchangeTest, AStaleCookieInFrontChangesNothing) {
  begin();
  const std::string cookie = cookie_in(get());
  const std::string server = last().server;
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(cookie_in(get_with("turn=0123456789abcdef; " + cookie)), "");
    EXPECT_EQ(last().server, server);
  }
}

TEST_F(StickyExchangeTest, NonsenseIsReplaced) {
  begin();
  for (const char* cookie : {"turn=0123456789abcdef", "turn=", "turn=x", "turn=\"\""}) {
    EXPECT_NE(cookie_in(get_with(cookie)), "") << cookie;
  }
}

// --- what we tell of ourselves ---

TEST_F(IdentityTest, PhasesAreToldInServerTimingWhereTheListenerSaysSo) {
  listener_config_.server_timing = true;
  start(1);
  const std::string answer = get(kGet);
  const telemetry::Record& record = last().record;
  const PhasesSoFar phases{.queue = record.queue, .connect = record.connect, .wait = record.wait};
  std::array<char, kServerTimingBytesMax> text;
  EXPECT_GT(phases.connect.count(), 0);
  EXPECT_THAT(answer, HasSubstr(fmt::format("\r\nServer-Timing: {}\r\n",
                                            format_server_timing(phases, text))));
}

TEST_F(IdentityTest, PhasesAreNotToldOtherwise) {
  start(1);
  EXPECT_THAT(get(kGet), Not(HasSubstr("Server-Timing")));
}

}  // namespace
}  // namespace giliran::proxy
