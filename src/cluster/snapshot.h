// Who exists, as workers see it: immutable, shared, replaced as a whole. What lives longer than one
// snapshot (counters, tickets, marks, queues) belongs to the stable identity of an endpoint, a pool
// or a listener.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "balance/policy.h"
#include "balance/queue_live.h"
#include "balance/sticky_table.h"
#include "base/address.h"
#include "base/error.h"
#include "config/coordinator.h"
#include "health/backoff.h"
#include "health/retry_budget.h"

namespace giliran::cluster {

// One address of a pool that may be picked. Stable identity; all members but the atomics inside are
// constant. What a choice and an attempt need is one cache line: of thousands, each choice fetches
// another.
struct alignas(64) Endpoint {
  balance::EndpointLive live;
  health::Backoff backoff;
  base::Address address;
  uint32_t id = 0;  // dense, unique within the process
  // The next line.
  std::string name;  // as configured
  // What an operator was told last. Atomics.
  std::atomic<bool> trouble_told{false};   // and not yet that it is over
  std::atomic<base::Instant> kept_told{};  // that it fails and stays in use; 0: never
};
static_assert(sizeof(balance::EndpointLive) + sizeof(health::Backoff) + sizeof(base::Address) +
                  sizeof(uint32_t) <=
              64);

// What a pool remembers from one snapshot to the next. Atomics.
struct PoolState {
  balance::PoolLive turns;
  health::RetryBudget retry_budget;
  balance::QueueLive queue;
};

struct Pool {
  config::Pool options;
  std::string name;
  std::string policy;
  std::vector<std::shared_ptr<Endpoint>> endpoints;
  std::vector<balance::EndpointLive*> live;  // live[i] of endpoints[i]
  std::vector<uint32_t> weights;             // likewise
  std::vector<uint32_t> in_flight_max;       // likewise; 0: no limit
  bool limited = false;                      // any of these
  balance::StickyTable sticky;               // empty where there is no stickiness
  std::shared_ptr<PoolState> state;
  std::unique_ptr<const balance::Prepared> prepared;
};

struct Route {
  config::Route options;
  std::shared_ptr<const Pool> pool;  // null where the route answers by itself
};

// What a listener remembers from one snapshot to the next. Atomics.
struct ListenerState {
  std::atomic<uint32_t> connections{0};  // open now, over all workers
};

struct Listener {
  config::Listener options;
  std::string name;  // as configured, or the address it is bound to
  base::Address address;
  std::vector<Route> routes;         // in the order of the configuration
  std::shared_ptr<const Pool> pool;  // where no route matches; null: nowhere
  std::shared_ptr<ListenerState> state;
  bool retired = false;  // taken out of the configuration: accepts nothing, serves who is connected
};

struct Snapshot {
  // A listener keeps its number for the life of the process.
  std::vector<std::shared_ptr<const Listener>> listeners;
  // Every pool of the configuration. Pools that did not change are shared between snapshots.
  std::vector<std::shared_ptr<const Pool>> pools;
  std::map<uint16_t, config::Answer> answers;  // bodies of our own errors, by status
};

// A server with its name resolved.
struct Member {
  std::string name;
  base::Address address;
  uint32_t weight = 1;
  uint32_t in_flight_max = 0;
};

// A pool of these members; an error where its policy is unknown. Prepares it: off the workers.
// `before` (may be null) is the pool of that name so far: what did not change is taken over, the
// whole pool if nothing did.
base::Result<std::shared_ptr<const Pool>> make_pool(
    const config::Pool& options, const std::vector<Member>& members,
    const std::shared_ptr<const Pool>& before = nullptr);

// A listener's address, once it is known.
struct Bound {
  const config::Listener* listener = nullptr;
  base::Address address;
};

// The snapshot of a configuration. members[i] are those of config.pools[i]. Listeners of `before`
// (may be null) that come again keep their numbers; those that do not are retired.
base::Result<std::shared_ptr<const Snapshot>> make_snapshot(
    const config::Coordinator& config, std::span<const std::vector<Member>> members,
    std::span<const Bound> bound, const Snapshot* before = nullptr);

// For tests and simulations: one pool behind each of the listeners.
std::shared_ptr<const Listener> make_listener(config::Scheme scheme, std::string name,
                                              std::shared_ptr<const Pool> pool);

}  // namespace giliran::cluster
