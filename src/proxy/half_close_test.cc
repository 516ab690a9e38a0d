// Clients that say no more before they were answered: most have given up, some wait.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/test_world.h"

namespace giliran::proxy {
namespace {

constexpr const char* kGet = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

class HalfCloseTest : public ProxyTest {
 protected:
  HalfCloseTest() { world_.options().split = 0; }
  // A server that answers when answer_all() says so.
  void start_slow() {
    start(1);
    servers_[0]->on_request = [this](net::TestPeer& peer, const std::string&) {
      asked_.push_back(&peer);
    };
  }
  void answer_all() {
    for (net::TestPeer* peer : asked_) {
      if (!peer->closed && peer->receive_error == 0) peer->send(servers_[0]->answer);
    }
    asked_.clear();
  }
  // Asks, and ends its half when all is said.
  net::TestPeer& ask_and_end(const std::string& text) {
    net::TestPeer& client = connect();
    EXPECT_TRUE(until([&] { return client.connected; }));
    client.on_done = [&client] { client.io.shutdown_send(client.socket); };
    client.send(text);
    return client;
  }
  void expect_gave_up(const KeptRecord& kept, Phase phase, uint16_t attempts) {
    const telemetry::Record& r = kept.record;
    EXPECT_EQ(name(r.end), name(End::kClientClosed));
    EXPECT_EQ(name(r.by), name(By::kClient));
    EXPECT_EQ(name(r.phase), name(phase));
    EXPECT_EQ(r.status, 0);
    EXPECT_EQ(r.attempts, attempts);
  }

  std::vector<net::TestPeer*> asked_;
};

TEST_F(HalfCloseTest, WhoGivesUpWhileItWaitsIsCancelled) {
  start_slow();
  net::TestPeer& client = ask(kGet);
  ASSERT_TRUE(until([&] { return asked_.size() == 1; }));
  const net::TestPeer& server = *asked_[0];
  client.io.shutdown_send(client.socket);
  ASSERT_TRUE(until([&] { return records_.size() == 1; }));
  expect_gave_up(records_[0], Phase::kWait, 1);
  EXPECT_EQ(endpoints_[0]->live.in_flight.load(), 0U);
  ASSERT_TRUE(until([&] { return client.ended; }));
  ASSERT_TRUE(until([&] { return server.receive_error != 0; }));  // it need not go on
  EXPECT_EQ(notices_, "");                                        // no fault of the server's
}

TEST_F(HalfCloseTest, WhoGivesUpInTheQueueLeavesIt) {
  pool_config_.in_flight_max = 1;
  start_slow();
  ask(kGet);
  ASSERT_TRUE(until([&] { return asked_.size() == 1; }));
  std::vector<net::TestPeer*> left;
  for (int i = 0; i < 5; ++i) left.push_back(&ask(kGet));
  net::TestPeer& next = ask(kGet);
  ASSERT_TRUE(until([&] { return pool_->state->queue.waiting.load() == 6; }));
  for (net::TestPeer* client : left) client->close();
  ASSERT_TRUE(until([&] { return records_.size() == 5; }));
  for (const KeptRecord& kept : records_) expect_gave_up(kept, Phase::kQueue, 0);
  EXPECT_EQ(pool_->state->queue.waiting.load(), 1U);
  answer_all();
  ASSERT_TRUE(until([&] { return asked_.size() == 1; }));
  answer_all();
  ASSERT_TRUE(until([&] { return records_.size() == 7; }));
  settle();
  EXPECT_THAT(next.incoming, StartsWith("HTTP/1.1 200"));
  EXPECT_EQ(servers_[0]->requests.size(), 2U);  // none of those who left
}

TEST_F(HalfCloseTest, AnEndRightBehindTheRequestIsSeenToo) {
  start_slow();
  ask_and_end(kGet);
  ASSERT_TRUE(until([&] { return records_.size() == 1; }));
  EXPECT_EQ(name(records_[0].record.end), name(End::kClientClosed));
  EXPECT_EQ(records_[0].record.status, 0);
}

TEST_F(HalfCloseTest, AnEndBehindABodyThatIsNotReadOn) {
  start(1);
  world_.set_reach(servers_[0]->address, net::MemoryWorld::Reach::kSilent);
  ask_and_end("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 150000\r\n\r\n" +
              std::string(150'000, 'x'));
  ASSERT_TRUE(until([&] { return !records_.empty(); }));
  expect_gave_up(records_[0], Phase::kSend, 1);
  EXPECT_LT(records_[0].record.body_in, 150'000U);
  EXPECT_LT(records_[0].record.total, options_.connect_timeout);
}

TEST_F(HalfCloseTest, AnEndInTheMiddleOfABodyIsAClose) {
  start_slow();
  ask_and_end("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nbody");
  ASSERT_TRUE(until([&] { return !records_.empty(); }));
  expect_gave_up(records_[0], Phase::kSend, 1);
}

TEST_F(HalfCloseTest, WhoEndsAfterItsAnswerHasBegunGetsAllOfIt) {
  start(1);
  net::TestPeer* server = nullptr;
  servers_[0]->on_request = [&](net::TestPeer& peer, const std::string&) {
    server = &peer;
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf");
  };
  net::TestPeer& client = ask(kGet);
  ASSERT_TRUE(until([&] { return client.incoming.ends_with("half"); }));
  client.io.shutdown_send(client.socket);
  settle();
  server->send("half");
  ASSERT_TRUE(until([&] { return client.ended; }));
  EXPECT_TRUE(client.incoming.ends_with("halfhalf"));
  ASSERT_EQ(records_.size(), 1U);
  EXPECT_EQ(name(records_[0].record.end), name(End::kOk));
}

TEST_F(HalfCloseTest, WaitAnswersThem) {
  listener_config_.half_close = config::HalfClose::kWait;
  start_slow();
  net::TestPeer& client = ask_and_end(std::string(kGet) + kGet);
  ASSERT_TRUE(until([&] { return asked_.size() == 1; }));
  settle();
  answer_all();
  ASSERT_TRUE(until([&] { return asked_.size() == 1; }));
  answer_all();
  ASSERT_TRUE(until([&] { return client.ended; }));
  ASSERT_EQ(records_.size(), 2U);
  for (const KeptRecord& kept : records_) EXPECT_EQ(name(kept.record.end), name(End::kOk));
  const size_t first = client.incoming.find("hi");
  EXPECT_THAT(client.incoming.substr(first), HasSubstr("HTTP/1.1 200"));
}

TEST_F(HalfCloseTest, ARouteOfOurOwnStillAnswers) {
  listener_config_.routes = {
      {.name = "page", .path = "/", .answer = config::Answer{.status = 200, .body = "page"}}};
  start(1);
  net::TestPeer& client = ask_and_end(kGet);
  ASSERT_TRUE(until([&] { return client.ended; }));
  EXPECT_TRUE(client.incoming.ends_with("page"));
}

}  // namespace
}  // namespace giliran::proxy
