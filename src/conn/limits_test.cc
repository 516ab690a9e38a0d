// What bounds a connection of a client, when exactly, and what it answers by itself.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "conn/test_connections.h"

namespace giliran::conn {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr const char* kGet = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
constexpr const char* kPost = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n";
constexpr base::Duration kExact = milliseconds(100);

class LimitsTest : public ConnectionTest {
 protected:
  base::Instant now() { return loop_.io().now(); }
  // The time from `began` until the predicate holds.
  template <typename Predicate>
  base::Duration until_after(base::Instant began, Predicate predicate) {
    EXPECT_TRUE(loop_.until(predicate));
    return now() - began;
  }
  void expect_about(base::Duration took, base::Duration wanted) {
    EXPECT_GE(took, wanted);
    EXPECT_LE(took, wanted + kExact);
  }
};

TEST_F(LimitsTest, RequestsOfAConnection) {
  server_.options.requests_max = 3;
  answer_all();
  net::TestPeer& peer = dial();
  peer.send(std::string(kGet) + kGet + kGet + kGet);  // the fourth is too many
  ASSERT_TRUE(until([&] { return peer.ended; }));
  EXPECT_EQ(server_.requests.size(), 3U);
  const size_t close = peer.incoming.find("Connection: close\r\n");
  ASSERT_NE(close, std::string::npos);
  EXPECT_EQ(peer.incoming.find("HTTP/1.1", close), std::string::npos);  // in the last one
  EXPECT_THAT(peer.incoming, EndsWith("hi"));
}

TEST_F(LimitsTest, ABodyThatIsTooSlow) {
  server_.options.body_rate_min = 100;
  server_.options.body_rate_grace = seconds(20);
  net::TestPeer& peer = dial();
  peer.send(kPost);
  loop_.pass(milliseconds(1));
  const base::Instant began = now();
  peer.send(std::string(2'500, 'x'));  // good for 25 s
  for (int i = 0; i < 4; ++i) {
    loop_.pass(seconds(6));
    peer.send("x");
  }
  EXPECT_FALSE(server_.requests[0]->closed);
  const auto took = until_after(began, [&] { return server_.requests[0]->closed; });
  expect_about(took, seconds(25));
  EXPECT_EQ(server_.requests[0]->how.end, StreamEnd::kBodyTooSlow);
  EXPECT_EQ(server_.requests[0]->how.answered, 408);
  ASSERT_TRUE(until([&] { return peer.ended; }));
  EXPECT_THAT(peer.incoming, StartsWith("HTTP/1.1 408"));
  EXPECT_THAT(peer.incoming, EndsWith("body-too-slow\n"));
}

TEST_F(LimitsTest, WithinItsGraceABodyMayBeSlow) {
  server_.options.body_rate_min = 100;
  server_.options.body_rate_grace = seconds(20);
  net::TestPeer& peer = dial();
  peer.send(kPost);
  const base::Instant began = now();
  const auto took =
      until_after(began, [&] { return !server_.requests.empty() && server_.requests[0]->closed; });
  expect_about(took, seconds(20));
}

TEST_F(LimitsTest, ABodyThatIsFastEnough) {
  server_.options.body_rate_min = 100;
  server_.options.body_rate_grace = seconds(2);
  net::TestPeer& peer = dial();
  peer.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 6000\r\n\r\n");
  for (int i = 0; i < 50; ++i) {
    peer.send(std::string(120, 'x'));
    loop_.pass(seconds(1));
  }
  EXPECT_TRUE(server_.requests[0]->ended);
}

TEST_F(LimitsTest, TimeInWhichWeDoNotReadIsNotTheClients) {
  server_.options.body_rate_min = 100;
  server_.options.body_rate_grace = seconds(10);
  server_.options.window_bytes = 100;
  server_.on_request_begin = [](TestRequest& r) { r.consume_at_once = false; };
  net::TestPeer& peer = dial();
  peer.send(kPost + std::string(100, 'x'));
  ASSERT_TRUE(
      until([&] { return !server_.requests.empty() && server_.requests[0]->given == 100; }));
  loop_.pass(seconds(500));
  EXPECT_FALSE(server_.requests[0]->closed);
  const base::Instant resumed = now();
  server_.requests[0]->stream->consume(100);
  const auto took = until_after(resumed, [&] { return server_.requests[0]->closed; });
  EXPECT_GE(took, seconds(9));
  EXPECT_LE(took, seconds(10) + kExact);
  EXPECT_EQ(server_.requests[0]->how.end, StreamEnd::kBodyTooSlow);
}

TEST_F(LimitsTest, AClientThatWaitsForTheContinueIsNotSlow) {
  server_.options.body_rate_min = 100;
  server_.options.body_rate_grace = seconds(10);
  server_.options.body_timeout = seconds(15);
  net::TestPeer& peer = dial();
  peer.send("POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 9000\r\n\r\n");
  loop_.pass(seconds(9));
  ASSERT_EQ(server_.requests.size(), 1U);
  server_.requests[0]->stream->send_interim(100, {});
  const auto took = until_after(now(), [&] { return server_.requests[0]->closed; });
  expect_about(took, seconds(10));
}

TEST_F(LimitsTest, AnswersWhileABodyComesAreNoSlowness) {
  // Both ways at once, for long: nothing is slow as long as something moves.
  server_.options.body_rate_min = 100;
  server_.options.body_rate_grace = seconds(5);
  server_.on_request_begin = [](TestRequest& r) {
    r.stream->send_head({.status = 200, .reason = {}, .fields = {}, .body = BodyLength::unknown()});
  };
  net::TestPeer& peer = dial();
  peer.send(kPost);
  loop_.pass(milliseconds(10));
  base::Instant moved = now();
  for (int i = 0; i < 5; ++i) {
    loop_.pass(seconds(20));
    server_.requests[0]->say("x");
    moved = now();
  }
  EXPECT_FALSE(server_.requests[0]->closed);
  const auto took = until_after(moved, [&] { return server_.requests[0]->closed; });
  expect_about(took, seconds(30));
  EXPECT_EQ(server_.requests[0]->how.end, StreamEnd::kBodyTimeout);
}

TEST_F(LimitsTest, ABodyThatStopsWhileWeHaveAnsweredIsNoMatter) {
  // The answer is complete and the client reads it slowly: it must get all of it.
  server_.options.body_timeout = seconds(3);
  const std::string down(500'000, 'x');
  server_.on_request_begin = [&](TestRequest& r) { r.respond(down, 413); };
  net::TestPeer& peer = dial(false);
  peer.send(kPost);
  for (int i = 0; i < 60; ++i) {
    loop_.pass(seconds(4));
    if (!peer.ended && !loop_.io().receiving(peer.socket)) peer.receive();
  }
  EXPECT_THAT(peer.incoming, EndsWith(down));
  EXPECT_EQ(server_.requests[0]->how.end, StreamEnd::kComplete);
}

TEST_F(LimitsTest, TimeOutsAreExact) {
  server_.options = {.limits = {},
                     .head_timeout = milliseconds(700),
                     .idle_timeout = milliseconds(1300),
                     .body_timeout = milliseconds(900),
                     .write_timeout = milliseconds(1100)};
  net::TestPeer& idle = dial();
  const base::Instant accepted = now();
  net::TestPeer& head = dial();
  head.send("GET");
  expect_about(until_after(now(), [&] { return head.ended; }), milliseconds(700));
  expect_about(until_after(accepted, [&] { return idle.ended; }), milliseconds(1300));

  net::TestPeer& body = dial();
  body.send(kPost);
  loop_.pass(milliseconds(800));
  body.send("x");
  const base::Instant last = now();
  expect_about(until_after(last, [&] { return server_.requests[0]->closed; }), milliseconds(900));

  // A reader that stops, just after it took something and just before the time-out was due.
  const std::string down(1'000'000, 'x');
  answer_all(down);
  net::TestPeer& reader = dial(false);
  reader.send(kGet);
  ASSERT_TRUE(until([&] { return server_.requests.size() == 2 && server_.requests[1]->ended; }));
  TestRequest& request = *server_.requests[1];
  loop_.pass(milliseconds(1000));
  for (int i = 0; i < 2; ++i) {  // half of the window opens
    reader.receive();
    loop_.pass(milliseconds(1));
  }
  const uint64_t taken = request.stream->facts().bytes_out;
  EXPECT_GT(taken, 65'536U);
  const base::Instant moved = now() - milliseconds(2);
  const auto took = until_after(moved, [&] { return request.closed; });
  expect_about(took, milliseconds(1100));
  EXPECT_EQ(request.how.end, StreamEnd::kWriteTimeout);
  EXPECT_EQ(request.facts.bytes_out, taken);
}

TEST_F(LimitsTest, AReaderThatStopsIsNotHelpedByWhatItSends) {
  server_.options.write_timeout = seconds(5);
  const std::string down(1'000'000, 'x');
  server_.on_request_begin = [&](TestRequest& r) {
    r.stream->send_head({.status = 200, .reason = {}, .fields = {}, .body = BodyLength::unknown()});
    r.say(down);
  };
  net::TestPeer& peer = dial(false);
  peer.send(kPost);
  ASSERT_TRUE(until([&] { return !server_.requests.empty(); }));
  const base::Instant began = now();
  while (!server_.requests[0]->closed && now() - began < seconds(20)) {
    if (!loop_.io().sending(peer.socket)) peer.send("x");
    loop_.pass(milliseconds(50));
  }
  EXPECT_EQ(server_.requests[0]->how.end, StreamEnd::kWriteTimeout);
  EXPECT_LE(now() - began, seconds(5) + kExact);
}

TEST_F(LimitsTest, ACutAnswerCountsWhatTheKernelHasTaken) {
  const std::string down(1'000'000, 'x');
  answer_all(down);
  for (const bool shut : {true, false}) {
    net::TestPeer& peer = dial(false);
    const size_t before = server_.requests.size();
    peer.send(kGet);
    ASSERT_TRUE(until([&] { return server_.requests.size() > before; }));
    loop_.pass(milliseconds(10));
    TestRequest& request = *server_.requests.back();
    EXPECT_GE(request.stream->facts().bytes_out, 65'536U);
    if (shut) {
      request.connection->shut();
      EXPECT_GE(request.facts.bytes_out, 65'536U);
      EXPECT_LT(request.facts.bytes_out, down.size());
    } else {
      request.stream->abort();
      request.stream = nullptr;
    }
  }
}

// --- answers of its own ---

TEST_F(LimitsTest, TheHandlerWordsTheAnswers) {
  server_.own = {.content_type = "text/html",
                 .body = "<p>no</p>",
                 .proxy_status = "giliran; error=http_request_error"};
  net::TestPeer& bad = dial();
  bad.send("bad\r\n\r\n");
  ASSERT_TRUE(until([&] { return bad.ended; }));
  EXPECT_EQ(bad.incoming,
            "HTTP/1.1 400 Bad Request\r\nContent-Type: text/html\r\n"
            "Proxy-Status: giliran; error=http_request_error\r\nContent-Length: 9\r\n"
            "Connection: close\r\n\r\n<p>no</p>");
  server_.own = {.proxy_status = "giliran"};
  net::TestPeer& slow = dial();
  slow.send(kPost);
  ASSERT_TRUE(until([&] { return slow.ended; }));
  EXPECT_THAT(slow.incoming, HasSubstr("\r\nProxy-Status: giliran\r\n"));
  EXPECT_THAT(slow.incoming, EndsWith("\r\n\r\nRequest Timeout: body-timeout\n"));
  server_.own = {};
  net::TestPeer& usual = dial();
  usual.send("bad\r\n\r\n");
  ASSERT_TRUE(until([&] { return usual.ended; }));
  EXPECT_THAT(usual.incoming, Not(HasSubstr("Proxy-Status")));
  EXPECT_THAT(server_.own_answers, ElementsAre(400, 408, 400));
}

TEST_F(LimitsTest, NothingIsWordedWhereNothingIsAnswered) {
  net::TestPeer& gone = dial();
  gone.send("GET / HT");
  gone.on_done = [&] { gone.close(); };
  ASSERT_TRUE(until([&] { return server_.refused.size() == 1; }));
  EXPECT_TRUE(server_.own_answers.empty());
}

}  // namespace
}  // namespace giliran::conn
