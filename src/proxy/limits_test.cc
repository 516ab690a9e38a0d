// Limits, each at its edge: what is refused, how it is answered and counted, and that it is let go.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "proxy/test_world.h"

namespace giliran::proxy {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr const char* kGet = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

class ProxyLimitsTest : public ProxyTest {
 protected:
  const KeptRecord& last() { return records_.back(); }
  void expect_end(End end, By by, Phase phase, uint16_t status) {
    const telemetry::Record& r = last().record;
    EXPECT_EQ(name(r.end), name(end)) << last().reason;
    EXPECT_EQ(name(r.by), name(by));
    EXPECT_EQ(name(r.phase), name(phase));
    EXPECT_EQ(r.status, status);
  }
  std::vector<net::TestPeer*> connect_many(int count, uint16_t port = kHttpPort) {
    std::vector<net::TestPeer*> all;
    for (int i = 0; i < count; ++i) {
      all.push_back(&connect(port));
      EXPECT_TRUE(until([&] { return all.back()->connected; }));
    }
    settle();
    return all;
  }
  static bool over(const net::TestPeer& peer) { return peer.ended || peer.receive_error != 0; }
  void silent_server() {
    start(1);
    servers_[0]->on_request = [](net::TestPeer&, const std::string&) {};
  }
};

// --- connections ---

TEST_F(ProxyLimitsTest, ConnectionsInAll) {
  options_.connections_max = 4;
  start(1);
  const auto all = connect_many(25);
  for (size_t i = 0; i < all.size(); ++i) {
    // Of 4, up to 16 more are answered; then there is a reset.
    EXPECT_EQ(all[i]->receive_error != 0, i >= 20) << i;
    if (i < 20) all[i]->send(kGet);
  }
  ASSERT_TRUE(until([&] { return records_.size() == 20; }));
  settle();
  for (size_t i = 0; i < 20; ++i) {
    EXPECT_THAT(all[i]->incoming, StartsWith(i < 4 ? "HTTP/1.1 200" : "HTTP/1.1 503")) << i;
    EXPECT_EQ(all[i]->ended, i >= 4) << i;
  }
  EXPECT_THAT(all[4]->incoming, HasSubstr("error=connection_limit_reached; details=\"connections\";"
                                          " end=limit; by=coordinator; phase=request\r\n"));
  EXPECT_EQ(std::ranges::count(records_, End::kLimit, [](auto& k) { return k.record.end; }), 16);
  EXPECT_EQ(members_[0]->worker->counts().over_limit, 21U);
  EXPECT_THAT(notices_, StartsWith("full "));
  for (net::TestPeer* peer : all) peer->close();
  ASSERT_TRUE(until([&] { return shared_.connections.load() == 0; }));
  EXPECT_EQ(members_[0]->worker->listener(0).state->connections.load(), 0U);
  EXPECT_THAT(get(), StartsWith("HTTP/1.1 200"));
}

TEST_F(ProxyLimitsTest, ConnectionsOfAListenerAndFlows) {
  listener_config_.connections_max = 2;
  start(1, 2);
  const auto all = connect_many(3, kTcpPort);
  ASSERT_TRUE(until([&] { return over(*all[2]); }));
  ASSERT_EQ(records_.size(), 1U);
  expect_end(End::kLimit, By::kCoordinator, Phase::kRequest, 0);
  EXPECT_EQ(notices_, "full tcp ");
  EXPECT_FALSE(over(*all[0]) || over(*all[1]));
  EXPECT_THAT(get(), StartsWith("HTTP/1.1 200"));  // each listener has its own
  all[0]->close(net::CloseMode::kReset);
  ASSERT_TRUE(until([&] { return records_.size() == 3; }));
  const auto again = connect_many(1, kTcpPort);
  world_.run_for(seconds(1));
  EXPECT_FALSE(over(*again[0]));
}

// --- requests ---

TEST_F(ProxyLimitsTest, RequestRate) {
  options_.request_rate_max = 2;
  options_.request_burst = 3;
  shared_.rate_limiter = std::make_unique<RateLimiter>(7);
  start(1, 2);
  int good = 0;
  std::string refused;
  for (int i = 0; i < 8; ++i) {
    const std::string got = get();
    if (begins(got, "HTTP/1.1 200")) {
      ++good;
    } else {
      refused = got;
    }
  }
  EXPECT_EQ(good, 3);  // over all workers
  EXPECT_THAT(refused, StartsWith("HTTP/1.1 429 Too Many Requests\r\n"));
  EXPECT_THAT(refused, HasSubstr("Retry-After: 1\r\n"));
  EXPECT_THAT(refused, HasSubstr("error=http_request_denied; details=\"request-rate\"; "
                                 "end=rate-limited; by=client; phase=request\r\n"));
  EXPECT_THAT(refused, Not(HasSubstr("Connection: close")));
  expect_end(End::kRateLimited, By::kClient, Phase::kRequest, 429);
  EXPECT_EQ(servers_[0]->requests.size(), 3U);
  world_.run_for(seconds(1));
  EXPECT_THAT(get(), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(get(), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(get(), StartsWith("HTTP/1.1 429"));
}

TEST_F(ProxyLimitsTest, RequestsOfAConnection) {
  options_.requests_per_connection_max = 3;
  start(1);
  net::TestPeer& client = ask(std::string(kGet) + kGet + kGet + kGet);
  ASSERT_TRUE(until([&] { return client.ended; }));
  EXPECT_EQ(records_.size(), 3U);
  EXPECT_THAT(client.incoming, HasSubstr("Connection: close\r\n"));
  EXPECT_EQ(client.incoming.find("Connection: close"), client.incoming.rfind("Connection: close"));
}

// --- total_timeout, in every state ---

TEST_F(ProxyLimitsTest, TotalWhileItConnects) {
  options_.total_timeout = seconds(1);
  start(1);
  world_.set_reach(servers_[0]->address, net::MemoryWorld::Reach::kSilent);
  EXPECT_THAT(get(), StartsWith("HTTP/1.1 504"));
  expect_end(End::kTotalTimeout, By::kCoordinator, Phase::kConnect, 504);
  EXPECT_GE(last().record.connect, milliseconds(990));
  EXPECT_EQ(sum_of_phases(last().record), last().record.total);
  EXPECT_GE(last().record.total, seconds(1));
  EXPECT_LT(last().record.total, milliseconds(1100));
}

TEST_F(ProxyLimitsTest, TotalWhileItWaits) {
  options_.total_timeout = seconds(1);
  silent_server();
  const std::string got = get();
  EXPECT_THAT(got, StartsWith("HTTP/1.1 504"));
  EXPECT_THAT(got, HasSubstr("end=total-timeout; by=coordinator; phase=wait\r\n"));
  expect_end(End::kTotalTimeout, By::kCoordinator, Phase::kWait, 504);
  EXPECT_GE(last().record.wait, milliseconds(990));
  EXPECT_EQ(sum_of_phases(last().record), last().record.total);
  EXPECT_EQ(notices_, "");
}

TEST_F(ProxyLimitsTest, TotalWhileTheRequestComes) {
  options_.total_timeout = seconds(1);
  silent_server();
  net::TestPeer& client = ask("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nhalf");
  ASSERT_TRUE(until([&] { return begins(client.incoming, "HTTP/1.1 504"); }));
  client.close();
  ASSERT_TRUE(until([&] { return !records_.empty(); }));
  EXPECT_EQ(endpoints_[0]->live.in_flight.load(), 0U);
}

TEST_F(ProxyLimitsTest, TotalInTheMiddleOfTheResponse) {
  options_.total_timeout = seconds(1);
  start(1);
  servers_[0]->answer = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf";
  net::TestPeer& client = ask(kGet);
  ASSERT_TRUE(until([&] { return client.receive_error != 0; }));
  expect_end(End::kTotalTimeout, By::kCoordinator, Phase::kData, 200);
  EXPECT_THAT(client.incoming, EndsWith("half"));
}

TEST_F(ProxyLimitsTest, TotalWithASlowReaderBehindAWholeResponse) {
  options_.total_timeout = seconds(1);
  start(1);
  world_.options().window_bytes = 4096;
  servers_[0]->answer =
      "HTTP/1.1 200 OK\r\nContent-Length: 30000\r\n\r\n" + std::string(30'000, 'x');
  net::TestPeer& client = connect(kHttpPort, false);
  ASSERT_TRUE(until([&] { return client.connected; }));
  client.send(kGet);
  ASSERT_TRUE(until([&] { return !records_.empty(); }));
  expect_end(End::kTotalTimeout, By::kCoordinator, Phase::kData, 200);
}

TEST_F(ProxyLimitsTest, TotalIsOfEachRequest) {
  options_.total_timeout = seconds(1);
  start(1);
  net::TestPeer& client = ask(kGet);
  for (size_t i = 1; i < 4; ++i) {
    ASSERT_TRUE(until([&] { return records_.size() == i; }));
    world_.run_for(milliseconds(700));
    client.send(kGet);
  }
  ASSERT_TRUE(until([&] { return records_.size() == 4; }));
  EXPECT_EQ(last().record.end, End::kOk);
}

// --- what a server may say before its answer ---

TEST_F(ProxyLimitsTest, InterimResponses) {
  start(1);
  std::string hints;
  for (uint32_t i = 0; i < Exchange::kInterimsMax; ++i) {
    hints += "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
  }
  servers_[0]->answer = hints + "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
  const std::string got = get();
  EXPECT_THAT(got, StartsWith("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n"));
  EXPECT_THAT(got, EndsWith("\r\n\r\nhi"));
  servers_[0]->answer = "HTTP/1.1 102 Processing\r\n\r\n" + servers_[0]->answer;
  EXPECT_THAT(get(), HasSubstr("HTTP/1.1 502"));
  expect_end(End::kBadResponse, By::kServer, Phase::kWait, 502);
  EXPECT_THAT(get("GET / HTTP/1.0\r\n\r\n"), HasSubstr("HTTP/1.1 502"));
  EXPECT_EQ(endpoints_[0]->live.in_flight.load(), 0U);
}

}  // namespace
}  // namespace giliran::proxy
