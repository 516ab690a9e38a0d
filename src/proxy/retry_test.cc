// Another server, the same request: when, how often, and what of it is sent again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/test_world.h"

namespace giliran::proxy {
namespace {

using Reach = net::MemoryWorld::Reach;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr const char* kBusy = "HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy";

class RetryTest : public ProxyTest {
 protected:
  const KeptRecord& last() { return records_.back(); }
  uint64_t refused() { return members_[0]->worker->counts().retries_refused; }
  size_t asked() {
    size_t all = 0;
    for (const auto& server : servers_) all += server->requests.size();
    return all;
  }
  void expect_end(End end, By by, Phase phase, uint16_t status) {
    const telemetry::Record& r = last().record;
    EXPECT_EQ(name(r.end), name(end)) << last().reason;
    EXPECT_EQ(name(r.by), name(by));
    EXPECT_EQ(name(r.phase), name(phase));
    EXPECT_EQ(r.status, status);
  }
};

std::string put(const std::string& body, const std::string& method = "PUT") {
  return method + " /p HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}

std::string pattern(size_t size) {
  std::string text;
  for (size_t i = 0; text.size() < size; ++i) text += std::to_string(i) + ",";
  text.resize(size);
  return text;
}

// --- by status ---

TEST_F(RetryTest, AStatusIsTriedElsewhereAndTheBetterAnswerIsPassedOn) {
  pool_config_.retry_on.statuses = {503};
  start(3);
  servers_[0]->answer = servers_[1]->answer = kBusy;
  for (int i = 0; i < 6; ++i) EXPECT_THAT(get(), EndsWith("hi"));
  EXPECT_EQ(servers_[2]->requests.size(), 6U);
  size_t more = 0;
  for (const KeptRecord& kept : records_) {
    EXPECT_EQ(name(kept.record.end), name(End::kOk));
    EXPECT_EQ(kept.server, "s2");
    more += kept.record.attempts - 1U;
  }
  EXPECT_EQ(more, servers_[0]->requests.size() + servers_[1]->requests.size());
  EXPECT_EQ(members_[0]->worker->counts().retries, more);
  EXPECT_EQ(records_[0].tried, "s0 503; s1 503");
  EXPECT_EQ(notices_, "");
}

TEST_F(RetryTest, TheLastServersAnswerIsPassedOnAndNobodyIsAskedTwice) {
  pool_config_.retry_on.statuses = {503};
  start(3);
  for (const auto& server : servers_) server->answer = kBusy;
  EXPECT_THAT(get(), EndsWith("busy"));
  expect_end(End::kOk, By::kNobody, Phase::kNone, 503);
  EXPECT_EQ(last().record.attempts, 3);
  for (const auto& server : servers_) EXPECT_EQ(server->requests.size(), 1U);
}

TEST_F(RetryTest, RetriesMax) {
  pool_config_.retry_on.statuses = {503};
  pool_config_.retries_max = 1;
  start(4);
  for (const auto& server : servers_) server->answer = kBusy;
  EXPECT_THAT(get(), EndsWith("busy"));
  EXPECT_EQ(last().record.attempts, 2);
  EXPECT_EQ(asked(), 2U);
  EXPECT_EQ(refused(), 0U);
}

TEST_F(RetryTest, NoneWhereRetriesMaxIsZero) {
  pool_config_.retries_max = 0;
  start(2);
  world_.set_reach(servers_[0]->address, Reach::kRefused);
  EXPECT_THAT(get(), StartsWith("HTTP/1.1 503"));
  expect_end(End::kConnectRefused, By::kServer, Phase::kConnect, 503);
  EXPECT_EQ(last().record.attempts, 1);
}

TEST_F(RetryTest, AnUsedUpBudgetPassesTheFailureOnAndIsCounted) {
  pool_config_.retry_on.statuses = {503};
  pool_config_.retry_budget = 0.2;
  pool_config_.retry_budget_floor = 0;
  start(2);
  for (const auto& server : servers_) server->answer = kBusy;
  for (int i = 0; i < 100; ++i) EXPECT_THAT(get(), EndsWith("busy"));
  EXPECT_LE(asked(), 120U);
  EXPECT_GE(asked(), 115U);
  EXPECT_EQ(refused(), 200U - asked());
  EXPECT_EQ(members_[0]->worker->counts().retries, asked() - 100U);
}

TEST_F(RetryTest, TheBudgetHoldsForConnectsToo) {
  pool_config_.retry_budget = 0;
  pool_config_.retry_budget_floor = 0;
  start(2);
  world_.set_reach(servers_[0]->address, Reach::kRefused);
  EXPECT_THAT(get(), StartsWith("HTTP/1.1 503"));
  expect_end(End::kConnectRefused, By::kServer, Phase::kConnect, 503);
  EXPECT_EQ(refused(), 1U);
  EXPECT_EQ(servers_[1]->connections, 0);
}

TEST_F(RetryTest, ADeadConnectionIsReplacedWithoutTheBudget) {
  pool_config_.retry_budget = 0;
  pool_config_.retry_budget_floor = 0;
  start(1);
  servers_[0]->on_request = [n = 0](net::TestPeer& peer, const std::string&) mutable {
    if (++n == 2) return peer.close();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
  };
  get();
  EXPECT_THAT(get(), EndsWith("hi"));
  EXPECT_EQ(last().tried, "s0 connection-was-dead");
  EXPECT_EQ(refused(), 0U);
}

TEST_F(RetryTest, PostIsNeverSentAgain) {
  pool_config_.retry_on.statuses = {500, 502, 503, 504};
  options_.attempt_timeout = seconds(1);
  start(2);
  for (const auto& server : servers_) server->answer = kBusy;
  EXPECT_THAT(get(put("x", "POST")), EndsWith("busy"));
  for (const auto& server : servers_) {
    server->on_request = [](net::TestPeer& peer, const std::string&) { peer.close(); };
  }
  EXPECT_THAT(get(put("x", "POST")), StartsWith("HTTP/1.1 502"));
  for (const auto& server : servers_) {
    server->on_request = [](net::TestPeer&, const std::string&) {};
  }
  EXPECT_THAT(get(put("x", "POST")), StartsWith("HTTP/1.1 504"));
  EXPECT_EQ(asked(), 3U);
  EXPECT_EQ(members_[0]->worker->counts().retries, 0U);
}

TEST_F(RetryTest, AServerThatClosesOrTalksNonsenseIsPassedOverWhereItsStatusIsListed) {
  pool_config_.retry_on.statuses = {502};
  start(2);
  servers_[0]->on_request = [](net::TestPeer& peer, const std::string&) { peer.close(); };
  EXPECT_THAT(get(), EndsWith("hi"));
  EXPECT_EQ(last().tried, "s0 server-closed");
  servers_[0]->on_request = {};
  servers_[0]->answer = "nonsense\r\n\r\n";
  get();
  EXPECT_THAT(get(), EndsWith("hi"));
  EXPECT_EQ(records_[1].tried + records_[2].tried, "s0 bad-response");
}

// --- by cause ---

TEST_F(RetryTest, AResetOfAFreshConnectionBeforeAnAnswerIsTriedElsewhere) {
  start(2);
  servers_[0]->on_request = [](net::TestPeer& peer, const std::string&) {
    peer.close(net::CloseMode::kReset);
  };
  EXPECT_THAT(get(), EndsWith("hi"));
  EXPECT_EQ(last().tried, "s0 server-closed");
  EXPECT_EQ(last().record.attempts, 2);
  expect_end(End::kOk, By::kNobody, Phase::kNone, 200);
  // Half a head is no answer either.
  servers_[0]->on_request = [](net::TestPeer& peer, const std::string&) {
    peer.send("HTTP/1.1 200 OK\r\nContent-");
    peer.on_done = [&peer] { peer.close(); };
  };
  get();
  EXPECT_THAT(get(), EndsWith("hi"));
  EXPECT_EQ(records_[1].tried + records_[2].tried, "s0 server-closed");
}

TEST_F(RetryTest, ACauseThatIsNotListedIsAnswered) {
  pool_config_.retry_on = {.connect = true, .reset = false, .timeout = false};
  options_.response_timeout = seconds(1);
  start(2);
  for (const auto& server : servers_) {
    server->on_request = [](net::TestPeer& peer, const std::string&) { peer.close(); };
  }
  EXPECT_THAT(get(), StartsWith("HTTP/1.1 502"));
  expect_end(End::kServerClosed, By::kServer, Phase::kWait, 502);
  for (const auto& server : servers_) {
    server->on_request = [](net::TestPeer&, const std::string&) {};
  }
  EXPECT_THAT(get(), StartsWith("HTTP/1.1 504"));
  for (const auto& server : servers_) {
    server->on_request = {};
    server->answer = "nonsense\r\n\r\n";
  }
  EXPECT_THAT(get(), StartsWith("HTTP/1.1 502"));
  EXPECT_EQ(asked(), 3U);
  EXPECT_EQ(members_[0]->worker->counts().retries, 0U);
}

TEST_F(RetryTest, NotEvenAConnectWhereItIsNotListed) {
  pool_config_.retry_on.connect = false;
  start(2);
  world_.set_reach(servers_[0]->address, Reach::kRefused);
  EXPECT_THAT(get(), StartsWith("HTTP/1.1 503"));
  expect_end(End::kConnectRefused, By::kServer, Phase::kConnect, 503);
  EXPECT_EQ(last().record.attempts, 1);
}

// Where there is nobody else, nothing is refused and nothing is paid for.
TEST_F(RetryTest, APoolOfOneSpendsNoBudget) {
  pool_config_.retry_budget = 0;
  pool_config_.retry_budget_floor = 0;
  start(1);
  servers_[0]->on_request = [](net::TestPeer& peer, const std::string&) { peer.close(); };
  EXPECT_THAT(get(), StartsWith("HTTP/1.1 502"));
  EXPECT_EQ(last().record.attempts, 1);
  EXPECT_EQ(refused(), 0U);
}

// --- attempt_timeout ---

TEST_F(RetryTest, AnAttemptThatTakesTooLongToConnect) {
  options_.attempt_timeout = milliseconds(500);
  start(2);
  world_.set_reach(servers_[0]->address, Reach::kSilent);
  EXPECT_THAT(get(put("body", "POST")), EndsWith("hi"));  // nothing was sent: also a POST
  EXPECT_EQ(last().tried, "s0 connect-timeout");
  EXPECT_LT(last().record.total, seconds(1));
  EXPECT_GE(last().record.total, options_.attempt_timeout);
  EXPECT_GE(last().record.connect, milliseconds(490));
  EXPECT_EQ(sum_of_phases(last().record), last().record.total);
  EXPECT_EQ(notices_, "s0 down ");
}

TEST_F(RetryTest, AnAttemptThatTakesTooLongToAnswer) {
  options_.attempt_timeout = milliseconds(500);
  start(2);
  servers_[0]->on_request = [](net::TestPeer&, const std::string&) {};
  EXPECT_THAT(get(put("body")), EndsWith("hi"));
  EXPECT_EQ(last().tried, "s0 server-timeout");
  EXPECT_GE(last().record.total, options_.attempt_timeout);
  // The late one hears that nobody waits any more.
  net::TestPeer& late = *servers_[0]->listener.peers[0];
  EXPECT_TRUE(until([&] { return late.ended || late.receive_error != 0; }));
}

// Whoever was waited for in vain was waited for: nothing of it is connecting or queueing.
TEST_F(RetryTest, TheTimeOfALostAttemptIsOfThePhaseInWhichItWasLost) {
  options_.attempt_timeout = milliseconds(500);
  start(2);
  get();
  get();
  servers_[0]->on_request =
      servers_[1]->on_request = [this](net::TestPeer& peer, const std::string&) {
        if (asked() == 4) peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
      };
  EXPECT_THAT(get(), EndsWith("hi"));
  const telemetry::Record& r = last().record;
  EXPECT_EQ(r.attempts, 2);
  EXPECT_TRUE(r.reused);
  EXPECT_EQ(r.connect, base::Duration{0});
  EXPECT_LT(r.queue, milliseconds(10));
  EXPECT_GE(r.wait, milliseconds(490));
  EXPECT_EQ(sum_of_phases(r), r.total);
}

TEST_F(RetryTest, AnAttemptThatTakesTooLongIsAnsweredWhereTimeoutIsNotListed) {
  options_.attempt_timeout = milliseconds(500);
  pool_config_.retry_on.timeout = false;
  start(2);
  servers_[0]->on_request = [](net::TestPeer&, const std::string&) {};
  const std::string got = get();
  EXPECT_THAT(got, StartsWith("HTTP/1.1 504"));
  EXPECT_THAT(got, HasSubstr("end=server-timeout; by=server; phase=wait"));
  expect_end(End::kServerTimeout, By::kServer, Phase::kWait, 504);
  EXPECT_EQ(last().record.attempts, 1);
  EXPECT_GE(last().record.wait, milliseconds(490));
  EXPECT_EQ(sum_of_phases(last().record), last().record.total);
}

TEST_F(RetryTest, TheAttemptTimeoutIsOverWithTheHead) {
  options_.attempt_timeout = milliseconds(500);
  start(1);
  servers_[0]->answer = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nha";
  net::TestPeer& client = ask("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_TRUE(until([&] { return client.incoming.ends_with("ha"); }));
  world_.run_for(seconds(3));
  servers_[0]->listener.peers[0]->send("lf");
  ASSERT_TRUE(until([&] { return client.incoming.ends_with("half"); }));
}

// A client that is slow to say what it wants must not get servers marked down.
TEST_F(RetryTest, AnAttemptThatWaitsForTheClientIsTheClientsFault) {
  options_.attempt_timeout = milliseconds(500);
  pool_config_.mark_down_after = 1;
  pool_config_.retry_on.statuses = {504};
  start(2);
  for (const auto& server : servers_) {
    server->on_request = [](net::TestPeer&, const std::string&) {};
  }
  net::TestPeer& client = ask("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nhalf");
  ASSERT_TRUE(until([&] { return client.ended; }));
  EXPECT_THAT(client.incoming, StartsWith("HTTP/1.1 408"));
  client.close();
  ASSERT_TRUE(until([&] { return !records_.empty(); }));
  expect_end(End::kClientTimeout, By::kClient, Phase::kSend, 408);
  EXPECT_EQ(notices_, "");
  EXPECT_EQ(asked(), 1U);
}

// --- what is sent again ---

TEST_F(RetryTest, BodyAndTrailersAreSentAgain) {
  pool_config_.retry_on.statuses = {503};
  start(2);
  const std::string body = pattern(40'000);
  net::TestPeer* second = nullptr;
  servers_[0]->on_request = [](net::TestPeer&, const std::string&) {};
  servers_[1]->on_request = [&](net::TestPeer& peer, const std::string&) { second = &peer; };
  net::TestPeer& client =
      ask("PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n9c40\r\n" + body +
          "\r\n0\r\nX-Sum: 42\r\n\r\n");
  // The head; then, up to an empty line, what follows it.
  ASSERT_TRUE(until([&] { return servers_[0]->requests.size() == 2; }));
  servers_[0]->listener.peers[0]->send(kBusy);
  ASSERT_TRUE(until([&] {
    return second != nullptr && servers_[1]->requests.size() == 2 &&
           servers_[1]->requests[1].ends_with("\r\nX-Sum: 42\r\n\r\n");
  }));
  std::string got;
  std::string_view rest = servers_[1]->requests[1];
  while (rest[0] != '0') {
    const size_t size = std::stoul(std::string(rest.substr(0, rest.find('\r'))), nullptr, 16);
    rest.remove_prefix(rest.find('\n') + 1);
    got += rest.substr(0, size);
    rest.remove_prefix(size + 2);
  }
  EXPECT_TRUE(got == body);
  second->send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  ASSERT_TRUE(until([&] { return records_.size() == 1; }));
  EXPECT_EQ(last().tried, "s0 503");
  EXPECT_EQ(last().record.body_in, body.size());
  settle();
  EXPECT_THAT(client.incoming, StartsWith("HTTP/1.1 200"));
}

TEST_F(RetryTest, WhatIsTooLongToKeepIsNotSentAgain) {
  pool_config_.retry_on.statuses = {503};
  start(2);
  const std::string body = pattern(400'000);
  servers_[0]->on_request = [](net::TestPeer&, const std::string&) {};
  net::TestPeer& client = ask(put(body));
  ASSERT_TRUE(until([&] {
    return !servers_[0]->requests.empty() &&
           servers_[0]->listener.peers[0]->incoming.size() == body.size();
  }));
  servers_[0]->listener.peers[0]->send(kBusy);
  ASSERT_TRUE(until([&] { return client.incoming.ends_with("busy"); }));
  settle();
  EXPECT_EQ(last().record.attempts, 1);
  EXPECT_EQ(servers_[1]->connections, 0);
}

// What the first server took is kept, and what comes in the queue for the second is, too.
TEST_F(RetryTest, ABodyThatWaitsASecondTimeIsWhole) {
  pool_config_.retry_on.statuses = {502};
  pool_config_.in_flight_max = 1;
  start(2);
  for (const auto& server : servers_) {
    server->on_request = [](net::TestPeer&, const std::string&) {};
  }
  const std::string body = pattern(240'000);
  const std::string text = put(body);
  net::TestPeer& client = ask(text.substr(0, text.size() - 140'000));
  ASSERT_TRUE(until([&] {
    return !servers_[0]->requests.empty() &&
           servers_[0]->listener.peers[0]->incoming.size() == 100'000;
  }));
  ask("GET /hold HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_TRUE(until([&] { return servers_[1]->requests.size() == 1; }));
  servers_[0]->listener.peers[0]->close();
  settle();
  client.send(body.substr(100'000));
  world_.run_for(seconds(1));  // it waits for the second server
  servers_[1]->listener.peers[0]->send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  net::TestPeer& second = *servers_[1]->listener.peers[0];
  ASSERT_TRUE(until([&] { return second.incoming.size() == body.size(); }));
  EXPECT_TRUE(second.incoming == body);
  second.incoming.clear();
  second.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  ASSERT_TRUE(until([&] { return records_.size() == 2; }));
  EXPECT_EQ(last().tried, "s0 server-closed");
  EXPECT_EQ(last().record.body_in, body.size());
}

}  // namespace
}  // namespace giliran::proxy
