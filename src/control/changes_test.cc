#include "control/changes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace giliran::control {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;

// A configuration and its snapshot, one after the other.
class Changes : public testing::Test {
 protected:
  Changes() {
    config_.listeners.push_back({.listen = {.host_port = "127.0.0.1:80"}, .pool = "app"});
    config_.pools.push_back({.name = "app"});
    serve(0, {{"a", 1}, {"b", 2}});
    next();
  }

  struct Server {
    std::string name;
    uint16_t port;
    uint32_t weight = 1;
  };
  void serve(size_t pool, const std::vector<Server>& servers) {
    members_.resize(config_.pools.size());
    members_[pool].clear();
    config_.pools[pool].servers.clear();
    for (const Server& s : servers) {
      members_[pool].push_back(
          {.name = s.name, .address = base::Address::loopback(s.port), .weight = s.weight});
      config_.pools[pool].servers.push_back({.spec = {.host_port = s.name, .weight = s.weight}});
    }
  }
  // What has changed since the last time.
  std::string next() {
    std::vector<cluster::Bound> bound;
    uint16_t port = 80;
    for (const config::Listener& listener : config_.listeners) {
      bound.push_back({.listener = &listener, .address = base::Address::loopback(port++)});
    }
    auto made = cluster::make_snapshot(config_, members_, bound, now_.get());
    EXPECT_TRUE(made);
    const std::string text = now_ == nullptr ? "" : changes(was_, *now_, config_, **made);
    was_ = config_;
    now_ = *made;
    return text;
  }

  config::Coordinator config_, was_;
  std::vector<std::vector<cluster::Member>> members_;
  std::shared_ptr<const cluster::Snapshot> now_;
};

TEST_F(Changes, Nothing) {
  EXPECT_EQ(next(), "nothing changed");
}

TEST_F(Changes, Servers) {
  serve(0, {{"b", 2}, {"c", 3}, {"d", 4}});
  EXPECT_EQ(next(), "pool app: 2 servers added (c, d), 1 removed (a)");
  serve(0, {{"b", 2, 7}, {"c", 3}, {"d", 4}});
  EXPECT_EQ(next(), "pool app: 1 server changed (b: weight 7, was 1)");
  serve(0, {{"d", 4}, {"c", 3}, {"b", 2, 7}});
  EXPECT_EQ(next(), "nothing changed") << "but their order";
}

TEST_F(Changes, OfManyServersTheFirst) {
  std::vector<Server> many;
  for (uint16_t i = 0; i < 20; ++i) many.push_back({"s" + std::to_string(i), i});
  serve(0, many);
  EXPECT_EQ(next(),
            "pool app: 20 servers added (s0, s1, s2, s3, s4, s5, s6, s7 and 12 more), 2 removed "
            "(a, b)");
}

TEST_F(Changes, Listeners) {
  config_.listeners.push_back({.listen = {.host_port = "127.0.0.1:81"}, .pool = "app"});
  EXPECT_EQ(next(), "1 listener added (http://127.0.0.1:81)");
  config_.listeners[0].connections_max = 9;
  config_.listeners[1].routes.push_back({.path = "/x", .pool = "app"});
  EXPECT_EQ(next(),
            "2 listeners changed (127.0.0.1:80: connections_max 9, was 0; 127.0.0.1:81: route)");
  config_.listeners.pop_back();
  EXPECT_EQ(next(), "1 listener removed (http://127.0.0.1:81)");
  EXPECT_EQ(next(), "nothing changed") << "it is removed once";
}

TEST_F(Changes, Pools) {
  config_.pools.push_back({.name = "api"});
  serve(1, {{"x", 9}});
  EXPECT_EQ(next(), "pool api added (1 server: x)");
  config_.pools[0].policy = "least-requests";
  config_.pools[1].queue_max = 3;
  EXPECT_EQ(next(),
            "pool app: policy least-requests, was round-robin; pool api: options changed "
            "(queue_max 3, was 1024)");
  config_.pools.pop_back();
  members_.pop_back();
  EXPECT_EQ(next(), "pool api removed");
}

TEST_F(Changes, TheRest) {
  config_.timeouts.idle_timeout = std::chrono::seconds(1);
  config_.limits.fields_max = 1;
  config_.backoff_max = std::chrono::seconds(1);
  config_.answers[503] = {};
  config_.drain_timeout = std::chrono::seconds(1);
  EXPECT_EQ(next(),
            "timeouts changed (idle_timeout 1s, was 1m; backoff_max 1s, was 10s); limits changed "
            "(fields_max 1, was 100); answers changed (503); drain_timeout 1s, was 30s");
}

TEST(NeedsRestart, SaysWhatStaysAndKeepsIt) {
  Plan running;
  running.workers = running.workers_wanted = 2;
  running.config.log = {.path = "a.log", .format = config::LogFormat::kJson};
  Plan next;
  next.workers = 2;
  next.workers_wanted = 4;
  next.config.threads = 4;
  next.config.log = {
      .path = "b.log", .format = config::LogFormat::kCombined, .full = config::LogFull::kWait};
  next.config.seed = 3;
  next.config.quiet = true;
  EXPECT_THAT(
      needs_restart(running, next),
      ElementsAre("threads stays 2 until a restart", "log stays a.log until a restart",
                  "log format stays json until a restart", "log full stays drop until a restart",
                  "seed stays random until a restart", "quiet stays false until a restart"));
  running.config.log.format = config::LogFormat::kAuto;
  EXPECT_THAT(needs_restart(running, next), Contains("log format stays auto until a restart"));
  keep_until_restart(running, next);
  EXPECT_EQ(next.config.log, running.config.log);
  EXPECT_FALSE(next.config.quiet);
  next.workers_wanted = 2;
  EXPECT_THAT(needs_restart(running, next), IsEmpty());
}

}  // namespace
}  // namespace giliran::control
