#include "control/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace giliran::control {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

config::Listener listener(std::string host_port, std::string name = "") {
  return {.name = std::move(name), .listen = {.host_port = std::move(host_port)}, .pool = "app"};
}

config::Coordinator configuration(std::vector<std::string> servers = {"127.0.0.1:9001"}) {
  config::Coordinator config;
  config.listeners.push_back(listener("127.0.0.1:8080"));
  config.pools.push_back({.name = "app"});
  for (std::string& server : servers) {
    config.pools[0].servers.push_back({.spec = {.host_port = std::move(server)}});
  }
  return config;
}

const Surroundings kFlags{.descriptors = 1000, .processors = 3};
const Surroundings kFile{.descriptors = 1000, .processors = 3, .from_file = true};

std::string error(config::Coordinator config, const Surroundings& surroundings) {
  const auto plan = make_plan(std::move(config), surroundings);
  return plan ? "no error" : plan.error().message;
}

TEST(MakePlan, ResolvesAndDerives) {
  const auto plan = make_plan(configuration({"127.0.0.1:9001", "[::1]:9002"}), kFlags);
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_EQ(plan->workers, 3U);
  ASSERT_EQ(plan->members.size(), 1U);
  EXPECT_EQ(plan->members[0][1].address.text(), "[::1]:9002");
  ASSERT_EQ(plan->places.size(), 1U);
  EXPECT_EQ(plan->places[0].address.text(), "127.0.0.1:8080");
  EXPECT_EQ(plan->config.limits.connections_max, 0U) << "as it was configured";
  EXPECT_GT(plan->limits.connections_max, 300U);
  EXPECT_EQ(plan->options().connections_max, plan->limits.connections_max);
  EXPECT_THAT(describe(*plan), HasSubstr(" connections (1000 descriptors)"));
}

TEST(MakePlan, WorkersThatRunStayAsTheyAre) {
  config::Coordinator config = configuration();
  config.threads = 7;
  Surroundings running = kFile;
  running.workers = 2;
  const auto plan = make_plan(config, running);
  EXPECT_EQ(plan->workers, 2U);
  EXPECT_EQ(plan->workers_wanted, 7U);
}

TEST(MakePlan, ErrorsNameTheFlagOrTheKey) {
  const auto twice = [] { return configuration({"127.0.0.1:1", "127.0.0.1:01"}); };
  EXPECT_THAT(error(twice(), kFlags), StartsWith("--server 127.0.0.1:1 and --server "));
  EXPECT_THAT(error(twice(), kFile), StartsWith("pool 'app': 127.0.0.1:1 and "));
  const auto unknown = [] { return configuration({"no-such-host.invalid:80"}); };
  EXPECT_THAT(error(unknown(), kFlags), StartsWith("--server: cannot find host"));
  EXPECT_THAT(error(unknown(), kFile), StartsWith("pool 'app', server 'no-such-host.invalid:80'"));
  config::Coordinator same = configuration();
  same.listeners.push_back(listener("127.0.0.1:8080", "web"));
  EXPECT_THAT(error(same, kFlags),
              StartsWith("--listen 127.0.0.1:8080 and listener 'web' (127.0.0.1:8080)"));
  EXPECT_THAT(error(same, kFile), StartsWith("listener 1 (127.0.0.1:8080) and listener 'web'"));
  EXPECT_THAT(error({}, kFlags), HasSubstr("--listen"));
  EXPECT_THAT(error({}, kFile), HasSubstr("[[listener]]"));
  config::Coordinator policy = configuration();
  policy.pools[0].policy = "fair";
  EXPECT_THAT(error(policy, kFile), AllOf(StartsWith("pool 'app': "), HasSubstr("fair")));
}

TEST(MakePlan, OneAddressTwiceNeedsANameEach) {
  config::Coordinator config = configuration({"127.0.0.1:9001", "127.0.0.1:09001"});
  const auto told = [&](const Surroundings& surroundings) {
    return make_plan(config, surroundings).error().message;
  };
  EXPECT_THAT(told(kFlags), HasSubstr("are the same server (127.0.0.1:9001); give it once, with "
                                      "=WEIGHT for a larger share, or give each a name in a file"));
  EXPECT_THAT(told(kFile), AllOf(StartsWith("pool 'app': "), HasSubstr("or give each a name")));
  config.pools[0].servers[0].name = "blue";
  EXPECT_THAT(told(kFile), HasSubstr("blue and 127.0.0.1:09001 are the same server"));
  config.pools[0].servers[1].name = "green";
  const auto plan = make_plan(config, kFile);
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_EQ(plan->members[0][0].name, "blue");
  EXPECT_EQ(plan->members[0][1].name, "green");
  EXPECT_EQ(plan->members[0][0].address, plan->members[0][1].address);
}

TEST(MakePlan, TwoFreePortsAreTwoPlaces) {
  config::Coordinator config = configuration();
  config.listeners = {listener("127.0.0.1:0"), listener("127.0.0.1:0")};
  EXPECT_EQ(make_plan(config, kFlags)->places.size(), 2U);
}

TEST(MakePlan, AnInheritedSocketByItsNumber) {
  config::Coordinator config = configuration();
  config.listeners = {listener("fd@4", "web")};
  EXPECT_THAT(error(config, kFile),
              "listener 'web' (fd@4): descriptor 4 was not passed at the start as a listening "
              "socket");
  Surroundings passed = kFile;
  passed.inherited = {{3, base::Address::loopback(80)}, {4, base::Address::loopback(81)}};
  const auto plan = make_plan(config, passed);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->places[0].address, base::Address::loopback(81));
  EXPECT_EQ(plan->places[0].descriptor, 4);
}

}  // namespace
}  // namespace giliran::control
