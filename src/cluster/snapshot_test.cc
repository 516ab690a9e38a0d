#include "cluster/snapshot.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "base/rng.h"

namespace giliran::cluster {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Member member(std::string name, uint16_t port, uint32_t weight = 1) {
  return {.name = std::move(name), .address = base::Address::loopback(port), .weight = weight};
}

config::Pool options(std::string name = "app") {
  return {.name = std::move(name)};
}

std::shared_ptr<const Pool> pool_of(const std::vector<Member>& members,
                                    const std::shared_ptr<const Pool>& before = nullptr,
                                    const config::Pool& pool = options()) {
  auto made = make_pool(pool, members, before);
  EXPECT_TRUE(made) << made.error().message;
  return made ? *made : nullptr;
}

// --- pools ---

TEST(MakePool, NothingNewIsTheSamePool) {
  const auto first = pool_of({member("a", 1), member("b", 2, 3)});
  EXPECT_EQ(pool_of({member("a", 1), member("b", 2, 3)}, first), first);
}

TEST(MakePool, AServerIsTheSameByNameAndAddress) {
  const auto first = pool_of({member("a", 1), member("b", 2), member("c", 3)});
  // a has moved, b is called otherwise, c is where it was.
  const auto second = pool_of({member("c", 3), member("a", 9), member("b2", 2)}, first);
  ASSERT_NE(second, first);
  EXPECT_EQ(second->endpoints[0], first->endpoints[2]);
  for (const auto& old : first->endpoints) {
    EXPECT_NE(second->endpoints[1], old);
    EXPECT_NE(second->endpoints[2], old);
  }
}

TEST(MakePool, AWeightChangesWithoutTheServer) {
  const auto first = pool_of({member("a", 1), member("b", 2)});
  first->live[1]->chosen = 41;
  const auto second = pool_of({member("a", 1), member("b", 2, 5)}, first);
  ASSERT_NE(second, first);
  EXPECT_EQ(second->endpoints, first->endpoints);
  EXPECT_THAT(second->weights, ElementsAre(1, 5));
  EXPECT_EQ(second->live[1]->chosen, 41U);
  EXPECT_THAT(first->weights, ElementsAre(1, 1)) << "a snapshot that is in use does not change";
}

TEST(MakePool, TurnsGoOnOverAChange) {
  const auto first = pool_of({member("a", 1)});
  first->state->turns.ticket = 1000;
  const auto second = pool_of({member("a", 1), member("b", 2)}, first);
  EXPECT_EQ(second->state, first->state);
  EXPECT_EQ(second->state->turns.ticket, 1000U);
}

TEST(MakePool, OptionsAreNewWithTheServersKept) {
  const auto first = pool_of({member("a", 1)});
  config::Pool other = options();
  other.policy = "least-requests";
  other.in_flight_max = 7;
  const auto second = pool_of({member("a", 1)}, first, other);
  ASSERT_NE(second, first);
  EXPECT_EQ(second->policy, "least-requests");
  EXPECT_EQ(second->endpoints, first->endpoints);
  EXPECT_THAT(second->in_flight_max, ElementsAre(7));
}

TEST(MakePool, AServersOwnLimitIsStrongerThanThePools) {
  config::Pool limited = options();
  limited.in_flight_max = 7;
  Member own = member("b", 2);
  own.in_flight_max = 3;
  const auto pool = pool_of({member("a", 1), own}, nullptr, limited);
  EXPECT_THAT(pool->in_flight_max, ElementsAre(7, 3));
}

TEST(MakePool, AServerThatComesBackIsAnotherOne) {
  const auto first = pool_of({member("a", 1), member("b", 2)});
  const auto without = pool_of({member("a", 1)}, first);
  const auto again = pool_of({member("a", 1), member("b", 2)}, without);
  EXPECT_EQ(again->endpoints[0], first->endpoints[0]);
  EXPECT_NE(again->endpoints[1], first->endpoints[1]);
  EXPECT_NE(again->endpoints[1]->id, first->endpoints[1]->id);
}

TEST(MakePool, AnUnknownPolicyIsAnErrorWithItsName) {
  config::Pool odd = options();
  odd.policy = "round-robbin";
  const auto made = make_pool(odd, {member("a", 1)});
  ASSERT_FALSE(made);
  EXPECT_THAT(made.error().message, HasSubstr("round-robbin"));
}

TEST(MakePool, ServersCountWhatIsChosenForThem) {
  const auto pool = pool_of({member("a", 1), member("b", 2, 2)});
  base::Rng random(1);
  const auto yes = [](uint32_t) { return true; };
  std::vector<int> turns(2);
  for (int i = 0; i < 30; ++i) {
    const auto chosen = pool->prepared->choose(
        {.pool = pool->state->turns, .live = pool->live, .usable = yes, .random = random});
    ASSERT_TRUE(chosen);
    ++turns[*chosen];
  }
  EXPECT_THAT(turns, ElementsAre(10, 20));
}

// --- snapshots ---

// A configuration of names and numbers; addresses by port.
struct World {
  config::Coordinator config{};
  std::vector<std::vector<Member>> members{};

  void pool(const std::string& name, std::vector<Member> servers) {
    config.pools.push_back(options(name));
    members.push_back(std::move(servers));
  }
  void listener(uint16_t port, const std::string& pool,
                config::Scheme scheme = config::Scheme::kHttp) {
    config.listeners.push_back(
        {.listen = {.scheme = scheme, .host_port = fmt::format("127.0.0.1:{}", port)},
         .pool = pool});
    ports.push_back(port);
  }
  base::Result<std::shared_ptr<const Snapshot>> make(const Snapshot* before = nullptr) const {
    std::vector<Bound> bound;
    for (size_t i = 0; i < ports.size(); ++i) {
      bound.push_back(
          {.listener = &config.listeners[i], .address = base::Address::loopback(ports[i])});
    }
    return make_snapshot(config, members, bound, before);
  }

  std::vector<uint16_t> ports{};
};

std::vector<uint16_t> ports_of(const Snapshot& snapshot) {
  std::vector<uint16_t> ports;
  for (const auto& listener : snapshot.listeners) {
    ports.push_back(listener->retired ? 0 : listener->address.port());
  }
  return ports;
}

TEST(MakeSnapshot, ListenersKeepTheirNumbers) {
  World first;
  first.pool("app", {member("a", 1)});
  for (const uint16_t port : std::initializer_list<uint16_t>{80, 81, 82})
    first.listener(port, "app");
  const auto one = *first.make();
  one->listeners[1]->state->connections = 5;
  World second;
  second.pool("app", {member("a", 1)});
  for (const uint16_t port : std::initializer_list<uint16_t>{90, 82, 81})
    second.listener(port, "app");
  const auto two = *second.make(one.get());
  EXPECT_THAT(ports_of(*two), ElementsAre(0, 81, 82, 90));
  EXPECT_EQ(two->listeners[1]->state, one->listeners[1]->state);
  EXPECT_EQ(two->listeners[1]->state->connections, 5U);
  EXPECT_THAT(ports_of(*one), ElementsAre(80, 81, 82)) << "the old one is untouched";
}

TEST(MakeSnapshot, AListenerThatComesBackHasANewNumber) {
  World both;
  both.pool("app", {member("a", 1)});
  both.listener(80, "app");
  both.listener(81, "app");
  World less;
  less.pool("app", {member("a", 1)});
  less.listener(81, "app");
  const auto one = *both.make();
  const auto two = *less.make(one.get());
  const auto three = *both.make(two.get());
  EXPECT_THAT(ports_of(*three), ElementsAre(0, 81, 80));
  EXPECT_NE(three->listeners[2]->state, one->listeners[0]->state);
}

TEST(MakeSnapshot, AnotherSchemeIsAnotherListener) {
  World http, tcp;
  for (World* world : {&http, &tcp}) world->pool("app", {member("a", 1)});
  http.listener(80, "app");
  tcp.listener(80, "app", config::Scheme::kTcp);
  const auto one = *http.make();
  const auto two = *tcp.make(one.get());
  EXPECT_THAT(ports_of(*two), ElementsAre(0, 80));
}

TEST(MakeSnapshot, PoolsThatDidNotChangeAreShared) {
  World world;
  world.pool("app", {member("a", 1)});
  world.pool("api", {member("b", 2)});
  world.listener(80, "app");
  const auto one = *world.make();
  world.members[1].push_back(member("c", 3));
  const auto two = *world.make(one.get());
  EXPECT_EQ(two->pools[0], one->pools[0]);
  EXPECT_NE(two->pools[1], one->pools[1]);
  EXPECT_EQ(two->pools[1]->state, one->pools[1]->state);
  EXPECT_EQ(two->listeners[0]->pool, two->pools[0]);
}

TEST(MakeSnapshot, WhoIsConnectedToARetiredListenerGetsThePoolsOfNow) {
  World first;
  first.pool("app", {member("a", 1)});
  first.pool("old", {member("b", 2)});
  first.listener(80, "app");
  first.config.listeners[0].routes = {{.path = "/old", .pool = "old"}};
  const auto one = *first.make();
  World second;
  second.pool("app", {member("a", 1), member("c", 3)});
  second.listener(81, "app");
  const auto two = *second.make(one.get());
  ASSERT_TRUE(two->listeners[0]->retired);
  EXPECT_EQ(two->listeners[0]->pool, two->pools[0]);
  EXPECT_EQ(two->listeners[0]->routes[0].pool, one->pools[1]) << "its pool was taken out";
  EXPECT_EQ(two->listeners[0]->state, one->listeners[0]->state);
}

TEST(MakeSnapshot, AnUnknownPoolIsAnErrorWithItsName) {
  World world;
  world.pool("app", {member("a", 1)});
  world.listener(80, "appp");
  EXPECT_THAT(world.make().error().message, HasSubstr("'appp'"));
  world.config.listeners[0].pool = "app";
  world.config.listeners[0].routes = {{.path = "/x", .pool = "apx"}};
  EXPECT_THAT(world.make().error().message, HasSubstr("'apx'"));
}

TEST(MakeSnapshot, AListenerWithoutAPoolAnswersByItsRoutesOnly) {
  World world;
  world.listener(80, "");
  const auto made = world.make();
  ASSERT_TRUE(made);
  EXPECT_EQ((*made)->listeners[0]->pool, nullptr);
}

// --- any sequence of reloads ---

// What was ever seen, by what is told apart in a configuration.
class Reloads {
 public:
  explicit Reloads(uint64_t seed) : random_(seed) {}

  void step() {
    const World world = draw();
    const auto made = world.make(now_.get());
    ASSERT_TRUE(made) << made.error().message;
    check_pools(world, **made);
    check_listeners(world, **made);
    now_ = *made;
  }

 private:
  bool maybe(uint32_t one_in) { return random_.below(one_in) == 0; }

  World draw() {
    World world;
    for (const char* name : {"p0", "p1", "p2"}) {
      if (name != std::string("p0") && maybe(3)) continue;
      std::vector<Member> servers;
      for (uint16_t port = 1; port <= 5; ++port) {
        if (!maybe(3)) servers.push_back(member(fmt::format("s{}", port), port, weight()));
      }
      world.pool(name, std::move(servers));
    }
    for (uint16_t port = 80; port < 84; ++port) {
      if (maybe(3)) continue;
      world.listener(port, "p0", maybe(4) ? config::Scheme::kTcp : config::Scheme::kHttp);
    }
    return world;
  }
  uint32_t weight() { return maybe(4) ? 2 : 1; }

  void check_pools(const World& world, const Snapshot& next) {
    ASSERT_EQ(next.pools.size(), world.config.pools.size());
    std::set<uint32_t> used;
    for (size_t i = 0; i < next.pools.size(); ++i) {
      const Pool& pool = *next.pools[i];
      const Pool* before = find(pool.name);
      EXPECT_TRUE(before == nullptr || pool.state == before->state);
      ASSERT_EQ(pool.endpoints.size(), world.members[i].size());
      for (size_t e = 0; e < pool.endpoints.size(); ++e) {
        const auto& endpoint = pool.endpoints[e];
        EXPECT_EQ(endpoint->name, world.members[i][e].name);
        EXPECT_EQ(endpoint->address, world.members[i][e].address);
        EXPECT_EQ(pool.weights[e], world.members[i][e].weight);
        EXPECT_EQ(pool.live[e], &endpoint->live);
        EXPECT_TRUE(used.insert(endpoint->id).second) << "an id twice in one snapshot";
        check_identity(before, endpoint);
      }
    }
  }

  void check_identity(const Pool* before, const std::shared_ptr<Endpoint>& endpoint) {
    const Endpoint* old = nullptr;
    if (before != nullptr) {
      for (const auto& o : before->endpoints) {
        if (o->name == endpoint->name && o->address == endpoint->address) old = o.get();
      }
    }
    if (old != nullptr) {
      EXPECT_EQ(old, endpoint.get()) << "it was there: it keeps what it counted";
    } else {
      EXPECT_TRUE(ids_.insert(endpoint->id).second) << "an id is used again";
    }
  }

  void check_listeners(const World& world, const Snapshot& next) {
    const size_t before = now_ == nullptr ? 0 : now_->listeners.size();
    ASSERT_GE(next.listeners.size(), before);
    size_t active = 0;
    for (size_t i = 0; i < next.listeners.size(); ++i) {
      const Listener& listener = *next.listeners[i];
      ASSERT_NE(listener.state, nullptr);
      active += listener.retired ? 0 : 1;
      if (i >= before) {
        EXPECT_FALSE(listener.retired);
        EXPECT_TRUE(states_.insert(listener.state).second);
        continue;
      }
      const Listener& old = *now_->listeners[i];
      EXPECT_EQ(listener.state, old.state);
      EXPECT_EQ(listener.address, old.address);
      EXPECT_EQ(listener.options.listen.scheme, old.options.listen.scheme);
      EXPECT_TRUE(listener.retired || !old.retired) << "retired for good";
    }
    EXPECT_EQ(active, world.ports.size());
  }

  const Pool* find(const std::string& name) const {
    if (now_ == nullptr) return nullptr;
    for (const auto& pool : now_->pools) {
      if (pool->name == name) return pool.get();
    }
    return nullptr;
  }

  base::Rng random_;
  std::shared_ptr<const Snapshot> now_;
  std::set<uint32_t> ids_;
  std::set<std::shared_ptr<ListenerState>> states_;
};

TEST(MakeSnapshot, AnySequenceOfReloadsKeepsWhoIsWho) {
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE(seed);
    Reloads reloads(seed);
    for (int i = 0; i < 20; ++i) reloads.step();
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace giliran::cluster
