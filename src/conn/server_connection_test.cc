// The server's side against a client that a test scripts byte by byte, in virtual time.
#include "conn/server_connection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "conn/test_connections.h"

namespace giliran::conn {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

constexpr const char* kGet = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

class ServerConnectionTest : public ConnectionTest {
 protected:
  base::Duration since(base::Instant t) { return loop_.io().now() - t; }
  base::Instant now() { return loop_.io().now(); }
  void expect_refused(StreamEnd end, uint16_t status) {
    ASSERT_EQ(server_.refused.size(), 1U);
    EXPECT_EQ(name(server_.refused[0].why.end), name(end));
    EXPECT_EQ(server_.refused[0].status, status);
    EXPECT_EQ(server_.requests.size(), 0U);
  }
};

TEST_F(ServerConnectionTest, BadRequestsAreRefusedWithTheirStatus) {
  const std::pair<std::string, int> cases[] = {
      {"GET / HTTP/1.1\r\n\r\n", 400},
      {"GET / HTTP/2.0\r\nHost: h\r\n\r\n", 505},
      {"GET /" + std::string(9000, 'a') + " HTTP/1.1\r\nHost: h\r\n\r\n", 414},
      {"GET / HTTP/1.1\r\nHost: h\r\nA: " + std::string(20'000, 'a') + "\r\n\r\n", 431},
      {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501},
      {"\x16\x03\x01 hello TLS\r\n\r\n", 400}};
  for (const auto& [text, status] : cases) {
    server_.refused.clear();
    net::TestPeer& peer = dial();
    peer.send(text);
    ASSERT_TRUE(until([&] { return peer.ended; })) << status;
    EXPECT_THAT(peer.incoming, StartsWith("HTTP/1.1 " + std::to_string(status)));
    EXPECT_THAT(peer.incoming, HasSubstr("Connection: close\r\n"));
    expect_refused(StreamEnd::kBadMessage, static_cast<uint16_t>(status));
    EXPECT_THAT(text, StartsWith(server_.refused[0].bytes));
    peer.close();
  }
}

TEST_F(ServerConnectionTest, TheAnswerToWhatIsRefusedIsNotLostToAReset) {
  net::TestPeer& peer = dial();
  peer.send("GET / HTTP/1.1\r\n\r\n" + std::string(200'000, 'x'));
  ASSERT_TRUE(until([&] { return peer.ended; }));
  EXPECT_THAT(peer.incoming, StartsWith("HTTP/1.1 400"));
  loop_.pass(seconds(1));
  EXPECT_EQ(peer.receive_error, 0);
  EXPECT_EQ(peer.send_error, 0);
  EXPECT_EQ(server_.open(), 1U);  // lingers for the client
  peer.close();
  ASSERT_TRUE(until([&] { return server_.open() == 0; }));
}

TEST_F(ServerConnectionTest, LingeringIsBounded) {
  net::TestPeer& peer = dial();
  peer.send("GET / HTTP/1.1\r\n\r\n");
  ASSERT_TRUE(until([&] { return peer.ended; }));
  const base::Instant began = now();
  // Goes on talking.
  while (server_.open() != 0 && since(began) < seconds(10)) {
    if (!loop_.io().sending(peer.socket)) peer.send("x");
    loop_.pass(milliseconds(100));
  }
  EXPECT_LT(since(began), seconds(3));
}

TEST_F(ServerConnectionTest, AHeadThatDoesNotComeToItsEnd) {
  net::TestPeer& peer = dial();
  peer.send("GET / HTTP/1.1\r\nA: ");
  const base::Instant began = now();
  for (int i = 0; i < 8; ++i) {  // a byte now and then does not help
    loop_.pass(seconds(1));
    peer.send("T");
  }
  ASSERT_TRUE(until([&] { return peer.ended; }));
  EXPECT_THAT(peer.incoming, StartsWith("HTTP/1.1 408"));
  expect_refused(StreamEnd::kHeadTimeout, 408);
  EXPECT_GE(since(began), seconds(9));
  EXPECT_LE(since(began), seconds(11));
}

TEST_F(ServerConnectionTest, AnIdleConnectionIsClosed) {
  answer_all();
  net::TestPeer& silent = dial();
  net::TestPeer& used = dial();
  loop_.pass(seconds(50));
  used.send(kGet);
  const base::Instant answered = now();
  ASSERT_TRUE(until([&] { return silent.ended; }));
  ASSERT_TRUE(until([&] { return used.ended; }));
  EXPECT_GE(since(answered), seconds(59));
  EXPECT_LE(since(answered), seconds(61));
  EXPECT_EQ(server_.refused.size(), 0U);
}

TEST_F(ServerConnectionTest, ABodyThatStops) {
  net::TestPeer& peer = dial();
  peer.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n");
  for (int i = 0; i < 5; ++i) {  // slow is not stopped
    loop_.pass(seconds(20));
    peer.send("x");
  }
  const base::Instant began = now();
  ASSERT_TRUE(until([&] { return peer.ended; }));
  EXPECT_GE(since(began), seconds(29));
  EXPECT_LE(since(began), seconds(31));
  EXPECT_THAT(peer.incoming, StartsWith("HTTP/1.1 408"));
  EXPECT_EQ(server_.requests[0]->how.end, StreamEnd::kBodyTimeout);
  EXPECT_EQ(server_.requests[0]->how.answered, 408);
  EXPECT_EQ(server_.requests[0]->body, "xxxxx");
}

TEST_F(ServerConnectionTest, AHandlerThatIsSlowIsNoTimeOut) {
  server_.on_request_end = [](TestRequest&) {};
  net::TestPeer& peer = dial();
  peer.send(kGet);
  loop_.pass(seconds(300));
  EXPECT_FALSE(server_.requests[0]->closed);
  server_.requests[0]->respond("late");
  ASSERT_TRUE(until([&] { return peer.incoming.ends_with("late"); }));
}

TEST_F(ServerConnectionTest, AReaderThatStopsAndOneThatIsSlow) {
  const std::string down(4'000'000, 'x');
  answer_all(down);
  net::TestPeer& slow = dial(false);
  slow.send(kGet);
  const base::Instant began = now();
  while (since(began) < seconds(200)) {
    slow.receive();
    loop_.pass(seconds(5));
    ASSERT_FALSE(loop_.io().receiving(slow.socket));
  }
  EXPECT_FALSE(server_.requests[0]->closed);
  // Now it stops.
  const base::Instant stopped = now();
  ASSERT_TRUE(until([&] { return server_.requests[0]->closed; }));
  EXPECT_EQ(server_.requests[0]->how.end, StreamEnd::kWriteTimeout);
  EXPECT_GE(since(stopped), seconds(15));
  EXPECT_LE(since(stopped), seconds(31));
}

TEST_F(ServerConnectionTest, ABadBody) {
  net::TestPeer& peer = dial();
  peer.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcX");
  ASSERT_TRUE(until([&] { return peer.ended; }));
  EXPECT_THAT(peer.incoming, StartsWith("HTTP/1.1 400"));
  EXPECT_EQ(server_.requests[0]->how.end, StreamEnd::kBadMessage);
  EXPECT_EQ(server_.requests[0]->how.problem, wire::http1::Problem::kBadChunk);
}

TEST_F(ServerConnectionTest, ABadBodyAfterTheAnswerBegan) {
  server_.on_request_begin = [](TestRequest& r) {
    r.stream->send_head({.status = 200, .reason = {}, .fields = {}, .body = BodyLength::unknown()});
  };
  net::TestPeer& peer = dial();
  peer.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc");
  ASSERT_TRUE(until([&] { return peer.incoming.ends_with("\r\n\r\n"); }));
  peer.send("X");
  ASSERT_TRUE(until([&] { return server_.open() == 0; }));
  EXPECT_EQ(server_.requests[0]->how.answered, 0);
  ASSERT_TRUE(until([&] { return peer.receive_error != 0; }));
}

TEST_F(ServerConnectionTest, AClientThatEndsInTheMiddle) {
  for (const bool reset : {false, true}) {
    SCOPED_TRACE(reset);
    server_.requests.clear();
    server_.refused.clear();
    net::TestPeer& head = dial();
    head.send("GET / HT");
    net::TestPeer& body = dial();
    body.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nhalf");
    loop_.pass(milliseconds(10));
    for (net::TestPeer* peer : {&head, &body}) {
      peer->close(reset ? net::CloseMode::kReset : net::CloseMode::kGraceful);
    }
    ASSERT_TRUE(until([&] { return server_.open() == 0; }));
    ASSERT_EQ(server_.refused.size(), 1U);
    const StreamEnd end = reset ? StreamEnd::kPeerReset : StreamEnd::kPeerClosed;
    EXPECT_EQ(name(server_.refused[0].why.end), name(end));
    EXPECT_EQ(server_.refused[0].status, 0);
    EXPECT_EQ(server_.refused[0].bytes, "GET / HT");
    ASSERT_EQ(server_.requests.size(), 1U);
    EXPECT_EQ(name(server_.requests[0]->how.end), name(end));
  }
}

TEST_F(ServerConnectionTest, AHalfCloseDoesNotCancel) {
  server_.on_request_end = [](TestRequest&) {};
  net::TestPeer& peer = dial();
  peer.send(std::string(kGet) + kGet);
  ASSERT_TRUE(until([&] { return !loop_.io().sending(peer.socket); }));
  loop_.io().shutdown_send(peer.socket);
  for (size_t i = 0; i < 2; ++i) {
    ASSERT_TRUE(until([&] { return server_.requests.size() == i + 1; }));
    loop_.pass(milliseconds(5));
    server_.requests[i]->respond("hi");
  }
  ASSERT_TRUE(until([&] { return peer.ended; }));
  EXPECT_THAT(peer.incoming, EndsWith("hi"));
  EXPECT_EQ(server_.requests[1]->how.end, StreamEnd::kComplete);
}

TEST_F(ServerConnectionTest, AnswersGivenInlineDoNotRecurse) {
  server_.on_request_begin = [](TestRequest& r) { r.respond("x"); };
  net::TestPeer& peer = dial();
  std::string text;
  for (int i = 0; i < 5000; ++i) text += kGet;
  peer.send(text);
  ASSERT_TRUE(until([&] { return server_.requests.size() == 5000; }));
  ASSERT_TRUE(until([&] { return server_.requests.back()->closed; }));
}

TEST_F(ServerConnectionTest, CloseAsked) {
  server_.on_request_end = [](TestRequest& r) {
    r.stream->send_head({.status = 200,
                         .reason = {},
                         .fields = {},
                         .body = BodyLength::known(2),
                         .close = r.target == "/close"});
    r.stream->send_data(base::Slice::of_static("hi"));
    r.stream->send_end();
  };
  for (const char* text : {"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
                           "GET /close HTTP/1.1\r\nHost: h\r\n\r\n"}) {
    net::TestPeer& peer = dial();
    peer.send(text);
    ASSERT_TRUE(until([&] { return peer.ended; }));
    EXPECT_THAT(peer.incoming, HasSubstr("Connection: close\r\n"));
    EXPECT_THAT(peer.incoming, EndsWith("hi"));
  }
}

TEST_F(ServerConnectionTest, ShutInEveryState) {
  server_.on_request_end = [](TestRequest&) {};
  dial();  // idle
  dial().send("GET /");
  dial().send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nhalf");
  dial().send(kGet);
  dial().send("bad\r\n\r\n");  // lingering
  dial(false).send(kGet);      // a response on its way
  loop_.pass(milliseconds(20));
  ASSERT_EQ(server_.requests.size(), 3U);
  const std::string big(1'000'000, 'x');
  server_.requests[2]->respond(big);
  loop_.pass(milliseconds(20));
  for (const auto& c : server_.connections) c->shut();
  for (const auto& c : server_.connections) c->shut();  // twice does nothing
  ASSERT_TRUE(until([&] { return server_.open() == 0; }));
  for (const auto& r : server_.requests) EXPECT_EQ(r->how.end, StreamEnd::kShutdown);
  ASSERT_EQ(server_.refused.size(), 2U);
  EXPECT_EQ(server_.refused[1].why.end, StreamEnd::kShutdown);
  EXPECT_EQ(server_.refused[1].status, 0);
}

TEST_F(ServerConnectionTest, DrainInEveryState) {
  server_.on_request_end = [](TestRequest&) {};
  net::TestPeer& idle = dial();
  net::TestPeer& head = dial();
  head.send("GET / HTTP/1.1\r\n");
  net::TestPeer& asked = dial();
  asked.send(kGet);
  loop_.pass(milliseconds(20));
  for (const auto& c : server_.connections) c->drain();
  ASSERT_TRUE(until([&] { return idle.ended; }));
  head.send("Host: h\r\n\r\n");
  ASSERT_TRUE(until([&] { return server_.requests.size() == 2; }));
  for (const auto& r : server_.requests) r->respond("hi");
  ASSERT_TRUE(until([&] { return head.ended && asked.ended; }));
  for (const net::TestPeer* peer : {&head, &asked}) {
    EXPECT_THAT(peer->incoming, HasSubstr("Connection: close\r\n"));
    EXPECT_THAT(peer->incoming, EndsWith("hi"));
  }
}

TEST_F(ServerConnectionTest, DrainWaitsForTheFirstRequestOfWhoHasJustConnected) {
  server_.on_request_end = [](TestRequest& r) { r.respond("hi"); };
  net::TestPeer& late = dial();
  net::TestPeer& silent = dial();
  net::TestPeer& used = dial();
  used.send(kGet);
  ASSERT_TRUE(until([&] { return used.incoming.ends_with("hi"); }));
  for (const auto& c : server_.connections) c->drain();
  const base::Instant began = now();
  ASSERT_TRUE(until([&] { return used.ended; })) << "it may close between two requests";
  EXPECT_LT(since(began), milliseconds(500));
  loop_.pass(milliseconds(300));
  late.send(kGet);
  ASSERT_TRUE(until([&] { return late.ended; }));
  EXPECT_THAT(late.incoming, HasSubstr("Connection: close\r\n"));
  EXPECT_THAT(late.incoming, EndsWith("hi"));
  ASSERT_TRUE(until([&] { return silent.ended; }));
  EXPECT_LT(since(began), seconds(3));
}

TEST_F(ServerConnectionTest, DrainAfterTheHeadHasGoneOut) {
  server_.on_request_end = [](TestRequest& r) {
    r.stream->send_head({.status = 200, .reason = {}, .fields = {}, .body = BodyLength::known(2)});
  };
  net::TestPeer& peer = dial();
  peer.send(kGet);
  ASSERT_TRUE(until([&] { return peer.incoming.ends_with("\r\n\r\n"); }));
  server_.connections[0]->drain();
  server_.requests[0]->stream->send_data(base::Slice::of_static("hi"));
  server_.requests[0]->stream->send_end();
  const base::Instant began = now();
  ASSERT_TRUE(until([&] { return peer.ended; }));
  EXPECT_THAT(peer.incoming, EndsWith("hi"));
  EXPECT_LT(since(began), seconds(1));
}

TEST_F(ServerConnectionTest, AnAnswerTheKernelHasNotIsTakenBack) {
  server_.on_request_end = [](TestRequest& r) {
    EXPECT_TRUE(r.stream->take_back());  // nothing was said
    r.respond("never seen");
    EXPECT_FALSE(r.stream->answer_sent());
    EXPECT_TRUE(r.stream->take_back());
    r.respond("seen", 502);
  };
  net::TestPeer& peer = dial();
  for (int i = 0; i < 2; ++i) {
    peer.incoming.clear();
    peer.send(kGet);
    ASSERT_TRUE(until([&] { return peer.incoming.ends_with("seen"); }));
    EXPECT_THAT(peer.incoming, StartsWith("HTTP/1.1 502"));
    EXPECT_THAT(peer.incoming, Not(HasSubstr("never")));
    ASSERT_TRUE(until([&] { return server_.requests.back()->closed; }));
    EXPECT_EQ(server_.requests.back()->facts.bytes_out, peer.incoming.size());
  }
}

TEST_F(ServerConnectionTest, WhatTheKernelHasIsNotTakenBack) {
  server_.on_request_end = [](TestRequest& r) {
    r.stream->send_interim(103, {});
    r.stream->send_head({.status = 200, .reason = {}, .fields = {}, .body = BodyLength::known(4)});
    r.stream->send_data(base::Slice::of_static("ha"));
  };
  net::TestPeer& peer = dial();
  peer.send(kGet);
  ASSERT_TRUE(until([&] { return peer.incoming.ends_with("ha"); }));
  ServerStream& stream = *server_.requests[0]->stream;
  EXPECT_TRUE(stream.answer_sent());
  EXPECT_FALSE(stream.take_back());
  stream.send_data(base::Slice::of_static("lf"));
  stream.send_end();
  ASSERT_TRUE(until([&] { return peer.incoming.ends_with("half"); }));
}

TEST_F(ServerConnectionTest, AbortInsideEveryEvent) {
  for (const int where : {0, 1, 2}) {
    SCOPED_TRACE(where);
    const auto abort = [](TestRequest& r) {
      r.stream->abort();
      r.stream = nullptr;
    };
    server_.on_request_begin = [&, where](TestRequest& r) {
      r.consume_at_once = false;
      if (where == 0) return abort(r);
      if (where == 1) r.on_data = abort;
      if (where == 2) r.on_end = abort;
    };
    const size_t before = server_.requests.size();
    net::TestPeer& peer = dial();
    peer.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc" + std::string(kGet));
    ASSERT_TRUE(until([&] { return peer.receive_error != 0; }));
    EXPECT_EQ(server_.requests.size(), before + 1);
    EXPECT_FALSE(server_.requests.back()->closed);
    ASSERT_TRUE(until([&] { return server_.open() == 0; }));
  }
}

}  // namespace
}  // namespace giliran::conn
