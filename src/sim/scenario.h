// What kind of world a seed stands for.
#pragma once

#include <cstdint>
#include <string>

#include "base/rng.h"
#include "config/coordinator.h"
#include "net/memory.h"
#include "sim/ledger.h"

namespace giliran::sim {

constexpr uint64_t kTinyBodyMax = 3000;  // of bodies that come in pieces of a few bytes

struct Scenario {
  uint64_t seed = 0;
  bool calm = false;      // nothing fails: then everything must succeed
  bool extended = false;  // more than basic()
  net::MemoryOptions network;
  // Pools "http", "other" and "tcp" without their servers; listeners "http" and "tcp".
  config::Coordinator config;
  uint32_t workers = 1;
  uint32_t http_servers = 1;
  uint32_t other_servers = 0;
  uint32_t flow_servers = 1;
  uint32_t clients = 1;
  uint32_t flows = 0;
  uint32_t requests_each = 8;
  double fault = 0;       // part of requests, servers and clients that do something bad
  base::Duration idle{};  // after which servers close; 0: never
  enum class Stop : uint8_t { kAtTheEnd, kDrain, kShut } stop = Stop::kAtTheEnd;
  base::Duration stop_after{};
  bool tiny() const {
    return network.piece_bytes_max != 0;
  }  // all arrives in pieces of a few bytes
  // Parts of the requests.
  double upgrades = 0, routed = 0, busy = 0, denied = 0;
  bool announce = false;     // clients say who they are, in a PROXY header
  double bad_announce = 0;   // part of the connections that say it wrong
  uint32_t reloads = 0;      // changes of the configuration while it runs
  bool slow_spells = false;  // times in which the network is slow

  // basic: HTTP and flows alone, all limits at their defaults.
  static Scenario basic(uint64_t seed);
  static Scenario from_seed(uint64_t seed);
  std::string text() const;  // one line

  // One request, one flow of this world.
  RequestPlan plan_request(base::Rng& random, bool http10) const;
  FlowPlan plan_flow(base::Rng& random) const;

 private:
  void extend(base::Rng& random);
  void limit(base::Rng& random);
  void plan_extension(base::Rng& random, RequestPlan& plan) const;
  void plan_upgrade(base::Rng& random, RequestPlan& plan) const;
};

// Changes something that a reload may change.
void revise(config::Coordinator& config, base::Rng& random);

// A span of time between the two, both in microseconds.
base::Duration random_us(base::Rng& random, uint64_t from, uint64_t to);

}  // namespace giliran::sim
