// Answers that turn out to be broken before the client has a byte of them: another is possible, and
// the status in the record is the one that was sent.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/test_world.h"

namespace giliran::proxy {
namespace {

const std::string kChunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

class BrokenAnswerTest : public ProxyTest {
 protected:
  BrokenAnswerTest() { world_.options().split = 0; }  // a segment arrives as it was sent
  const KeptRecord& last() { return records_.back(); }
  void expect_end(End end, By by, Phase phase, uint16_t status) {
    const telemetry::Record& r = last().record;
    EXPECT_EQ(name(r.end), name(end)) << last().reason;
    EXPECT_EQ(name(r.by), name(by));
    EXPECT_EQ(name(r.phase), name(phase));
    EXPECT_EQ(r.status, status);
  }
};

TEST_F(BrokenAnswerTest, ABrokenBodyInOneSegmentWithItsHeadIsA502) {
  start(1);
  for (const char* body : {"ZZ\r\n", "5\r\nhello!!", "5\r\nhello\r\n0\r\nA : b\r\n\r\n"}) {
    servers_[0]->answer = kChunked + body;
    const std::string got = get();
    EXPECT_THAT(got, StartsWith("HTTP/1.1 502")) << body;
    EXPECT_THAT(got, HasSubstr("end=bad-response; by=server; phase=data"));
    EXPECT_THAT(got, Not(HasSubstr("hello")));
    expect_end(End::kBadResponse, By::kServer, Phase::kData, 502);
    EXPECT_EQ(last().record.down_out, got.size());
    EXPECT_EQ(last().record.up_in, servers_[0]->answer.size());
  }
}

TEST_F(BrokenAnswerTest, WhatCouldNotBeReadIsCounted) {
  start(1);
  servers_[0]->answer = "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n";
  get();
  EXPECT_EQ(name(last().record.end), name(End::kBadResponse));
  EXPECT_EQ(last().record.up_in, servers_[0]->answer.size());
  servers_[0]->on_request = [](net::TestPeer& peer, const std::string&) {
    peer.send("HTTP/1.1 200 OK\r\nA");
    peer.on_done = [&peer] { peer.close(); };
  };
  get();
  EXPECT_EQ(name(last().record.end), name(End::kServerClosed));
  EXPECT_EQ(last().record.up_in, 18U);
}

TEST_F(BrokenAnswerTest, TheConnectionGoesOnAfterIt) {
  start(1);
  servers_[0]->answer = kChunked + "ZZ\r\n";
  net::TestPeer& client = ask("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_TRUE(until([&] { return records_.size() == 1; }));
  settle();
  EXPECT_FALSE(client.ended);
  servers_[0]->answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
  client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_TRUE(until([&] { return client.incoming.ends_with("hi"); }));
}

TEST_F(BrokenAnswerTest, AnotherServerIsAskedWhereThePoolSaysSo) {
  pool_config_.retry_on.bad_response = true;
  start(2);
  servers_[0]->answer = kChunked + "ZZ\r\n";
  EXPECT_THAT(get(), EndsWith("hi"));
  EXPECT_EQ(last().tried, "s0 bad-response");
  expect_end(End::kOk, By::kNobody, Phase::kNone, 200);
}

TEST_F(BrokenAnswerTest, AnotherServerGetsTheBodyToo) {
  pool_config_.retry_on.bad_response = true;
  start(2);
  servers_[0]->answer = kChunked + "ZZ\r\n";
  EXPECT_THAT(get("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody"), EndsWith("hi"));
  EXPECT_EQ(last().tried, "s0 bad-response");
  EXPECT_EQ(last().record.body_in, 4U);
  expect_end(End::kOk, By::kNobody, Phase::kNone, 200);
  ASSERT_EQ(servers_[1]->listener.peers.size(), 1U);
  EXPECT_EQ(servers_[1]->listener.peers[0]->incoming, "body");
}

TEST_F(BrokenAnswerTest, NobodyElseIsAskedToRepeatAPost) {
  pool_config_.retry_on.bad_response = true;
  start(2);
  servers_[0]->answer = servers_[1]->answer = kChunked + "ZZ\r\n";
  EXPECT_THAT(get("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody"),
              StartsWith("HTTP/1.1 502"));
  EXPECT_EQ(last().record.attempts, 1);
  EXPECT_EQ(servers_[0]->requests.size() + servers_[1]->requests.size(), 1U);
}

// No deadline of the answer that was taken back is left to end the next one.
TEST_F(BrokenAnswerTest, AnotherServerMayTakeItsTime) {
  options_.write_timeout = std::chrono::seconds(1);
  pool_config_.retry_on.bad_response = true;
  start(2);
  servers_[0]->answer = kChunked + "ZZ\r\n";
  net::TestPeer* slow = nullptr;
  servers_[1]->on_request = [&](net::TestPeer& peer, const std::string&) { slow = &peer; };
  const net::TestPeer& client = ask("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_TRUE(until([&] { return slow != nullptr; }));
  const base::Instant later = peers_.now() + std::chrono::seconds(3);
  ASSERT_TRUE(until([&] { return peers_.now() >= later; }));
  slow->send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
  ASSERT_TRUE(until([&] { return records_.size() == 1; }));
  settle();
  EXPECT_THAT(client.incoming, EndsWith("hi"));
  expect_end(End::kOk, By::kNobody, Phase::kNone, 200);
}

TEST_F(BrokenAnswerTest, ABodyThatBreaksLaterIsCutUnderItsOwnStatus) {
  start(1);
  servers_[0]->on_request = [](net::TestPeer& peer, const std::string&) {
    peer.send(kChunked + "5\r\nhello\r\n");
    peer.on_done = [&peer, done = 0]() mutable {
      if (done++ == 0) peer.send("ZZ\r\n");
    };
  };
  EXPECT_THAT(get(), StartsWith("HTTP/1.1 200"));
  expect_end(End::kBadResponse, By::kServer, Phase::kData, 200);
}

TEST_F(BrokenAnswerTest, AnInterimThatWasSentIsNoAnswer) {
  start(1);
  servers_[0]->on_request = [](net::TestPeer& peer, const std::string&) {
    peer.send("HTTP/1.1 103 Early Hints\r\n\r\n");
    peer.on_done = [&peer, done = 0]() mutable {
      if (done++ == 0) peer.send(kChunked + "ZZ\r\n");
    };
  };
  const std::string got = get();
  EXPECT_THAT(got, StartsWith("HTTP/1.1 103"));
  EXPECT_THAT(got, HasSubstr("HTTP/1.1 502"));
  EXPECT_THAT(got, Not(HasSubstr("HTTP/1.1 200")));
  expect_end(End::kBadResponse, By::kServer, Phase::kData, 502);
}

TEST_F(BrokenAnswerTest, ForbiddenTrailersAreDroppedAndTheAnswerStands) {
  start(1);
  servers_[0]->answer = kChunked +
                        "5\r\nhello\r\n0\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n"
                        "Host: h\r\nX-Sum: 42\r\n\r\n";
  const std::string got = get();
  EXPECT_THAT(got, StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(got, EndsWith("\r\n0\r\nX-Sum: 42\r\n\r\n"));
  expect_end(End::kOk, By::kNobody, Phase::kNone, 200);
}

// A route answers before the request is over; what it said is still here when that turns out bad.
TEST_F(BrokenAnswerTest, ABadRequestToARouteThatAnswersIsA400) {
  listener_config_.routes = {
      {.name = "page", .path = "/", .answer = config::Answer{.status = 200, .body = "page"}}};
  start(1);
  for (const char* body : {"ZZ\r\n", "5\r\nhello!!", "0\r\nA : b\r\n\r\n"}) {
    const std::string got =
        get(std::string("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n") + body);
    EXPECT_THAT(got, StartsWith("HTTP/1.1 400")) << body;
    EXPECT_THAT(got, HasSubstr("end=bad-request; by=client; phase=send"));
    EXPECT_THAT(got, Not(HasSubstr("page")));
    expect_end(End::kBadRequest, By::kClient, Phase::kSend, 400);
    EXPECT_EQ(last().record.down_out, got.size());
  }
}

// A client that reads nothing: the answer before fills its window, so that the next cannot leave.
class UnsentAnswerTest : public BrokenAnswerTest {
 protected:
  net::TestPeer& ask_two(const std::string& second) {
    world_.options().window_bytes = 4096;
    start(1);
    servers_[0]->on_request = [](net::TestPeer& peer, const std::string& head) {
      const size_t size = begins(head, "GET /large ") ? 3000 : 2;
      peer.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n" +
                std::string(size, 'x'));
    };
    net::TestPeer& client = connect(kHttpPort, /*receive_all=*/false);
    EXPECT_TRUE(until([&] { return client.connected; }));
    client.send("GET /large HTTP/1.1\r\nHost: h\r\n\r\n" + second);
    EXPECT_TRUE(until([&] { return !records_.empty(); }));
    EXPECT_EQ(records_[0].record.status, 200);
    settle();
    return client;
  }
};

TEST_F(UnsentAnswerTest, HasNoStatusInItsRecord) {
  net::TestPeer& client = ask_two("GET /small HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_EQ(servers_[0]->requests.size(), 2U);
  client.close(net::CloseMode::kReset);
  ASSERT_TRUE(until([&] { return records_.size() == 2; }));
  expect_end(End::kClientClosed, By::kClient, Phase::kData, 0);
  EXPECT_EQ(last().record.down_out, 0U);
}

TEST_F(UnsentAnswerTest, NorOneOfTheConnectionsOwn) {
  net::TestPeer& client = ask_two("nonsense\r\n\r\n");
  ASSERT_EQ(records_.size(), 2U);
  expect_end(End::kBadRequest, By::kClient, Phase::kRequest, 0);
  EXPECT_EQ(last().record.down_out, 0U);
  client.close(net::CloseMode::kReset);
}

TEST_F(UnsentAnswerTest, GivesWayToABetterOne) {
  options_.total_timeout = std::chrono::seconds(1);
  net::TestPeer& client = ask_two("GET /small HTTP/1.1\r\nHost: h\r\n\r\n");
  world_.run_for(std::chrono::seconds(2));
  client.receiving = true;
  client.receive();
  ASSERT_TRUE(until([&] { return records_.size() == 2; }));
  expect_end(End::kTotalTimeout, By::kCoordinator, Phase::kData, 504);
  settle();
  EXPECT_THAT(client.incoming, HasSubstr("HTTP/1.1 504"));
}

}  // namespace
}  // namespace giliran::proxy
