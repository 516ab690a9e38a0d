// Servers that keep failing are left out; and what our own answers say about who is to blame.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/test_world.h"

namespace giliran::proxy {
namespace {

using Reach = net::MemoryWorld::Reach;
using std::chrono::milliseconds;
using std::chrono::seconds;

class MarksTest : public ProxyTest {
 protected:
  void begin(size_t servers, uint32_t after = 3) {
    pool_config_.mark_down_after = after;
    start(servers);
  }
  void closes(TestServer& server) {
    server.on_request = [](net::TestPeer& peer, const std::string&) { peer.close(); };
  }
  // Sends a head and cuts the body.
  void cuts(TestServer& server) {
    server.on_request = [](net::TestPeer& peer, const std::string&) {
      peer.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf");
      peer.on_done = [&peer] { peer.close(); };
    };
  }
  void answers(TestServer& server) {
    server.on_request = [](net::TestPeer& peer, const std::string&) {
      peer.on_done = {};
      peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
    };
  }
};

TEST_F(MarksTest, FailuresInARowLeaveAServerOut) {
  begin(2);
  closes(*servers_[0]);
  for (int i = 0; i < 20; ++i) get();
  EXPECT_EQ(servers_[0]->requests.size(), 3U);
  EXPECT_EQ(notices_, "s0 down ");
  EXPECT_EQ(trouble_, "closes connections before its answer is whole");
  EXPECT_FALSE(alone_);
  EXPECT_EQ(members_[0]->worker->counts().failed, 0U);  // the other was asked each time
}

TEST_F(MarksTest, AnAnswerBetweenThemEndsTheRow) {
  begin(2);
  servers_[0]->on_request = [n = 0](net::TestPeer& peer, const std::string&) mutable {
    if (++n % 3 != 0) return peer.close();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
  };
  for (int i = 0; i < 40; ++i) get();
  EXPECT_GE(servers_[0]->requests.size(), 20U);
  EXPECT_EQ(notices_, "");
}

// A head is no answer.
TEST_F(MarksTest, AnswersThatAreCutAreFailures) {
  begin(2);
  cuts(*servers_[0]);
  for (int i = 0; i < 20; ++i) get();
  EXPECT_EQ(servers_[0]->requests.size(), 3U);
  EXPECT_EQ(notices_, "s0 down ");
}

TEST_F(MarksTest, NoAnswerInTimeIsAFailure) {
  options_.response_timeout = milliseconds(100);
  begin(2);
  servers_[0]->on_request = [](net::TestPeer&, const std::string&) {};
  for (int i = 0; i < 10; ++i) get();
  EXPECT_EQ(servers_[0]->requests.size(), 3U);
  EXPECT_EQ(notices_, "s0 down ");
}

TEST_F(MarksTest, TheLastOneIsNever) {
  begin(2);
  closes(*servers_[0]);
  closes(*servers_[1]);
  for (int i = 0; i < 20; ++i) EXPECT_THAT(get(), StartsWith("HTTP/1.1 502"));
  EXPECT_EQ(notices_, "s0 down s1 kept ");
  EXPECT_GE(servers_[0]->requests.size() + servers_[1]->requests.size(), 20U);
}

// It stays in use, and says so: once, and when it is over.
TEST_F(MarksTest, APoolOfOneThatFailsSaysSo) {
  pool_config_.mark_down_on_5xx = true;
  begin(1);
  servers_[0]->answer = "HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n";
  for (int i = 0; i < 2; ++i) get();
  EXPECT_EQ(notices_, "");
  for (int i = 0; i < 10; ++i) get();
  EXPECT_EQ(notices_, "s0 kept ");
  EXPECT_EQ(trouble_, "answers 500");
  EXPECT_EQ(servers_[0]->requests.size(), 12U);
  servers_[0]->answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
  get();
  EXPECT_EQ(notices_, "s0 kept s0 up ");
}

// Rows of failures that come and go fill no screen: "stays in use" at most once in ten seconds, and
// "is back" only after it.
TEST_F(MarksTest, APoolOfOneThatFailsNowAndThenSaysSoSeldom) {
  begin(1);
  const auto fail_and_answer = [this] {
    closes(*servers_[0]);
    for (int i = 0; i < 6; ++i) get();
    answers(*servers_[0]);
    get();
  };
  for (int i = 0; i < 20; ++i) fail_and_answer();
  EXPECT_EQ(notices_, "s0 kept s0 up ");
  closes(*servers_[0]);  // and now for good: told as soon as it may be
  for (int i = 0; i < 6; ++i) get();
  EXPECT_EQ(notices_, "s0 kept s0 up ");
  world_.run_for(seconds(10));
  for (int i = 0; i < 6; ++i) get();
  EXPECT_EQ(notices_, "s0 kept s0 up s0 kept ");
}

TEST_F(MarksTest, APoolOfOneThatCannotBeConnectedSaysSo) {
  begin(1);
  world_.set_reach(servers_[0]->address, Reach::kRefused);
  get();
  EXPECT_EQ(notices_, "s0 down ");
  EXPECT_EQ(trouble_, "refuses connections");
  EXPECT_TRUE(alone_);
}

TEST_F(MarksTest, EachCauseHasItsWords) {
  options_.response_timeout = milliseconds(100);
  options_.body_timeout = milliseconds(100);
  options_.connect_timeout = milliseconds(100);
  begin(2, 1);
  TestServer& server = *servers_[0];
  const auto expect = [&](const char* words) {
    trouble_.clear();
    world_.run_for(seconds(20));  // in which it is tried again
    for (int i = 0; i < 4; ++i) get();
    EXPECT_THAT(trouble_, StartsWith(words));
  };
  closes(server);
  expect("closes connections before its answer is whole");
  server.on_request = [](net::TestPeer& peer, const std::string&) {
    peer.close(net::CloseMode::kReset);
  };
  expect("resets connections before its answer is whole");
  server.on_request = [](net::TestPeer&, const std::string&) {};
  expect("does not answer in time");
  server.on_request = [](net::TestPeer& peer, const std::string&) {
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf");
  };
  expect("stops in the middle of an answer");
  server.on_request = [](net::TestPeer& peer, const std::string&) {
    peer.send("nonsense\r\n\r\n");
  };
  expect("gives answers that cannot be read (bad-");
  world_.set_reach(server.address, Reach::kSilent);
  expect("does not connect in time");
  world_.set_reach(server.address, Reach::kRefused);
  expect("refuses connections");
}

TEST_F(MarksTest, UpAgainByAnAnswerNotByAConnection) {
  begin(2);
  closes(*servers_[0]);
  for (int i = 0; i < 8; ++i) get();
  ASSERT_EQ(notices_, "s0 down ");
  world_.run_for(seconds(2));
  for (int i = 0; i < 4; ++i) get();  // one of them tries it, and it fails
  EXPECT_EQ(servers_[0]->requests.size(), 4U);
  EXPECT_THAT(notices_, Not(HasSubstr("up")));
  answers(*servers_[0]);
  world_.run_for(seconds(5));
  for (int i = 0; i < 4; ++i) EXPECT_THAT(get(), EndsWith("hi"));
  EXPECT_THAT(notices_, EndsWith("s0 up "));
  EXPECT_GE(servers_[0]->requests.size(), 6U);
}

TEST_F(MarksTest, NeverWhereSwitchedOff) {
  begin(2, 0);
  closes(*servers_[0]);
  for (int i = 0; i < 40; ++i) get();
  EXPECT_EQ(servers_[0]->requests.size(), 20U);
  EXPECT_EQ(notices_, "");
}

TEST_F(MarksTest, ErrorsOfTheServerOnlyWhereSaid) {
  begin(2);
  servers_[0]->answer = "HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n";
  for (int i = 0; i < 20; ++i) get();
  EXPECT_EQ(servers_[0]->requests.size(), 10U);
  EXPECT_EQ(notices_, "");
}

TEST_F(MarksTest, ErrorsOfTheServer) {
  pool_config_.mark_down_on_5xx = true;
  begin(2);
  servers_[0]->answer = "HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n";
  for (int i = 0; i < 20; ++i) get();
  EXPECT_EQ(servers_[0]->requests.size(), 3U);
  EXPECT_EQ(notices_, "s0 down ");
  servers_[0]->answer = "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n";
  world_.run_for(seconds(2));
  for (int i = 0; i < 4; ++i) get();
  EXPECT_EQ(notices_, "s0 down s0 up ");
}

TEST_F(MarksTest, ClientsThatLeaveAreNoFailures) {
  begin(2);
  for (const auto& server : servers_) {
    server->on_request = [](net::TestPeer&, const std::string&) {};
  }
  for (size_t i = 0; i < 10; ++i) {
    net::TestPeer& client = ask("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    settle();
    client.close(net::CloseMode::kReset);
    ASSERT_TRUE(until([&] { return records_.size() == i + 1; }));
  }
  EXPECT_EQ(notices_, "");
}

// --- what answers of our own say ---

class OwnAnswerTest : public ProxyTest {
 protected:
  // Closes when it has been answered.
  std::string told(const std::string& text) {
    net::TestPeer& client = ask(text);
    EXPECT_TRUE(until([&] { return client.ended || client.receive_error != 0; }));
    client.close();
    settle();
    return client.incoming;
  }
  static size_t body_bytes(const std::string& answer) {
    return answer.size() - answer.find("\r\n\r\n") - 4;
  }
};

TEST_F(OwnAnswerTest, TheParsersRefusalSaysWhoIsToBlame) {
  start(1);
  const std::string got = told("GET / HTTP/1.1\r\nHost: h\r\nContent-Length: x\r\n\r\n");
  EXPECT_THAT(got, StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(got, HasSubstr("Proxy-Status: giliran; error=http_request_error; "
                             "details=\"bad-content-length\"; end=bad-request; by=client; "
                             "phase=request\r\n"));
  EXPECT_THAT(got, EndsWith("\r\n\r\ngiliran: bad-request (bad-content-length)\n"));
  ASSERT_EQ(records_.size(), 1U);
  EXPECT_EQ(records_[0].record.body_out, body_bytes(got));
}

TEST_F(OwnAnswerTest, AHeadThatDoesNotCome) {
  options_.head_timeout = seconds(1);
  start(1);
  const std::string got = told("GET / HT");
  EXPECT_THAT(got, StartsWith("HTTP/1.1 408"));
  EXPECT_THAT(got, HasSubstr("end=client-timeout; by=client; phase=request\r\n"));
  ASSERT_EQ(records_.size(), 1U);
  EXPECT_EQ(records_[0].record.body_out, body_bytes(got));
}

TEST_F(OwnAnswerTest, ABodyThatIsWrongOrDoesNotComeIsInThePhaseOfTheRecord) {
  options_.body_timeout = seconds(1);
  start(1);
  servers_[0]->on_request = [](net::TestPeer&, const std::string&) {};
  const std::string post = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
  std::string got = told(post + "zz\r\n");
  ASSERT_EQ(records_.size(), 1U);
  EXPECT_EQ(records_[0].record.body_out, body_bytes(got));
  EXPECT_THAT(got, StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(got, HasSubstr("end=bad-request; by=client; phase=send\r\n"));
  got = told(post + "5\r\n");
  EXPECT_THAT(got, StartsWith("HTTP/1.1 408"));
  EXPECT_THAT(got, HasSubstr("end=client-timeout; by=client; phase=send\r\n"));
  ASSERT_EQ(records_.size(), 2U);
  EXPECT_EQ(records_[1].record.body_out, body_bytes(got));
  for (const KeptRecord& kept : records_) EXPECT_EQ(name(kept.record.phase), "send");
}

TEST_F(OwnAnswerTest, AServerThatCannotBeReached) {
  options_.connect_timeout = seconds(1);
  start(1);
  world_.set_reach(servers_[0]->address, Reach::kRefused);
  EXPECT_THAT(get(), HasSubstr("giliran; error=connection_refused; details=\"ECONNREFUSED\"; "
                               "end=connect-refused; by=server; phase=connect\r\n"));
  EXPECT_THAT(get(), HasSubstr("giliran; error=destination_unavailable; details=\"every server is "
                               "marked down\"; end=no-server; by=coordinator; phase=queue\r\n"));
  world_.set_reach(servers_[0]->address, Reach::kSilent);
  world_.run_for(seconds(2));
  EXPECT_THAT(get(), HasSubstr("giliran; error=connection_timeout; details=\"ETIMEDOUT\"; "
                               "end=connect-timeout; by=server; phase=connect\r\n"));
}

TEST_F(OwnAnswerTest, BodiesAsConfigured) {
  answers_[503] = {.content_type = "text/html", .body = "<p>sorry"};
  answers_[400] = {.content_type = "text/x-bad", .body = "bad\n"};
  start(1);
  world_.set_reach(servers_[0]->address, Reach::kRefused);
  const std::string got = get();
  EXPECT_THAT(got, StartsWith("HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/html\r\n"));
  EXPECT_THAT(got, HasSubstr("Proxy-Status: giliran; error=connection_refused"));
  EXPECT_THAT(got, EndsWith("\r\n\r\n<p>sorry"));
  EXPECT_THAT(get("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n"), EndsWith("Content-Length: 8\r\n\r\n"));
  const std::string bad = told("GET / HTTP/1.1\r\nHost : h\r\n\r\n");
  EXPECT_THAT(bad, HasSubstr("Content-Type: text/x-bad\r\n"));
  EXPECT_THAT(bad, EndsWith("\r\n\r\nbad\n"));
}

TEST_F(OwnAnswerTest, AServersErrorIsPassedOnWithoutOurName) {
  start(1);
  servers_[0]->answer = "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n";
  EXPECT_THAT(get(), Not(HasSubstr("Proxy-Status")));
}

}  // namespace
}  // namespace giliran::proxy
