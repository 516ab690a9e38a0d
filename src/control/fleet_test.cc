#include "control/fleet.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/test_world.h"

namespace giliran::control {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;

// Real workers on an in-memory network, told by mailboxes.
class FleetTest : public proxy::ProxyTest {
 protected:
  void start_fleet(size_t servers) {
    start(servers, 2);
    for (const auto& m : members_) fleet_.add(m->io, *m->worker);
  }
  // The snapshot of now, with only the last of the servers in the pool.
  Fleet::News only_the_last() {
    auto snapshot = std::make_shared<cluster::Snapshot>(*members_[0]->worker->snapshot());
    const auto& last = pool_->endpoints.back();
    auto pool =
        *cluster::make_pool(pool_config_, {{.name = last->name, .address = last->address}}, pool_);
    for (auto& listener : snapshot->listeners) {
      auto changed = std::make_shared<cluster::Listener>(*listener);
      changed->pool = pool;
      listener = std::move(changed);
    }
    snapshot->pools = {pool};
    return {.snapshot = std::move(snapshot), .options = options_, .opened = {}, .removed = {}};
  }
  Left ask_left() {
    Left answer{.connections = UINT64_MAX};
    fleet_.ask([&](const Left& left) { answer = left; });
    EXPECT_TRUE(until([&] { return answer.connections != UINT64_MAX; }));
    return answer;
  }

  net::Io& control_ = world_.add_io();
  Fleet fleet_{control_};
};

TEST_F(FleetTest, WhatIsPublishedHoldsForTheNextRequest) {
  start_fleet(2);
  servers_[1]->answer = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlast";
  std::string said = get();
  EXPECT_THAT(said, EndsWith("hi"));
  fleet_.publish(only_the_last());
  settle();
  for (int i = 0; i < 4; ++i) EXPECT_THAT(get(), EndsWith("last"));
}

TEST_F(FleetTest, WhatIsUnderWayGoesOnByWhatItBeganWith) {
  start_fleet(2);
  net::TestPeer* waiting = nullptr;
  servers_[0]->on_request = [&](net::TestPeer& peer, const std::string&) { waiting = &peer; };
  net::TestPeer& client = ask("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_TRUE(until([&] { return waiting != nullptr; }));
  fleet_.publish(only_the_last());
  settle();
  waiting->send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nold");
  ASSERT_TRUE(until([&] { return client.incoming.ends_with("old"); }));
}

TEST_F(FleetTest, AListenerHasStoppedWhenNoWorkerUsesIt) {
  start_fleet(1);
  Fleet::News news{.snapshot = members_[0]->worker->snapshot(),
                   .options = options_,
                   .opened = {},
                   .removed = {1}};
  std::vector<size_t> stopped;
  fleet_.when_stopped({0, 1}, [&](size_t number) { stopped.push_back(number); });
  world_.run_for(std::chrono::milliseconds(100));
  EXPECT_TRUE(stopped.empty());
  fleet_.publish(news);
  ASSERT_TRUE(until([&] { return !stopped.empty(); }));
  world_.run_for(std::chrono::milliseconds(100));
  EXPECT_THAT(stopped, ElementsAre(1U));
  EXPECT_THAT(get(), EndsWith("hi")) << "the other one accepts";
  news.removed = {0};
  fleet_.publish(news);
  ASSERT_TRUE(until([&] { return stopped.size() == 2; }));
}

TEST_F(FleetTest, CountsWhatIsLeftOverAllWorkers) {
  start_fleet(1);
  EXPECT_EQ(ask_left().connections, 0U);
  servers_[0]->on_request = [](net::TestPeer&, const std::string&) {};
  for (int i = 0; i < 5; ++i) ask("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  ask("hello\n");  // no request
  connect(kTcpPort);
  settle();
  ASSERT_TRUE(until([&] { return servers_[0]->requests.size() == 5; }));
  const Left left = ask_left();
  EXPECT_EQ(left.exchanges, 5U);
  EXPECT_EQ(left.flows, 1U);
  EXPECT_GE(left.connections, 6U);
}

TEST_F(FleetTest, DrainIsDoneWithTheLastWorker) {
  start_fleet(1);
  net::TestPeer* waiting = nullptr;
  servers_[0]->on_request = [&](net::TestPeer& peer, const std::string&) { waiting = &peer; };
  net::TestPeer& client = ask("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_TRUE(until([&] { return waiting != nullptr; }));
  bool done = false;
  fleet_.drain([&] { done = true; });
  world_.run_for(std::chrono::seconds(2));
  EXPECT_FALSE(done);
  waiting->send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nend");
  ASSERT_TRUE(until([&] { return done; }));
  EXPECT_THAT(client.incoming, HasSubstr("Connection: close"));
  for (const auto& m : members_) m->drained = true;
}

TEST_F(FleetTest, ShutCutsWhatADrainWaitsFor) {
  start_fleet(1);
  servers_[0]->on_request = [](net::TestPeer&, const std::string&) {};
  ask("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_TRUE(until([&] { return servers_[0]->requests.size() == 1; }));
  bool done = false;
  fleet_.drain([&] { done = true; });
  settle();
  fleet_.shut();
  ASSERT_TRUE(until([&] { return done; }));
  EXPECT_EQ(records_.at(0).record.end, telemetry::End::kShutdown);
  for (const auto& m : members_) m->drained = true;
}

}  // namespace
}  // namespace giliran::control
