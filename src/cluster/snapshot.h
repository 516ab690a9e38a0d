// Who exists, as workers see it: immutable, shared, replaced as a whole. What lives longer than one
// snapshot (counters, tickets, marks) belongs to the stable identity of an endpoint or a pool.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "balance/policy.h"
#include "base/address.h"
#include "base/error.h"
#include "health/backoff.h"

namespace giliran::cluster {

// One address of a pool that may be picked. Stable identity; all members but the atomics inside are
// constant.
struct Endpoint {
  uint32_t id = 0;   // dense, unique within the process
  std::string name;  // as configured
  base::Address address;
  uint32_t weight = 1;
  balance::EndpointLive live;
  health::Backoff backoff;
};

struct Pool {
  std::string name;
  std::string policy;
  std::vector<std::shared_ptr<Endpoint>> endpoints;
  std::vector<balance::EndpointLive*> live;  // live[i] of endpoints[i]
  std::shared_ptr<balance::PoolLive> turns;
  std::unique_ptr<const balance::Prepared> prepared;
};

struct Snapshot {
  // The pool of listener i. Pools that did not change are shared between snapshots.
  std::vector<std::shared_ptr<const Pool>> pool_of_listener;
};

struct Member {
  std::string name;
  base::Address address;
  uint32_t weight = 1;
};

// A pool of these members under that policy; an error where the policy is unknown. Prepares it: off
// the workers.
base::Result<std::shared_ptr<const Pool>> make_pool(std::string name, const std::string& policy,
                                                    const std::vector<Member>& members);

}  // namespace giliran::cluster
