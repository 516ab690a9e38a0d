// Routes, header changes and limits of the body, in the life of a request.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/test_world.h"

namespace giliran::proxy {
namespace {

using config::HeaderChange;

std::string request(const std::string& path, const std::string& more = "",
                    const std::string& method = "GET") {
  return method + " " + path + " HTTP/1.1\r\nHost: h.example:8080\r\n" + more + "\r\n";
}

class RouteExchangeTest : public ProxyTest {
 protected:
  const KeptRecord& last() { return records_.back(); }
  void expect_end(End end, By by, Phase phase, uint16_t status) {
    const telemetry::Record& r = last().record;
    EXPECT_EQ(name(r.end), name(end)) << last().reason;
    EXPECT_EQ(name(r.by), name(by));
    EXPECT_EQ(name(r.phase), name(phase));
    EXPECT_EQ(r.status, status);
  }
  config::Route& add_route(const std::string& name, const std::string& path) {
    listener_config_.routes.push_back({.name = name, .path = path});
    return listener_config_.routes.back();
  }
};

TEST_F(RouteExchangeTest, ARouteToAPoolIsNamedInTheRecord) {
  add_route("api", "/api").pool = "default";
  start(1);
  EXPECT_THAT(get(request("/api/x")), StartsWith("HTTP/1.1 200"));
  EXPECT_EQ(last().route, "api");
  EXPECT_THAT(get(request("/apis")), StartsWith("HTTP/1.1 200"));
  EXPECT_EQ(last().route, "");  // the listener's own pool
  EXPECT_EQ(last().pool, "default");
}

TEST_F(RouteExchangeTest, AnAnswerIsGivenWithoutAServerAndIsNoFailure) {
  add_route("sorry", "/down").answer =
      config::Answer{.status = 503, .content_type = "text/html", .body = "<p>noon"};
  add_route("empty", "/empty").answer = config::Answer{.status = 204};
  start(1);
  const std::string got = get(request("/down"));
  EXPECT_THAT(got, StartsWith("HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/html\r\n"));
  EXPECT_THAT(got, EndsWith("Content-Length: 7\r\n\r\n<p>noon"));
  EXPECT_THAT(got, Not(HasSubstr("Proxy-Status")));
  expect_end(End::kOk, By::kNobody, Phase::kNone, 503);
  EXPECT_EQ(last().route, "sorry");
  EXPECT_EQ(last().record.attempts, 0);
  EXPECT_EQ(last().record.body_out, 7U);
  EXPECT_EQ(get(request("/empty")), "HTTP/1.1 204 No Content\r\n\r\n");
  EXPECT_THAT(get(request("/down", "", "HEAD")), EndsWith("Content-Length: 7\r\n\r\n"));
  EXPECT_TRUE(servers_[0]->requests.empty());
}

TEST_F(RouteExchangeTest, TheConnectionGoesOnAfterAnAnswerAlsoToAPost) {
  add_route("sorry", "/down").answer = config::Answer{.status = 503, .body = "x"};
  start(1);
  net::TestPeer& client = ask(request("/down", "Content-Length: 5\r\n", "POST") + "hello" +
                              request("/down", "Transfer-Encoding: chunked\r\n", "POST") +
                              "3\r\nabc\r\n0\r\n\r\n" + request("/up"));
  ASSERT_TRUE(until([&] { return records_.size() == 3; }));
  settle();
  EXPECT_THAT(client.incoming, EndsWith("hi"));
  EXPECT_EQ(records_[0].record.body_in, 5U);
  EXPECT_EQ(records_[1].record.body_in, 3U);
  EXPECT_EQ(records_[2].record.sequence, 3U);
}

TEST_F(RouteExchangeTest, ARedirect) {
  add_route("moved", "/old").redirect =
      config::Redirect{.status = 308, .to = "https://{host}{path}"};
  start(1);
  const std::string got = get(request("/old/a?b=c"));
  EXPECT_THAT(got, StartsWith("HTTP/1.1 308 Permanent Redirect\r\n"
                              "Location: https://h.example/old/a?b=c\r\n"));
  EXPECT_THAT(got, EndsWith("Content-Length: 0\r\n\r\n"));
  expect_end(End::kOk, By::kNobody, Phase::kNone, 308);
  // A client that names no host cannot be told where to go.
  EXPECT_THAT(get("GET /old HTTP/1.0\r\n\r\n"), StartsWith("HTTP/1.1 400"));
  expect_end(End::kBadRequest, By::kClient, Phase::kRequest, 400);
  EXPECT_EQ(last().reason, "cannot-redirect");
}

TEST_F(RouteExchangeTest, WhatNothingTakesIsNotFound) {
  add_route("api", "/api").pool = "default";
  start(1);
  auto snapshot = std::make_shared<cluster::Snapshot>(*members_[0]->worker->snapshot());
  auto without = std::make_shared<cluster::Listener>(*snapshot->listeners[0]);
  without->pool = nullptr;
  snapshot->listeners[0] = without;
  members_[0]->worker->publish(snapshot, options_);
  const std::string got = get(request("/x"));
  EXPECT_THAT(got, StartsWith("HTTP/1.1 404"));
  EXPECT_THAT(got,
              HasSubstr("Proxy-Status: giliran; error=destination_not_found; "
                        "details=\"no-route\"; end=denied; by=coordinator; phase=request\r\n"));
  expect_end(End::kDenied, By::kCoordinator, Phase::kRequest, 404);
  EXPECT_EQ(last().pool, "");
  EXPECT_THAT(get(request("/api")), StartsWith("HTTP/1.1 200"));
}

TEST_F(RouteExchangeTest, APathThatServersReadDifferentlyIsRefused) {
  add_route("admin", "/admin").answer = config::Answer{.status = 403};
  start(1);
  for (const char* path : {"/x/../admin", "/x%2F..%2Fadmin", "//admin", "/x/%2e%2e/admin"}) {
    EXPECT_THAT(get(request(path)), StartsWith("HTTP/1.1 400")) << path;
    expect_end(End::kBadRequest, By::kClient, Phase::kRequest, 400);
    EXPECT_EQ(last().reason, "ambiguous-path");
  }
  EXPECT_TRUE(servers_[0]->requests.empty());
  EXPECT_THAT(get(request("/%61dmin")), StartsWith("HTTP/1.1 403"));
}

TEST_F(RouteExchangeTest, HeaderChangesBothWays) {
  config::Route& route = add_route("r", "/");
  route.pool = "default";
  route.request_headers = {{.kind = HeaderChange::Kind::kRemove, .name = "Cookie"},
                           {.kind = HeaderChange::Kind::kSet, .name = "X-Tier", .value = "beta"},
                           {.kind = HeaderChange::Kind::kAdd, .name = "X-More", .value = "2"}};
  route.response_headers = {
      {.kind = HeaderChange::Kind::kRemove, .name = "Server"},
      {.kind = HeaderChange::Kind::kSet, .name = "Cache-Control", .value = "no-store"}};
  start(2);
  servers_[1]->answer = servers_[0]->answer =
      "HTTP/1.1 200 OK\r\nServer: secret\r\ncache-control: public\r\nCache-Control: "
      "x\r\nContent-Length: 2\r\n\r\nhi";
  world_.set_reach(servers_[0]->address, net::MemoryWorld::Reach::kRefused);  // on a retry, too
  for (int i = 0; i < 2; ++i) {
    const std::string got =
        get(request("/", "Cookie: a=b\r\nx-tier: mine\r\nX-Tier: mine\r\nX-More: 1\r\n"));
    EXPECT_THAT(got, Not(HasSubstr("secret")));
    EXPECT_THAT(got, HasSubstr("Cache-Control: no-store\r\n"));
    EXPECT_THAT(got, Not(HasSubstr("public")));
  }
  ASSERT_EQ(servers_[1]->requests.size(), 2U);
  for (const std::string& seen : servers_[1]->requests) {
    EXPECT_THAT(seen, Not(HasSubstr("a=b")));
    EXPECT_THAT(seen, Not(HasSubstr("mine")));
    EXPECT_THAT(seen, HasSubstr("X-Tier: beta\r\n"));
    EXPECT_THAT(seen, HasSubstr("X-More: 1\r\n"));
    EXPECT_THAT(seen, HasSubstr("X-More: 2\r\n"));
  }
}

// Those that are sent again, too.
TEST_F(RouteExchangeTest, TrailersPassAsTheHeadWouldLetThem) {
  config::Route& route = add_route("r", "/");
  route.pool = "default";
  route.request_headers = {{.kind = HeaderChange::Kind::kRemove, .name = "X-Admin"},
                           {.kind = HeaderChange::Kind::kSet, .name = "X-Tier", .value = "beta"},
                           {.kind = HeaderChange::Kind::kAdd, .name = "X-More", .value = "2"}};
  route.response_headers = {{.kind = HeaderChange::Kind::kRemove, .name = "X-Secret"}};
  pool_config_.retry_on.statuses = {503};
  start(2);
  const auto behind_the_body = [](const std::string& answer) {
    return [answer](net::TestPeer& peer, const std::string& part) {
      if (!part.starts_with("PUT")) peer.send(answer);
    };
  };
  servers_[0]->on_request = behind_the_body("HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy");
  servers_[1]->on_request = behind_the_body(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
      "2\r\nhi\r\n0\r\nx-secret: 1\r\nX-Sum: 3\r\n\r\n");
  const std::string got =
      get(request("/", "Connection: X-Hop\r\nTransfer-Encoding: chunked\r\n", "PUT") +
          "2\r\nho\r\n0\r\nx-admin: 1\r\nX-Tier: gold\r\nX-Forwarded-Port: 1\r\n"
          "X-Forwarded-Prefix: /evil\r\nX-Forwarded-Server: 1\r\nProxy: x\r\nX-Hop: 1\r\n"
          "X-More: 1\r\nX-Sum: 2\r\n\r\n");
  EXPECT_THAT(got, EndsWith("\r\n0\r\nX-Sum: 3\r\n\r\n"));
  for (const auto& server : servers_) {
    ASSERT_EQ(server->requests.size(), 2U);  // head, body
    EXPECT_THAT(server->requests[0], HasSubstr("X-Tier: beta\r\n"));
    EXPECT_THAT(server->requests[1], EndsWith("\r\n0\r\nX-More: 1\r\nX-Sum: 2\r\n\r\n"));
  }
  EXPECT_EQ(last().tried, "s0 503");
}

TEST_F(RouteExchangeTest, TraceAndMaxForwards) {
  start(1);
  EXPECT_THAT(get(request("/", "", "TRACE")), StartsWith("HTTP/1.1 405"));
  expect_end(End::kDenied, By::kClient, Phase::kRequest, 405);
  EXPECT_THAT(get(request("*", "Max-Forwards: 0\r\n", "OPTIONS")), StartsWith("HTTP/1.1 200"));
  EXPECT_TRUE(servers_[0]->requests.empty());
  get(request("*", "Max-Forwards: 3\r\n", "OPTIONS"));
  EXPECT_THAT(servers_[0]->requests[0], StartsWith("OPTIONS * HTTP/1.1\r\n"));
  EXPECT_THAT(servers_[0]->requests[0], HasSubstr("Max-Forwards: 2\r\n"));
}

// --- the body's limit ---

class BodyLimitTest : public RouteExchangeTest {
 protected:
  void begin(const char* answer = "") {
    options_.body_bytes_max = 1000;
    add_route("large", "/large").pool = "default";
    listener_config_.routes[0].body_bytes_max = 100'000;
    start(1);
    servers_[0]->on_request = [answer](net::TestPeer& peer, const std::string&) {
      if (*answer != 0) peer.send(answer);
    };
  }
  bool connected() const { return !servers_[0]->listener.peers.empty(); }
  net::TestPeer& upstream() { return *servers_[0]->listener.peers.back(); }
};

TEST_F(BodyLimitTest, ByItsAnnouncedLengthBeforeAServerIsAsked) {
  begin("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  net::TestPeer& client = ask(request("/", "Content-Length: 1001\r\n", "POST"));
  ASSERT_TRUE(until([&] { return client.ended; }));
  EXPECT_THAT(client.incoming, StartsWith("HTTP/1.1 413"));
  EXPECT_THAT(client.incoming, HasSubstr("Connection: close\r\n"));
  client.close();
  ASSERT_TRUE(until([&] { return !records_.empty(); }));
  EXPECT_EQ(name(last().record.end), name(End::kBodyTooLarge));
  EXPECT_EQ(last().record.status, 413);
  EXPECT_TRUE(servers_[0]->requests.empty());
  EXPECT_THAT(get(request("/", "Content-Length: 1000\r\n", "POST") + std::string(1000, 'x')),
              StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(get(request("/large", "Content-Length: 5000\r\n", "POST") + std::string(5000, 'x')),
              StartsWith("HTTP/1.1 200"));
}

TEST_F(BodyLimitTest, ChunkedWhileTheServerWaitsForIt) {
  begin();
  net::TestPeer& client = ask(request("/", "Transfer-Encoding: chunked\r\n", "POST") + "3e8\r\n" +
                              std::string(1000, 'x') + "\r\n");
  ASSERT_TRUE(until([&] { return connected() && upstream().incoming.size() > 1000; }));
  client.send("1\r\ny\r\n");
  ASSERT_TRUE(until([&] { return client.ended; }));
  EXPECT_THAT(client.incoming, StartsWith("HTTP/1.1 413"));
  EXPECT_THAT(client.incoming, HasSubstr("end=body-too-large; by=client; phase=send\r\n"));
  ASSERT_TRUE(until([&] { return upstream().ended || upstream().receive_error != 0; }));
  EXPECT_THAT(upstream().incoming, Not(HasSubstr("y")));
  EXPECT_EQ(endpoints_[0]->live.in_flight.load(), 0U);
  client.close();
  ASSERT_TRUE(until([&] { return !records_.empty(); }));
  EXPECT_EQ(name(last().record.end), name(End::kBodyTooLarge));
  EXPECT_EQ(notices_, "");
}

TEST_F(BodyLimitTest, InTheMiddleOfTheResponseItIsCut) {
  begin("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
  net::TestPeer& client = ask(request("/", "Transfer-Encoding: chunked\r\n", "POST"));
  ASSERT_TRUE(until([&] { return client.incoming.ends_with("half"); }));
  client.send("3e9\r\n" + std::string(1001, 'x') + "\r\n");
  ASSERT_TRUE(until([&] { return client.receive_error != 0; }));
  expect_end(End::kBodyTooLarge, By::kClient, Phase::kSend, 200);
  EXPECT_EQ(last().reason, "");
  EXPECT_TRUE(until([&] { return upstream().ended || upstream().receive_error != 0; }));
}

// The server has said all it wants to say: the client is to get it.
TEST_F(BodyLimitTest, BehindAWholeResponseItIsDropped) {
  begin("HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno");
  net::TestPeer& client =
      ask(request("/", "Transfer-Encoding: chunked\r\n", "POST") + "3e9\r\n" + "x");
  ASSERT_TRUE(until([&] { return client.incoming.ends_with("no"); }));
  client.send(std::string(1000, 'x') + "\r\n0\r\n\r\n");
  ASSERT_TRUE(until([&] { return client.ended || client.receive_error != 0; }));
  EXPECT_THAT(client.incoming, EndsWith("no"));
  EXPECT_EQ(client.receive_error, 0);
  client.close();
  ASSERT_TRUE(until([&] { return !records_.empty(); }));
  EXPECT_EQ(last().record.status, 403);
}

}  // namespace
}  // namespace giliran::proxy
