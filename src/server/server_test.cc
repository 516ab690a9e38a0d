#include "server/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <set>

#include "net/listen.h"
#include "server/test_client.h"

namespace giliran::server {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

base::Distribution constant(int ms) {
  return base::Distribution::constant(milliseconds(ms));
}

TEST(Server, AnswersWithItsName) {
  const auto server = start_server({.name = "s1", .threads = 1});
  const std::string response = get(server->urls()[0], "/any/path?x=1");
  EXPECT_THAT(response, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(response, HasSubstr("X-Giliran-Server: s1\r\n"));
  EXPECT_THAT(response, HasSubstr("Server-Timing: queue;dur=0.000, service;dur=0.000\r\n"));
  EXPECT_EQ(body_of(response), "s1\n");
  stop(*server);
  EXPECT_EQ(server->totals().exchanges, 1U);
  EXPECT_EQ(server->totals().failed, 0U);
}

TEST(Server, TheNameIsTheAddressWhereNoneIsGiven) {
  const auto server = start_server({.threads = 1});
  EXPECT_EQ("http://" + server->name(), server->urls()[0]);
}

TEST(Server, KeepsTheConnectionAndAnswersPipelinedRequestsInOrder) {
  const auto server = start_server({.name = "s1", .threads = 1});
  TestClient client(server->urls()[0]);
  std::string all;
  for (int i = 0; i < 20; ++i) {
    all += "GET /?status=" + std::to_string(200 + i) + " HTTP/1.1\r\nHost: t\r\n\r\n";
  }
  client.send(all);
  const std::string got = client.until("s1\n", 20 - 1);  // 204 has no body
  size_t at = 0;
  for (int i = 0; i < 20; ++i) {
    at = got.find("HTTP/1.1 " + std::to_string(200 + i), at);
    ASSERT_NE(at, got.npos) << i;
  }
}

TEST(Server, HeadHealthBodyAndBadQuery) {
  const auto server =
      start_server({.name = "s1", .threads = 1, .delay = constant(0), .body_bytes = 100'000});
  const std::string& url = server->urls()[0];
  EXPECT_EQ(body_of(get(url, "/")).size(), 100'000U);
  EXPECT_EQ(body_of(get(url, "/?body=1MiB")).size(), 1U << 20);
  EXPECT_EQ(body_of(get(url, "/?body=0")), "");
  EXPECT_EQ(body_of(get(url, "/health")), "ok\n");
  const std::string refused = get(url, "/?status=9");
  EXPECT_THAT(refused, StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(refused, HasSubstr("expected a status from 200 to 599"));

  TestClient client(url);
  client.send("HEAD / HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n");
  const std::string head = client.until_end();
  EXPECT_THAT(head, HasSubstr("Content-Length: 100000\r\n"));
  EXPECT_EQ(body_of(head), "");
}

TEST(Server, EchoesABodyLargerThanAnyWindow) {
  const auto server = start_server({.name = "s1", .threads = 1});
  const std::string body(3'000'000, 'e');
  {
    TestClient client(server->urls()[0]);
    client.send("POST /echo HTTP/1.1\r\nHost: t\r\nConnection: close\r\nContent-Length: " +
                std::to_string(body.size()) + "\r\n\r\n" + body);
    EXPECT_EQ(body_of(client.until_end()), body);
  }
  TestClient chunked(server->urls()[0]);
  chunked.send(
      "POST /echo?delay=20ms HTTP/1.1\r\nHost: t\r\nConnection: close\r\n"
      "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n");
  EXPECT_THAT(body_of(chunked.until_end()), HasSubstr("hello"));
}

TEST(Server, AnswersExpectContinueAndCountsTheBody) {
  const TestLog log;
  const auto server = start_server({.name = "s1", .threads = 1, .log = log.path()});
  {
    TestClient client(server->urls()[0]);
    client.send("POST /x HTTP/1.1\r\nHost: t\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
    client.until("100 Continue\r\n\r\n");
    client.send("hello");
    client.until("s1\n");
  }
  stop(*server);
  const auto records = log.records("exchange");
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(records[0]["body_in"], 5);
  EXPECT_EQ(records[0]["body_out"], 3);
  EXPECT_EQ(records[0]["end"], "ok");
}

TEST(Server, TheRecordKeepsTheTraceAndMakesItsOwnSpan) {
  const TestLog log;
  const auto server = start_server({.name = "s1", .threads = 1, .log = log.path()});
  const std::string trace = "4bf92f3577b34da6a3ce929d0e0e4736";
  get(server->urls()[0], "/p?q=1", "traceparent: 00-" + trace + "-00f067aa0ba902b7-01\r\n");
  stop(*server);
  const auto records = log.records("exchange");
  ASSERT_EQ(records.size(), 1U);
  const auto& record = records[0];
  EXPECT_EQ(record["tier"], "server");
  EXPECT_EQ(record["name"], "s1");
  EXPECT_EQ(record["trace"], trace);
  EXPECT_EQ(record["parent"], "00f067aa0ba902b7");
  EXPECT_NE(record["span"], "00f067aa0ba902b7");
  EXPECT_EQ(record["method"], "GET");
  EXPECT_EQ(record["target"], "/p?q=1");
  EXPECT_EQ(record["status"], 200);
  for (const char* field : {"idle_us", "head_us", "queue_us", "service_us", "data_us", "total_us",
                            "down_in", "down_out", "conn", "seq", "peer", "local"}) {
    EXPECT_TRUE(record.contains(field)) << field;
  }
}

// Eight requests of 80 ms each, at once, on two threads: never more than two are served together,
// and the last ones wait for three rounds.
TEST(Server, BlockingRequestsQueueForAThread) {
  const TestLog log;
  const auto server = start_server(
      {.name = "s1", .threads = 2, .log = log.path(), .delay = constant(80), .blocking = true});
  std::vector<std::unique_ptr<TestClient>> clients;
  for (int i = 0; i < 8; ++i) {
    clients.push_back(std::make_unique<TestClient>(server->urls()[0]));
    clients.back()->send("GET / HTTP/1.1\r\nHost: t\r\n\r\n");
  }
  for (const auto& client : clients) client->until("s1\n");
  clients.clear();
  stop(*server);
  const auto records = log.records("exchange");
  ASSERT_EQ(records.size(), 8U);
  double queued_most = 0, queued_and_served_most = 0;
  for (const auto& record : records) {
    const double queued = record["queue_us"];
    const double served = record["service_us"];
    EXPECT_GE(served, 80'000);
    queued_most = std::max(queued_most, queued);
    queued_and_served_most = std::max(queued_and_served_most, queued + served);
  }
  // The bounds leave room for clients that are held up while they connect.
  EXPECT_GE(queued_most, 120'000);
  EXPECT_GE(queued_and_served_most, 200'000);
}

TEST(Server, ADelayThatDoesNotBlockNeedsNoThread) {
  const TestLog log;
  const auto server =
      start_server({.name = "s1", .threads = 1, .log = log.path(), .delay = constant(50)});
  std::vector<std::unique_ptr<TestClient>> clients;
  for (int i = 0; i < 20; ++i) {
    clients.push_back(std::make_unique<TestClient>(server->urls()[0]));
    clients.back()->send("GET / HTTP/1.1\r\nHost: t\r\n\r\n");
  }
  for (const auto& client : clients) client->until("s1\n");
  clients.clear();
  stop(*server);
  for (const auto& record : log.records("exchange")) {
    EXPECT_EQ(record["queue_us"], 0);
    EXPECT_GE(record["service_us"].get<double>(), 50'000);
  }
}

TEST(Server, WorkBurnsCpuAlsoWhereAQueryAsksForIt) {
  const TestLog log;
  const auto server = start_server({.name = "s1", .threads = 1, .log = log.path()});
  const base::Duration before = base::process_cpu_time();
  get(server->urls()[0], "/?work=60ms&delay=20ms");
  EXPECT_GE(base::process_cpu_time() - before, milliseconds(60));
  stop(*server);
  const auto records = log.records("exchange");
  ASSERT_EQ(records.size(), 1U);
  EXPECT_GE(records[0]["service_us"].get<double>(), 80'000);
}

std::set<int> failing_requests(uint64_t seed, uint32_t threads) {
  const auto server = start_server(
      {.name = "s1", .threads = threads, .fail = FaultSpec{.rate = 0.3}, .seed = seed});
  std::set<int> failing;
  for (int i = 0; i < 40; ++i) {
    if (get(server->urls()[0], "/").starts_with("HTTP/1.1 500")) failing.insert(i);
  }
  return failing;
}

TEST(Server, TheSeedDecidesWhoFailsWhateverTheThreads) {
  const std::set<int> failing = failing_requests(11, 1);
  EXPECT_GT(failing.size(), 2U);
  EXPECT_LT(failing.size(), 30U);
  EXPECT_EQ(failing, failing_requests(11, 3));
  EXPECT_NE(failing, failing_requests(12, 1));
}

TEST(Server, AFaultMayBeAReset) {
  const TestLog log;
  const auto server = start_server({.name = "s1",
                                    .threads = 1,
                                    .log = log.path(),
                                    .fail = FaultSpec{.rate = 1, .kind = FaultSpec::Kind::kReset}});
  {
    TestClient client(server->urls()[0]);
    client.send("GET / HTTP/1.1\r\nHost: t\r\n\r\n");
    EXPECT_EQ(client.until_end(), "");
    EXPECT_EQ(client.receive_error(), ECONNRESET);
  }
  EXPECT_EQ(body_of(get(server->urls()[0], "/health")), "ok\n");
  stop(*server);
  const auto records = log.records("exchange");
  ASSERT_EQ(records.size(), 2U);
  EXPECT_EQ(records[0]["end"], "fault");
  EXPECT_EQ(records[0]["by"], "server");
  EXPECT_EQ(records[1]["end"], "ok");
  EXPECT_EQ(server->totals().faults, 1U);
}

TEST(Server, BadRequestsAndClientsThatLeaveAreRecorded) {
  const TestLog log;
  const auto server =
      start_server({.name = "s1", .threads = 1, .log = log.path(), .blocking = true});
  {
    TestClient bad(server->urls()[0]);
    bad.send("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n");
    EXPECT_THAT(bad.until_end(), StartsWith("HTTP/1.1 400"));
  }
  {
    TestClient leaver(server->urls()[0]);
    leaver.send("GET /?delay=200ms HTTP/1.1\r\nHost: t\r\n\r\n");
    TestClient witness(server->urls()[0]);  // answered after it: the request has arrived
    witness.send("GET /health HTTP/1.1\r\nHost: t\r\n\r\n");
    witness.until("ok\n");
    leaver.reset();
  }
  stop(*server);
  const auto records = log.records("exchange");
  ASSERT_EQ(records.size(), 3U);
  std::multiset<std::string> ends;
  for (const auto& record : records) ends.insert(record["end"]);
  EXPECT_EQ(ends, (std::multiset<std::string>{"bad-request", "client-closed", "ok"}));
}

TEST(Server, DrainAnswersWhatIsUnderWay) {
  const auto server = start_server({.name = "s1", .threads = 1, .delay = constant(500)});
  TestClient busy(server->urls()[0]);
  TestClient idle(server->urls()[0]);
  busy.send("GET / HTTP/1.1\r\nHost: t\r\n\r\n");
  TestClient witness(server->urls()[0]);
  witness.send("GET /health HTTP/1.1\r\nHost: t\r\n\r\n");
  witness.until("ok\n");
  server->drain([] {});
  EXPECT_EQ(idle.until_end(), "");
  EXPECT_THAT(busy.until_end(), HasSubstr("Connection: close\r\n"));
  server->join();
  EXPECT_EQ(server->totals().failed, 0U);
}

TEST(Server, ShutCutsWorkAndRecordsIt) {
  const TestLog log;
  const auto server = start_server(
      {.name = "s1", .threads = 1, .log = log.path(), .delay = constant(60'000), .blocking = true});
  TestClient first(server->urls()[0]);
  TestClient second(server->urls()[0]);
  first.send("GET / HTTP/1.1\r\nHost: t\r\n\r\n");
  second.send("GET / HTTP/1.1\r\nHost: t\r\n\r\n");
  TestClient witness(server->urls()[0]);
  witness.send("GET /health HTTP/1.1\r\nHost: t\r\n\r\n");
  witness.until("ok\n");
  server->drain([] {});
  server->shut();
  server->join();
  size_t shut = 0;
  for (const auto& record : log.records("exchange")) shut += record["end"] == "shutdown" ? 1 : 0;
  EXPECT_EQ(shut, 2U);
}

TEST(Server, WhatIsWrongBeforeTheStart) {
  const auto server = start_server({.name = "s1", .threads = 1});
  const std::string taken = server->urls()[0].substr(7);
  const auto error = [](ServerOptions options) {
    const auto started = Server::start(options);
    EXPECT_FALSE(started);
    return started ? "" : started.error().message;
  };
  const config::ListenSpec free{.scheme = config::Scheme::kHttp, .host_port = "127.0.0.1:0"};
  EXPECT_THAT(error({.listens = {{.scheme = config::Scheme::kHttp, .host_port = taken}}}),
              HasSubstr(taken));
  EXPECT_THAT(error({.listens = {free}, .log = "/nowhere/at/all.log"}),
              HasSubstr("/nowhere/at/all.log"));
  EXPECT_THAT(error({.listens = {free}, .name = "a b"}), HasSubstr("--name"));
  EXPECT_THAT(error({.listens = {free}, .threads = 5000}), HasSubstr("at most 4096"));
  EXPECT_THAT(error({}), HasSubstr("--listen"));
}

}  // namespace
}  // namespace giliran::server
