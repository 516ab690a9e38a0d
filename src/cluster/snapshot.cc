#include "cluster/snapshot.h"

#include <fmt/format.h>

#include <algorithm>

namespace giliran::cluster {
namespace {

uint32_t next_endpoint_id() {
  static std::atomic<uint32_t> next{0};
  return next.fetch_add(1, std::memory_order_relaxed);
}

// The same server as before, with what it remembers, or a new one.
std::shared_ptr<Endpoint> take_over(const Member& member, const Pool* before) {
  if (before != nullptr) {
    const auto same = std::ranges::find_if(before->endpoints, [&](const auto& endpoint) {
      return endpoint->name == member.name && endpoint->address == member.address;
    });
    if (same != before->endpoints.end()) return *same;
  }
  auto endpoint = std::make_shared<Endpoint>();
  endpoint->id = next_endpoint_id();
  endpoint->name = member.name;
  endpoint->address = member.address;
  return endpoint;
}

bool same_members(const Pool& a, const Pool& b) {
  return a.endpoints == b.endpoints && a.weights == b.weights && a.in_flight_max == b.in_flight_max;
}

base::Result<std::shared_ptr<const Pool>> pool_named(const Snapshot& snapshot,
                                                     const std::string& name) {
  if (name.empty()) return nullptr;
  const auto found =
      std::ranges::find_if(snapshot.pools, [&](const auto& pool) { return pool->name == name; });
  if (found == snapshot.pools.end()) return base::fail(fmt::format("there is no pool '{}'", name));
  return *found;
}

// Who is connected to a listener that was taken out goes on by its routes, with the pools as they
// are now; with those it had, where they were taken out too.
std::shared_ptr<const Listener> retire(const Snapshot& now, const Listener& old) {
  auto listener = std::make_shared<Listener>(old);
  listener->retired = true;
  const auto renew = [&](std::shared_ptr<const Pool>& pool) {
    if (pool == nullptr) return;
    const auto same = std::ranges::find(now.pools, pool->name, &Pool::name);
    if (same != now.pools.end()) pool = *same;
  };
  renew(listener->pool);
  for (Route& route : listener->routes) renew(route.pool);
  return listener;
}

base::Result<void> add_listener(Snapshot& snapshot, const Bound& bound, const Snapshot* before) {
  auto listener = std::make_shared<Listener>();
  listener->options = *bound.listener;
  listener->address = bound.address;
  listener->name = bound.listener->name.empty() ? bound.address.text() : bound.listener->name;
  listener->pool = GILIRAN_TRY(pool_named(snapshot, bound.listener->pool));
  for (const config::Route& route : bound.listener->routes) {
    listener->routes.push_back(
        {.options = route, .pool = GILIRAN_TRY(pool_named(snapshot, route.pool))});
  }
  size_t number = snapshot.listeners.size();
  if (before != nullptr) {
    for (size_t i = 0; i < before->listeners.size(); ++i) {
      const Listener& old = *before->listeners[i];
      if (old.retired || old.address != bound.address ||
          old.options.listen.scheme != bound.listener->listen.scheme) {
        continue;
      }
      number = i;
      listener->state = old.state;
    }
  }
  if (listener->state == nullptr) listener->state = std::make_shared<ListenerState>();
  if (number == snapshot.listeners.size()) snapshot.listeners.emplace_back();
  snapshot.listeners[number] = std::move(listener);
  return {};
}

}  // namespace

base::Result<std::shared_ptr<const Pool>> make_pool(const config::Pool& options,
                                                    const std::vector<Member>& members,
                                                    const std::shared_ptr<const Pool>& before) {
  const balance::Policy* rule = GILIRAN_TRY(balance::find_policy(options.policy));
  auto pool = std::make_shared<Pool>();
  pool->options = options;
  pool->name = options.name;
  pool->policy = rule->name();
  pool->state = before != nullptr ? before->state : std::make_shared<PoolState>();
  std::vector<balance::Candidate> candidates;
  for (const Member& member : members) {
    auto endpoint = take_over(member, before.get());
    candidates.push_back({.id = endpoint->id, .weight = member.weight});
    pool->live.push_back(&endpoint->live);
    pool->weights.push_back(member.weight);
    pool->in_flight_max.push_back(member.in_flight_max != 0 ? member.in_flight_max
                                                            : options.in_flight_max);
    pool->endpoints.push_back(std::move(endpoint));
  }
  if (before != nullptr && before->options == options && same_members(*before, *pool)) {
    return before;
  }
  pool->limited = std::ranges::any_of(pool->in_flight_max, [](uint32_t max) { return max != 0; });
  if (!options.sticky_cookie.empty()) {
    std::vector<std::string_view> names;
    for (const auto& endpoint : pool->endpoints) names.push_back(endpoint->name);
    pool->sticky = balance::StickyTable(pool->name, names);
  }
  pool->prepared = rule->prepare(candidates);
  return pool;
}

base::Result<std::shared_ptr<const Snapshot>> make_snapshot(
    const config::Coordinator& config, std::span<const std::vector<Member>> members,
    std::span<const Bound> bound, const Snapshot* before) {
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->answers = config.answers;
  for (size_t i = 0; i < config.pools.size(); ++i) {
    std::shared_ptr<const Pool> old;
    if (before != nullptr) {
      for (const auto& pool : before->pools) {
        if (pool->name == config.pools[i].name) old = pool;
      }
    }
    snapshot->pools.push_back(GILIRAN_TRY(make_pool(config.pools[i], members[i], old)));
  }
  if (before != nullptr) {
    for (const auto& old : before->listeners) {
      snapshot->listeners.push_back(retire(*snapshot, *old));
    }
  }
  for (const Bound& b : bound) GILIRAN_TRY_VOID(add_listener(*snapshot, b, before));
  return snapshot;
}

std::shared_ptr<const Listener> make_listener(config::Scheme scheme, std::string name,
                                              std::shared_ptr<const Pool> pool) {
  auto listener = std::make_shared<Listener>();
  listener->options.listen.scheme = scheme;
  listener->name = std::move(name);
  listener->pool = std::move(pool);
  listener->state = std::make_shared<ListenerState>();
  return listener;
}

}  // namespace giliran::cluster
