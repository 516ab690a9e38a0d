// HTTP through the real worker, against servers that a test scripts.
#include "proxy/exchange.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "proxy/test_world.h"

namespace giliran::proxy {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class ExchangeTest : public ProxyTest {
 protected:
  const KeptRecord& last() { return records_.back(); }
  void expect_end(End end, By by, Phase phase, uint16_t status) {
    const telemetry::Record& r = last().record;
    EXPECT_EQ(name(r.end), name(end)) << last().reason;
    EXPECT_EQ(name(r.by), name(by));
    EXPECT_EQ(name(r.phase), name(phase));
    EXPECT_EQ(r.status, status);
  }
};

std::string post(const std::string& body, const std::string& more = "") {
  return "POST /p HTTP/1.1\r\nHost: h\r\n" + more +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::string pattern(size_t size) {
  std::string text;
  for (size_t i = 0; text.size() < size; ++i) text += std::to_string(i) + ",";
  text.resize(size);
  return text;
}

TEST_F(ExchangeTest, PassesARequestOnAndItsAnswerBack) {
  start(1);
  servers_[0]->answer = "HTTP/1.1 200 Fine\r\nX-A: 1\r\nContent-Length: 2\r\n\r\nhi";
  const std::string got = get("GET /path?q HTTP/1.1\r\nHost: h\r\nX-B: 2\r\n\r\n");
  EXPECT_EQ(got, "HTTP/1.1 200 Fine\r\nX-A: 1\r\nVia: 1.1 giliran\r\nContent-Length: 2\r\n\r\nhi");
  ASSERT_EQ(servers_[0]->requests.size(), 1U);
  EXPECT_THAT(servers_[0]->requests[0], StartsWith("GET /path?q HTTP/1.1\r\nHost: h\r\nX-B: 2\r\n"
                                                   "X-Forwarded-For: 127.0.0.1\r\n"));
  ASSERT_EQ(records_.size(), 1U);
  expect_end(End::kOk, By::kNobody, Phase::kNone, 200);
  EXPECT_EQ(last().server, "s0");
  EXPECT_EQ(last().method, "GET");
  EXPECT_EQ(last().target, "/path?q");
  EXPECT_EQ(last().host, "h");
  EXPECT_EQ(last().pool, "default");
  EXPECT_EQ(last().policy, "round-robin");
  EXPECT_EQ(last().name, "http");
  EXPECT_EQ(last().record.attempts, 1);
  EXPECT_EQ(last().record.body_out, 2U);
  EXPECT_EQ(last().record.down_out, got.size());
  EXPECT_EQ(last().record.up_out, servers_[0]->requests[0].size());
}

TEST_F(ExchangeTest, TurnsAreExactOverAllWorkers) {
  start(3, 3);
  for (int i = 0; i < 60; ++i) EXPECT_THAT(get(), StartsWith("HTTP/1.1 200"));
  std::set<uint64_t> connections;
  for (const KeptRecord& kept : records_) connections.insert(kept.record.connection);
  EXPECT_EQ(connections.size(), 60U);  // numbered apart over the workers
  for (const auto& server : servers_) EXPECT_EQ(server->requests.size(), 20U);
  for (const auto& m : members_) EXPECT_GT(m->worker->counts().exchanges, 5U);
}

TEST_F(ExchangeTest, TheTraceGoesOn) {
  start(1);
  get("GET / HTTP/1.1\r\nHost: h\r\ntracestate: a=b\r\n"
      "traceparent: 00-0123456789abcdef0123456789abcdef-00000000000000aa-01\r\n\r\n");
  char span[16];
  last().record.span.format(span);
  EXPECT_THAT(servers_[0]->requests[0],
              HasSubstr("traceparent: 00-0123456789abcdef0123456789abcdef-" +
                        std::string(span, 16) + "-01\r\n"));
  EXPECT_THAT(servers_[0]->requests[0], HasSubstr("tracestate: a=b\r\n"));
  EXPECT_EQ(last().record.parent.value, 0xaaU);
  get("GET / HTTP/1.1\r\nHost: h\r\ntracestate: a=b\r\ntraceparent: nonsense\r\n\r\n");
  EXPECT_THAT(servers_[0]->requests[1], Not(HasSubstr("tracestate")));
  EXPECT_TRUE(last().record.parent.none());
  EXPECT_FALSE(last().record.trace.none());
}

TEST_F(ExchangeTest, PipelinedRequestsAreAnsweredInOrder) {
  start(2);
  int count = 0;
  for (const auto& server : servers_) {
    server->on_request = [&](net::TestPeer& peer, const std::string& head) {
      ++count;
      peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n" + head.substr(4, 2));
    };
  }
  std::string text;
  for (const char* target : {"/a", "/b", "/c"}) {
    text += std::string("GET ") + target + " HTTP/1.1\r\nHost: h\r\n\r\n";
  }
  net::TestPeer& client = ask(text);
  ASSERT_TRUE(until([&] { return records_.size() == 3; }));
  settle();
  const size_t a = client.incoming.find("/a"), b = client.incoming.find("/b"),
               c = client.incoming.find("/c");
  EXPECT_LT(a, b);
  EXPECT_LT(b, c);
  EXPECT_NE(c, std::string::npos);
  for (uint64_t i = 0; i < 3; ++i) EXPECT_EQ(records_[i].record.sequence, i + 1);
}

// --- moving on ---

TEST_F(ExchangeTest, AServerThatRefusesIsPassedOverAndNamed) {
  start(2);
  world_.set_reach(servers_[0]->address, net::MemoryWorld::Reach::kRefused);
  for (int i = 0; i < 4; ++i) EXPECT_THAT(get(), StartsWith("HTTP/1.1 200"));
  int moved = 0;
  for (const KeptRecord& kept : records_) {
    EXPECT_EQ(kept.server, "s1");
    EXPECT_EQ(kept.record.end, End::kOk);
    if (kept.record.attempts == 1) continue;
    ++moved;
    EXPECT_EQ(kept.record.attempts, 2);
    EXPECT_EQ(kept.tried, "s0 connect-refused");
  }
  EXPECT_EQ(moved, 1);  // then it is left out
  EXPECT_EQ(notices_, "s0 down ");
  world_.set_reach(servers_[0]->address, net::MemoryWorld::Reach::kNormal);
  world_.run_for(seconds(2));
  for (int i = 0; i < 4; ++i) get();
  EXPECT_EQ(notices_, "s0 down s0 up ");
  EXPECT_GE(servers_[0]->requests.size(), 1U);
}

TEST_F(ExchangeTest, EveryServerDown) {
  start(2);
  for (const auto& server : servers_) {
    world_.set_reach(server->address, net::MemoryWorld::Reach::kRefused);
  }
  EXPECT_THAT(get(), StartsWith("HTTP/1.1 503"));
  expect_end(End::kConnectRefused, By::kServer, Phase::kConnect, 503);
  EXPECT_EQ(last().record.attempts, 2);
  EXPECT_EQ(last().reason, "ECONNREFUSED");
  EXPECT_EQ(last().tried, "s0 connect-refused");  // before the last
  EXPECT_THAT(get(), StartsWith("HTTP/1.1 503"));
  expect_end(End::kNoServer, By::kCoordinator, Phase::kQueue, 503);
  EXPECT_EQ(last().record.attempts, 0);
  EXPECT_EQ(last().server, "");
}

TEST_F(ExchangeTest, AServerThatCannotBeReachedTimesOut) {
  start(1);
  world_.set_reach(servers_[0]->address, net::MemoryWorld::Reach::kSilent);
  EXPECT_THAT(get(), StartsWith("HTTP/1.1 504"));
  expect_end(End::kConnectTimeout, By::kServer, Phase::kConnect, 504);
  EXPECT_GE(last().record.total, options_.connect_timeout);
}

// A body of any size is sent again: what came while nobody took it is all there.
class BodyAgainTest : public ExchangeTest,
                      public testing::WithParamInterface<net::MemoryWorld::Reach> {
 protected:
  // Posts it on a connection of its own and returns what the second server got.
  std::string body_at_second(const std::string& body) {
    const size_t before = records_.size();
    ask(post(body, "Connection: close\r\n"));
    net::TestPeer* upstream = nullptr;
    until([&] {
      for (const auto& peer : servers_[1]->listener.peers) {
        if (!peer->closed && peer->incoming.size() == body.size()) upstream = peer.get();
      }
      return upstream != nullptr || records_.size() > before;
    });
    if (upstream == nullptr) return "";
    const std::string got = std::exchange(upstream->incoming, "");
    upstream->send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    until([&] { return records_.size() > before; });
    return got;
  }
};

TEST_P(BodyAgainTest, Intact) {
  start(2);
  world_.set_reach(servers_[0]->address, GetParam());
  servers_[1]->on_request = [](net::TestPeer&, const std::string&) {};
  for (const size_t size : {size_t{10}, size_t{10'000}, size_t{65'536}, size_t{300'000}}) {
    SCOPED_TRACE(size);
    const std::string body = pattern(size);
    endpoints_[0]->backoff.connected();  // forgets that it is down
    // Two, so that one of them has its turn on the server that cannot be reached.
    for (int i = 0; i < 2; ++i) {
      ASSERT_TRUE(body_at_second(body) == body) << last().tried;
      expect_end(End::kOk, By::kNobody, Phase::kNone, 200);
      EXPECT_EQ(last().record.body_in, size);
    }
    EXPECT_EQ(last().record.attempts + records_[records_.size() - 2].record.attempts, 3);
  }
}

INSTANTIATE_TEST_SUITE_P(First, BodyAgainTest,
                         testing::Values(net::MemoryWorld::Reach::kRefused,
                                         net::MemoryWorld::Reach::kSilent));

// --- connections that died ---

class DeadConnectionTest : public ExchangeTest {
 protected:
  // The second request on a connection finds it closed by the server.
  void begin() {
    start(2);
    for (const auto& server : servers_) {
      server->on_request = [n = 0](net::TestPeer& peer, const std::string&) mutable {
        if (++n == 2) return peer.close();
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
      };
    }
    get();
    get();
  }
};

TEST_F(DeadConnectionTest, IsReplacedForGet) {
  begin();
  EXPECT_THAT(get(), StartsWith("HTTP/1.1 200"));
  expect_end(End::kOk, By::kNobody, Phase::kNone, 200);
  EXPECT_EQ(last().record.attempts, 2);
  EXPECT_EQ(last().tried, last().server + " connection-was-dead");
  EXPECT_FALSE(last().record.reused);
  EXPECT_EQ(notices_, "");
}

TEST_F(DeadConnectionTest, IsNotReplacedForPost) {
  begin();
  EXPECT_THAT(get(post("x")), StartsWith("HTTP/1.1 502"));
  expect_end(End::kServerClosed, By::kServer, Phase::kWait, 502);
  EXPECT_EQ(last().record.attempts, 1);
}

TEST_F(DeadConnectionTest, OneTheServerHadGivenUpBeforeIsNotUsedEvenForPost) {
  start(1);
  get();
  servers_[0]->listener.peers[0]->close();
  settle();
  const std::string got = get("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n");
  EXPECT_THAT(got, StartsWith("HTTP/1.1 200"));
  EXPECT_EQ(last().record.attempts, 1);
  EXPECT_FALSE(last().record.reused);
}

TEST_F(ExchangeTest, AFreshConnectionThatIsClosedIsNotTriedAgainWhereResetIsNotListed) {
  pool_config_.retry_on.reset = false;
  start(2);
  for (const auto& server : servers_) {
    server->on_request = [](net::TestPeer& peer, const std::string&) { peer.close(); };
  }
  EXPECT_THAT(get(), StartsWith("HTTP/1.1 502"));
  expect_end(End::kServerClosed, By::kServer, Phase::kWait, 502);
  EXPECT_EQ(servers_[0]->requests.size() + servers_[1]->requests.size(), 1U);
}

// --- bad ends ---

TEST_F(ExchangeTest, AServerThatClosesInTheMiddleIsSeenByTheClient) {
  start(1);
  servers_[0]->on_request = [](net::TestPeer& peer, const std::string&) {
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this");
    peer.on_done = [&peer] { peer.close(); };
  };
  net::TestPeer& client = ask("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_TRUE(until([&] { return client.receive_error != 0 || client.ended; }));
  EXPECT_THAT(client.incoming, EndsWith("only this"));
  EXPECT_EQ(client.receive_error, ECONNRESET);
  ASSERT_EQ(records_.size(), 1U);
  expect_end(End::kServerClosed, By::kServer, Phase::kData, 200);
  EXPECT_EQ(last().record.body_out, 9U);
}

TEST_F(ExchangeTest, AClientThatLeavesEndsTheAttempt) {
  start(1);
  servers_[0]->on_request = [](net::TestPeer& peer, const std::string&) {
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this");
  };
  net::TestPeer& client = ask("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_TRUE(until([&] { return client.incoming.ends_with("only this"); }));
  EXPECT_EQ(endpoints_[0]->live.in_flight.load(), 1U);
  client.close(net::CloseMode::kReset);
  ASSERT_TRUE(until([&] { return records_.size() == 1; }));
  expect_end(End::kClientClosed, By::kClient, Phase::kData, 200);
  net::TestPeer& upstream = *servers_[0]->listener.peers[0];
  EXPECT_TRUE(until([&] { return upstream.receive_error != 0 || upstream.ended; }));
}

TEST_F(ExchangeTest, AClientThatLeavesWhileItWaits) {
  start(1);
  servers_[0]->on_request = [](net::TestPeer&, const std::string&) {};
  net::TestPeer& client = ask("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_TRUE(until([&] { return !servers_[0]->requests.empty(); }));
  client.close(net::CloseMode::kReset);
  ASSERT_TRUE(until([&] { return records_.size() == 1; }));
  expect_end(End::kClientClosed, By::kClient, Phase::kWait, 0);
}

// The DELETE was executed: its answer counts, whatever it announces.
TEST_F(ExchangeTest, AResponseWithoutABodyIsPassedWithoutWhatItAnnounces) {
  start(1);
  for (const char* announced : {"Content-Length: 5", "Transfer-Encoding: chunked"}) {
    servers_[0]->answer = std::string("HTTP/1.1 204 Gone\r\n") + announced + "\r\n\r\n";
    const std::string body = *announced == 'C' ? "hello" : "0\r\n\r\n";
    for (const std::string& behind : {std::string(), body}) {  // in the same segment, or never
      servers_[0]->answer.resize(servers_[0]->answer.find("\r\n\r\n") + 4);
      servers_[0]->answer += behind;
      const int connections = servers_[0]->connections;
      const std::string got = get("DELETE / HTTP/1.1\r\nHost: h\r\n\r\n");
      EXPECT_EQ(got, "HTTP/1.1 204 Gone\r\nVia: 1.1 giliran\r\n\r\n");
      expect_end(End::kOk, By::kNobody, Phase::kNone, 204);
      EXPECT_EQ(last().record.body_out, 0U);
      EXPECT_EQ(servers_[0]->connections, connections + 1);  // none is trusted twice
    }
  }
}

TEST_F(ExchangeTest, AnAbsoluteTargetMayHaveAQueryAndNoPath) {
  start(1);
  get("GET http://a.example?q=1 HTTP/1.1\r\nHost: b\r\n\r\n");
  EXPECT_THAT(servers_[0]->requests[0], StartsWith("GET /?q=1 HTTP/1.1\r\nHost: a.example\r\n"));
  EXPECT_EQ(last().target, "http://a.example?q=1");
}

TEST_F(ExchangeTest, ABadResponse) {
  start(1);
  servers_[0]->answer = "220 mail ESMTP\r\n\r\n";
  EXPECT_THAT(get(), StartsWith("HTTP/1.1 502"));
  expect_end(End::kBadResponse, By::kServer, Phase::kWait, 502);
  EXPECT_EQ(last().reason, "bad-status-line");
  servers_[0]->answer = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n";
  EXPECT_THAT(get(), StartsWith("HTTP/1.1 502"));
  EXPECT_EQ(last().record.end, End::kBadResponse);
}

TEST_F(ExchangeTest, AServerThatDoesNotAnswer) {
  options_.response_timeout = seconds(5);
  start(1);
  servers_[0]->on_request = [](net::TestPeer&, const std::string&) {};
  EXPECT_THAT(get(), StartsWith("HTTP/1.1 504"));
  expect_end(End::kServerTimeout, By::kServer, Phase::kWait, 504);
  EXPECT_GE(last().record.total, options_.response_timeout);
  EXPECT_LE(last().record.total, options_.response_timeout + seconds(1));
}

TEST_F(ExchangeTest, AServerThatStopsInTheMiddle) {
  options_.body_timeout = seconds(2);
  start(1);
  servers_[0]->answer = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this";
  net::TestPeer& client = ask("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_TRUE(until([&] { return client.receive_error != 0; }));
  expect_end(End::kServerTimeout, By::kServer, Phase::kData, 200);
}

TEST_F(ExchangeTest, AClientThatStopsInTheMiddle) {
  options_.body_timeout = seconds(2);
  start(1);
  net::TestPeer& client = ask("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nhalf");
  ASSERT_TRUE(until([&] { return client.ended; }));
  EXPECT_THAT(client.incoming, StartsWith("HTTP/1.1 200"));  // the test's server answers at once
  servers_[0]->on_request = [](net::TestPeer&, const std::string&) {};
  net::TestPeer& other = ask("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nhalf");
  ASSERT_TRUE(until([&] { return other.ended; }));
  EXPECT_THAT(other.incoming, StartsWith("HTTP/1.1 408"));
  expect_end(End::kClientTimeout, By::kClient, Phase::kSend, 408);
}

TEST_F(ExchangeTest, ARequestThatIsRefused) {
  start(1);
  EXPECT_THAT(get("GET / HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 400"));
  expect_end(End::kBadRequest, By::kClient, Phase::kRequest, 400);
  EXPECT_EQ(last().reason, "missing-host");
  EXPECT_EQ(last().target, "GET / HTTP/1.1");
  EXPECT_THAT(get("CONNECT h:1 HTTP/1.1\r\nHost: h:1\r\n\r\n"), StartsWith("HTTP/1.1 405"));
  expect_end(End::kDenied, By::kClient, Phase::kRequest, 405);
  EXPECT_EQ(servers_[0]->requests.size(), 0U);
  EXPECT_EQ(members_[0]->worker->counts().refused, 1U);
}

TEST_F(ExchangeTest, AConnectionWithoutARequestIsCountedOnly) {
  options_.idle_timeout = seconds(1);
  start(1);
  net::TestPeer& client = connect();
  ASSERT_TRUE(until([&] { return client.ended; }));
  client.close();
  settle();
  EXPECT_EQ(records_.size(), 0U);
  EXPECT_EQ(members_[0]->worker->counts().silent, 1U);
}

// --- bodies ---

TEST_F(ExchangeTest, AnswersThatEndWithTheConnectionAreChunkedOn) {
  start(1);
  servers_[0]->on_request = [](net::TestPeer& peer, const std::string&) {
    peer.send("HTTP/1.0 200 OK\r\n\r\nuntil the end");
    peer.on_done = [&peer] { peer.close(); };
  };
  const std::string got = get();
  EXPECT_THAT(got, HasSubstr("Transfer-Encoding: chunked\r\n"));
  EXPECT_THAT(got, EndsWith("\r\n0\r\n\r\n"));
  expect_end(End::kOk, By::kNobody, Phase::kNone, 200);
  // HTTP/1.0 knows no chunks.
  const std::string old = get("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_THAT(old, HasSubstr("Connection: close\r\n"));
  EXPECT_THAT(old, EndsWith("\r\n\r\nuntil the end"));
}

TEST_F(ExchangeTest, HeadAndNotModifiedKeepTheirAnnouncedLength) {
  start(1);
  servers_[0]->answer = "HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n";
  EXPECT_THAT(get("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n"), EndsWith("Content-Length: 1234\r\n\r\n"));
  servers_[0]->answer = "HTTP/1.1 304 Not Modified\r\nContent-Length: 77\r\n\r\n";
  EXPECT_THAT(get(), EndsWith("Content-Length: 77\r\n\r\n"));
  servers_[0]->answer = "HTTP/1.1 204 No Content\r\n\r\n";
  EXPECT_THAT(get(), EndsWith("Via: 1.1 giliran\r\n\r\n"));
  EXPECT_EQ(servers_[0]->connections, 1);  // all on one connection
}

TEST_F(ExchangeTest, ContinueIsPassedOn) {
  start(1);
  servers_[0]->on_request = [](net::TestPeer& peer, const std::string&) {
    peer.send("HTTP/1.1 100 Continue\r\n\r\n");
  };
  net::TestPeer& client =
      ask("POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
  ASSERT_TRUE(until([&] { return client.incoming.find("\r\n\r\n") != std::string::npos; }));
  EXPECT_THAT(client.incoming, StartsWith("HTTP/1.1 100 Continue\r\n"));
  EXPECT_THAT(servers_[0]->requests[0], HasSubstr("Expect: 100-continue"));
  client.send("body");
  net::TestPeer& upstream = *servers_[0]->listener.peers[0];
  ASSERT_TRUE(until([&] { return upstream.incoming == "body"; }));
  upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  ASSERT_TRUE(until([&] { return records_.size() == 1; }));
  expect_end(End::kOk, By::kNobody, Phase::kNone, 200);
}

TEST_F(ExchangeTest, AnAnswerBeforeTheRequestIsOver) {
  start(1);
  servers_[0]->answer = "HTTP/1.1 413 No\r\nContent-Length: 2\r\n\r\nno";
  net::TestPeer& client =
      ask("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n" + pattern(50'000));
  ASSERT_TRUE(until([&] { return client.ended; }));
  EXPECT_THAT(client.incoming, EndsWith("\r\n\r\nno"));
  expect_end(End::kOk, By::kNobody, Phase::kNone, 413);
  EXPECT_GE(last().record.wait, base::Duration{0});
}

TEST_F(ExchangeTest, AnAnswerWhoseHeadComesBeforeTheRequestIsOver) {
  start(1);
  world_.options().window_bytes = 4096;
  net::TestPeer* upstream = nullptr;
  servers_[0]->on_request = [&](net::TestPeer& peer, const std::string&) {
    upstream = &peer;
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n");
  };
  const std::string body = pattern(200'000);
  net::TestPeer& client = ask(post(body));
  ASSERT_TRUE(until([&] { return upstream != nullptr && upstream->incoming.size() == 200'000; }));
  EXPECT_TRUE(upstream->incoming == body);
  upstream->send("done");
  ASSERT_TRUE(until([&] { return client.incoming.ends_with("done"); }));
  settle();
  expect_end(End::kOk, By::kNobody, Phase::kNone, 200);
  EXPECT_GE(last().record.wait, base::Duration{0});
  EXPECT_GT(last().record.send, last().record.wait);
}

TEST_F(ExchangeTest, ASlowClientSlowsTheServerAndNothingPilesUp) {
  start(1);
  const std::string body = pattern(4'000'000);
  servers_[0]->answer =
      "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  net::TestPeer& client = connect(kHttpPort, false);
  ASSERT_TRUE(until([&] { return client.connected; }));
  client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  size_t most = 0;
  ASSERT_TRUE(until([&] {
    most = std::max(most, members_[0]->io.buffers().bytes_in_use());
    if (!peers_.receiving(client.socket)) client.receive();
    return client.incoming.ends_with(body.substr(body.size() - 50));
  }));
  EXPECT_LT(most, 400'000U);
  EXPECT_TRUE(client.incoming.ends_with(body));
}

}  // namespace
}  // namespace giliran::proxy
