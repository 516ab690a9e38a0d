// Both sides of a connection talking to each other, over the real loop and the in-memory network.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "conn/test_connections.h"

namespace giliran::conn {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class BothTest : public ConnectionTest, public testing::WithParamInterface<TestLoop::Engine> {
 protected:
  BothTest() : ConnectionTest(GetParam()) {}
};

std::string pattern(size_t size) {
  std::string text;
  for (size_t i = 0; text.size() < size; ++i) text += std::to_string(i) + ",";
  text.resize(size);
  return text;
}

TEST_P(BothTest, GetAndReuse) {
  answer_all("hello");
  TestClient& client = connect();
  for (uint64_t i = 1; i <= 5; ++i) {
    TestExchange& exchange = client.start();
    exchange.get("/" + std::to_string(i));
    ASSERT_TRUE(until([&] { return exchange.closed; }));
    EXPECT_EQ(exchange.status, 200);
    EXPECT_EQ(exchange.body, "hello");
    EXPECT_TRUE(exchange.ended);
    EXPECT_EQ(exchange.how.end, StreamEnd::kComplete);
    EXPECT_EQ(exchange.facts.sequence, i);
    EXPECT_EQ(exchange.facts.reused, i > 1);
    ASSERT_TRUE(until([&] { return server_.requests.back()->closed; }));
    const TestRequest& request = *server_.requests.back();
    EXPECT_EQ(request.how.end, StreamEnd::kComplete);
    EXPECT_EQ(request.target, "/" + std::to_string(i));
    EXPECT_EQ(request.sent, 5U);
    EXPECT_EQ(request.facts.bytes_in, exchange.facts.bytes_out);
    EXPECT_EQ(request.facts.bytes_out, exchange.facts.bytes_in);
    EXPECT_GE(exchange.facts.head_done, exchange.facts.request_sent);
    EXPECT_GE(exchange.facts.request_sent, exchange.facts.connected);
  }
  EXPECT_EQ(client.idles, 5);
  EXPECT_EQ(server_.connections.size(), 1U);
}

TEST_P(BothTest, HeadHasNoBody) {
  answer_all("hello");
  TestClient& client = connect();
  TestExchange& head = client.start();
  head.send("HEAD", "/");
  head.stream->send_end();
  ASSERT_TRUE(until([&] { return head.closed; }));
  EXPECT_EQ(head.body, "");
  EXPECT_THAT(head.fields, HasSubstr("Content-Length:5;"));
  TestExchange& get = client.start();
  get.get();
  ASSERT_TRUE(until([&] { return get.closed; }));
  EXPECT_EQ(get.body, "hello");
}

TEST_P(BothTest, StatusesWithoutBody) {
  server_.on_request_end = [](TestRequest& r) {
    r.stream->send_head({.status = r.target == "/204" ? uint16_t{204} : uint16_t{304},
                         .reason = {},
                         .fields = {},
                         .body = r.target == "/known" ? BodyLength::known(9) : BodyLength{}});
    r.stream->send_data(base::Slice::of_static("dropped"));
    r.stream->send_end();
  };
  TestClient& client = connect();
  for (const char* target : {"/204", "/304", "/known"}) {
    TestExchange& exchange = client.start();
    exchange.get(target);
    ASSERT_TRUE(until([&] { return exchange.closed; })) << target;
    EXPECT_EQ(exchange.how.end, StreamEnd::kComplete);
    EXPECT_EQ(exchange.body, "");
    EXPECT_EQ(exchange.fields, std::string(target) == "/known" ? "Content-Length:9;" : "");
  }
  EXPECT_EQ(client.idles, 3);
}

TEST_P(BothTest, BodiesBothWays) {
  const std::string up = pattern(300'000), down = pattern(500'000);
  for (const bool chunked : {false, true}) {
    SCOPED_TRACE(chunked);
    server_.on_request_end = [&](TestRequest& r) {
      r.stream->send_head(
          {.status = 200,
           .reason = {},
           .fields = {},
           .body = chunked ? BodyLength::unknown() : BodyLength::known(down.size())});
      for (size_t at = 0; at < down.size(); at += 30'000) {
        r.stream->send_data(base::Slice::of_static(std::string_view(down).substr(at, 30'000)));
      }
      const Field trailer{.name = "X-Sum", .value = "1"};
      r.stream->send_end({&trailer, chunked ? 1U : 0U});
    };
    TestClient& client = connect();
    TestExchange& exchange = client.start();
    exchange.send("POST", "/", chunked ? BodyLength::unknown() : BodyLength::known(up.size()));
    for (size_t at = 0; at < up.size(); at += 7'001) {
      exchange.stream->send_data(base::Slice::of_static(std::string_view(up).substr(at, 7'001)));
    }
    const Field trailer{.name = "X-Up", .value = "2"};
    exchange.stream->send_end({&trailer, chunked ? 1U : 0U});
    ASSERT_TRUE(until([&] { return exchange.closed; }));
    EXPECT_EQ(exchange.how.end, StreamEnd::kComplete);
    EXPECT_TRUE(exchange.body == down);
    EXPECT_EQ(exchange.sent, up.size());
    ASSERT_TRUE(until([&] { return server_.requests.back()->closed; }));
    const TestRequest& request = *server_.requests.back();
    EXPECT_TRUE(request.body == up);
    EXPECT_EQ(request.sent, down.size());
    EXPECT_EQ(request.trailers, chunked ? "X-Up:2;" : "");
    EXPECT_EQ(exchange.trailers, chunked ? "X-Sum:1;" : "");
    EXPECT_EQ(request.facts.bytes_in, exchange.facts.bytes_out);
    EXPECT_EQ(request.facts.bytes_out, exchange.facts.bytes_in);
  }
}

TEST_P(BothTest, Interim) {
  server_.on_request_begin = [](TestRequest& r) {
    if (r.expect_continue) r.stream->send_interim(100, {});
  };
  answer_all();
  TestClient& client = connect();
  TestExchange& exchange = client.start();
  const Field fields[] = {{.name = "Host", .value = "h"},
                          {.name = "Expect", .value = "100-continue"}};
  exchange.stream->send_head(
      {.method = "POST", .target = "/", .fields = fields, .body = BodyLength::known(4)});
  exchange.on_interim_head = [&] {
    exchange.stream->send_data(base::Slice::of_static("body"));
    exchange.stream->send_end();
  };
  ASSERT_TRUE(until([&] { return exchange.closed; }));
  EXPECT_THAT(exchange.interims, ElementsAre(100));
  EXPECT_EQ(exchange.status, 200);
  EXPECT_EQ(server_.requests[0]->body, "body");
}

TEST_P(BothTest, AnAnswerBeforeTheRequestIsOver) {
  server_.on_request_begin = [](TestRequest& r) { r.respond("no", 413); };
  TestClient& client = connect();
  TestExchange& exchange = client.start();
  const std::string part = pattern(100'000);
  exchange.send("POST", "/", BodyLength::known(10'000'000));
  exchange.stream->send_data(base::Slice::of_static(part));
  ASSERT_TRUE(until([&] { return exchange.closed; }));
  EXPECT_EQ(exchange.status, 413);
  EXPECT_EQ(exchange.body, "no");
  EXPECT_EQ(exchange.how.end, StreamEnd::kComplete);
  EXPECT_EQ(client.idles, 0);
  ASSERT_TRUE(until([&] { return client.closed && server_.open() == 0; }));
  EXPECT_EQ(server_.requests[0]->how.end, StreamEnd::kComplete);
}

TEST_P(BothTest, UntilTheConnectionEnds) {
  // What is sent to an HTTP/1.0 client without a length ends so.
  server_.on_request_end = [](TestRequest& r) {
    r.stream->send_head({.status = 200, .reason = {}, .fields = {}, .body = BodyLength::unknown()});
    r.stream->send_data(base::Slice::of_static("until"));
    r.stream->send_end();
  };
  net::TestPeer& old = dial();
  old.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  ASSERT_TRUE(until([&] { return old.ended; }));
  EXPECT_THAT(old.incoming, Not(HasSubstr("chunked")));
  EXPECT_TRUE(old.incoming.ends_with("Connection: close\r\n\r\nuntil"));
}

TEST_P(BothTest, Http10KeepsAliveOnlyWhereAsked) {
  answer_all();
  net::TestPeer& keeps = dial();
  keeps.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  ASSERT_TRUE(until([&] { return keeps.incoming.ends_with("hi"); }));
  EXPECT_THAT(keeps.incoming, HasSubstr("Connection: keep-alive\r\n"));
  keeps.send("GET / HTTP/1.0\r\n\r\n");
  ASSERT_TRUE(until([&] { return keeps.ended; }));
  EXPECT_EQ(server_.requests.size(), 2U);
}

TEST_P(BothTest, PipelinedRequestsAreAnsweredInOrder) {
  server_.on_request_end = [](TestRequest&) {};  // later
  net::TestPeer& peer = dial();
  std::string text;
  for (int i = 0; i < 20; ++i) {
    text += "POST /" + std::to_string(i) + " HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc";
  }
  peer.send(text);
  for (size_t i = 0; i < 20; ++i) {
    ASSERT_TRUE(
        until([&] { return server_.requests.size() == i + 1 && server_.requests[i]->ended; }));
    loop_.pass(milliseconds(1));
    ASSERT_EQ(server_.requests.size(), i + 1);  // one at a time
    EXPECT_EQ(server_.requests[i]->body, "abc");
    server_.requests[i]->respond("x");
  }
  peer.send("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  ASSERT_TRUE(until([&] { return server_.requests.size() == 21; }));
  server_.requests[20]->respond("end");
  ASSERT_TRUE(until([&] { return peer.ended; }));
  EXPECT_TRUE(peer.incoming.ends_with("end"));
  for (size_t i = 0; i < 20; ++i) EXPECT_EQ(server_.requests[i]->target, "/" + std::to_string(i));
}

TEST_P(BothTest, RefusedConnects) {
  const base::Address nobody = [&] {
    net::TestListener listener(loop_.io());
    const base::Address at = listener.listen(base::Address::loopback(0));
    loop_.io().stop_listening(listener.id);
    EXPECT_TRUE(until([&] { return listener.closed; }));
    return at;
  }();
  TestClient client(loop_.io(), nobody);
  TestExchange& exchange = client.start();
  exchange.get();
  ASSERT_TRUE(until([&] { return client.closed; }));
  EXPECT_EQ(exchange.how.end, StreamEnd::kConnectRefused);
  EXPECT_EQ(exchange.how.error, ECONNREFUSED);
  EXPECT_EQ(exchange.how.retry, base::Retry::kAlways);
  EXPECT_EQ(client.unusables, 1);
}

TEST_P(BothTest, CreditBoundsWhatComes) {
  server_.options.window_bytes = 30'000;
  server_.on_request_begin = [](TestRequest& r) { r.consume_at_once = false; };
  answer_all();
  TestClient& client = connect({.window_bytes = 20'000, .source = {}});
  TestExchange& exchange = client.start();
  exchange.consume_at_once = false;
  const std::string up = pattern(2'000'000);
  exchange.send("POST", "/", BodyLength::known(up.size()));
  exchange.stream->send_data(base::Slice::of_static(up));
  exchange.stream->send_end();
  ASSERT_TRUE(
      until([&] { return !server_.requests.empty() && server_.requests[0]->given >= 30'000; }));
  TestRequest& request = *server_.requests[0];
  loop_.pass(milliseconds(20));
  EXPECT_LE(request.given, 30'000U + 65'536U);
  uint64_t consumed = 0;
  ASSERT_TRUE(until([&] {
    const uint64_t ahead = request.given - consumed;
    EXPECT_LE(ahead, 30'000U + 65'536U);
    if (ahead != 0 && request.stream != nullptr)
      request.stream->consume(static_cast<uint32_t>(ahead));
    consumed = request.given;
    return request.ended;
  }));
  EXPECT_TRUE(request.body == up);
  ASSERT_TRUE(until([&] { return exchange.closed; }));
}

TEST_P(BothTest, CreditBoundsTheAnswer) {
  const std::string down = pattern(2'000'000);
  answer_all(down);
  TestClient& client = connect({.window_bytes = 20'000, .source = {}});
  TestExchange& exchange = client.start();
  exchange.consume_at_once = false;
  exchange.get();
  uint64_t consumed = 0;
  ASSERT_TRUE(until([&] { return exchange.body.size() >= 20'000; }));
  loop_.pass(milliseconds(20));
  EXPECT_LE(exchange.body.size(), 20'000U + 65'536U);
  ASSERT_TRUE(until([&] {
    const uint64_t ahead = exchange.body.size() - consumed;
    EXPECT_LE(ahead, 20'000U + 65'536U);
    consumed = exchange.body.size();
    if (ahead != 0 && !exchange.closed) exchange.stream->consume(static_cast<uint32_t>(ahead));
    return exchange.closed;
  }));
  EXPECT_TRUE(exchange.body == down);
}

TEST_P(BothTest, AnAbortOfEitherSideIsSeenByTheOther) {
  TestClient& client = connect();
  TestExchange& exchange = client.start();
  exchange.get();
  ASSERT_TRUE(until([&] { return !server_.requests.empty() && server_.requests[0]->ended; }));
  exchange.stream->abort();
  exchange.stream = nullptr;
  ASSERT_TRUE(until([&] { return server_.requests[0]->closed; }));
  EXPECT_EQ(server_.requests[0]->how.end, StreamEnd::kPeerReset);
  EXPECT_FALSE(exchange.closed);  // no event after abort()
  ASSERT_TRUE(until([&] { return client.closed; }));

  TestClient& other = connect();
  TestExchange& cut = other.start();
  cut.get();
  ASSERT_TRUE(until([&] { return server_.requests.size() == 2 && server_.requests[1]->ended; }));
  server_.requests[1]->stream->abort();
  server_.requests[1]->stream = nullptr;
  ASSERT_TRUE(until([&] { return cut.closed; }));
  EXPECT_EQ(cut.how.end, StreamEnd::kPeerReset);
  EXPECT_EQ(cut.how.retry, base::Retry::kNever);  // it was sent, on a fresh connection
}

TEST_P(BothTest, DrainFinishesWhatIsUnderWay) {
  TestClient& client = connect();
  TestExchange& exchange = client.start();
  exchange.get();
  ASSERT_TRUE(until([&] { return !server_.requests.empty() && server_.requests[0]->ended; }));
  server_.connections[0]->drain();
  loop_.pass(milliseconds(2));
  server_.requests[0]->respond("last");
  ASSERT_TRUE(until([&] { return client.closed; }));
  EXPECT_EQ(exchange.body, "last");
  EXPECT_THAT(exchange.fields, HasSubstr("Connection:close;"));
  EXPECT_EQ(exchange.how.end, StreamEnd::kComplete);
  EXPECT_EQ(client.idles, 0);
}

TEST_P(BothTest, DrainClosesAnIdleConnection) {
  answer_all();
  TestClient& client = connect();
  client.start().get();
  ASSERT_TRUE(until([&] { return client.idles == 1; }));
  ASSERT_TRUE(until([&] { return server_.requests[0]->closed; }));
  server_.connections[0]->drain();
  ASSERT_TRUE(until([&] { return client.closed; }));
  EXPECT_EQ(client.unusables, 1);
}

TEST_P(BothTest, ShutCuts) {
  TestClient& client = connect();
  TestExchange& exchange = client.start();
  exchange.get();
  ASSERT_TRUE(until([&] { return !server_.requests.empty() && server_.requests[0]->ended; }));
  server_.connections[0]->shut();
  EXPECT_TRUE(server_.requests[0]->closed);
  EXPECT_EQ(server_.requests[0]->how.end, StreamEnd::kShutdown);
  ASSERT_TRUE(until([&] { return client.closed; }));
  EXPECT_EQ(exchange.how.end, StreamEnd::kPeerReset);
}

TEST_P(BothTest, AnEndGivenAfterEverythingWasSent) {
  TestClient& client = connect();
  TestExchange& exchange = client.start();
  exchange.send("POST", "/", BodyLength::known(4));
  exchange.stream->send_data(base::Slice::of_static("body"));
  ASSERT_TRUE(until([&] { return exchange.sent == 4; }));
  exchange.stream->send_end();
  ASSERT_TRUE(until([&] { return !server_.requests.empty() && server_.requests[0]->ended; }));
  TestRequest& request = *server_.requests[0];
  request.stream->send_head(
      {.status = 200, .reason = {}, .fields = {}, .body = BodyLength::known(2)});
  request.stream->send_data(base::Slice::of_static("ok"));
  ASSERT_TRUE(until([&] { return request.sent == 2; }));
  EXPECT_FALSE(request.closed);
  request.stream->send_end();
  EXPECT_FALSE(request.closed);  // never inside the call
  ASSERT_TRUE(until([&] { return request.closed && exchange.closed; }));
  EXPECT_EQ(request.how.end, StreamEnd::kComplete);
  EXPECT_EQ(client.idles, 1);
}

INSTANTIATE_TEST_SUITE_P(Engines, BothTest,
                         testing::Values(TestLoop::Engine::kMemory, TestLoop::Engine::kEpoll),
                         [](const auto& engine) {
                           return engine.param == TestLoop::Engine::kMemory ? "Memory" : "Epoll";
                         });

}  // namespace
}  // namespace giliran::conn
