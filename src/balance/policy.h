// The rule that picks an endpoint, in two steps: prepare once per snapshot, choose once per
// request. Pure: no clock, lock, I/O or allocation in choose(); the coordinator and the simulator
// link the same object files.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/function_ref.h"
#include "base/rng.h"

namespace giliran::balance {

// What a policy may know of an endpoint at prepare time. Index = position in the pool.
struct Candidate {
  uint64_t id = 0;      // stable identity (hashing policies)
  uint32_t weight = 1;  // 1..256
};

// Live counters of one endpoint; belongs to its stable identity and survives snapshots. Its owner
// sees that two endpoints share no cache line.
struct EndpointLive {
  std::atomic<uint32_t> in_flight{0};  // exchanges or flows on it now
  std::atomic<uint64_t> chosen{0};     // attempts ever
};

// Live state of a pool; survives snapshots.
struct alignas(64) PoolLive {
  std::atomic<uint64_t> ticket{0};  // whose turn it is, over all workers together
  // Whose turn it is to stand in for an endpoint that could not take its own, and to take retries.
  std::atomic<uint64_t> spill{0};
};

struct Request {
  PoolLive& pool;
  // live[i] belongs to candidate i.
  std::span<EndpointLive* const> live;
  // Healthy, not draining, under its limit, not tried yet in this exchange.
  base::FunctionRef<bool(uint32_t)> usable;
  uint64_t key = 0;    // affinity
  bool retry = false;  // retries spend no ticket
  base::Rng& random;
};

// What a policy prepared for one membership. Immutable, shared by all workers.
class Prepared {
 public:
  virtual ~Prepared() = default;
  // The index of the chosen candidate; absent where none is usable.
  virtual std::optional<uint32_t> choose(const Request& request) const = 0;
};

class Policy {
 public:
  virtual ~Policy() = default;
  virtual std::string_view name() const = 0;
  // Off the workers: may allocate and take its time. candidates may be empty.
  virtual std::unique_ptr<const Prepared> prepare(std::span<const Candidate> candidates) const = 0;
};

// The policy of that name (it lives as long as the process); an error that names the nearest and
// lists all.
base::Result<const Policy*> find_policy(std::string_view name);
std::vector<std::string_view> policy_names();

}  // namespace giliran::balance
