// What kind of world a seed stands for.
#pragma once

#include <cstdint>
#include <string>

#include "base/rng.h"
#include "net/memory.h"
#include "proxy/options.h"
#include "sim/ledger.h"

namespace giliran::sim {

struct Scenario {
  uint64_t seed = 0;
  bool calm = false;  // nothing fails: then everything must succeed
  net::MemoryOptions network;
  proxy::Options proxy;
  std::string policy = "round-robin";
  uint32_t workers = 1;
  uint32_t http_servers = 1;
  uint32_t flow_servers = 1;
  uint32_t clients = 1;
  uint32_t flows = 0;
  uint32_t requests_each = 8;
  double fault = 0;       // part of requests, servers and clients that do something bad
  base::Duration idle{};  // after which servers close; 0: never
  enum class Stop : uint8_t { kAtTheEnd, kDrain, kShut } stop = Stop::kAtTheEnd;
  base::Duration stop_after{};

  static Scenario from_seed(uint64_t seed);
  std::string text() const;  // one line

  // One request, one flow of this world.
  RequestPlan plan_request(base::Rng& random, bool http10) const;
  FlowPlan plan_flow(base::Rng& random) const;
};

// A span of time between the two, both in microseconds.
base::Duration random_us(base::Rng& random, uint64_t from, uint64_t to);

}  // namespace giliran::sim
