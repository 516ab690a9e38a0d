#include "proxy/choose.h"

namespace giliran::proxy {
namespace {

uint32_t limit_of(const cluster::Pool& pool, uint32_t i) {
  return pool.limited ? pool.in_flight_max[i] : 0;
}

bool has_room(const cluster::Pool& pool, uint32_t i) {
  const uint32_t max = limit_of(pool, i);
  return max == 0 || pool.endpoints[i]->live.in_flight.load(std::memory_order_relaxed) < max;
}

bool take_slot(const cluster::Pool& pool, uint32_t i) {
  std::atomic<uint32_t>& in_flight = pool.endpoints[i]->live.in_flight;
  const uint32_t max = limit_of(pool, i);
  if (max == 0) {
    in_flight.fetch_add(1, std::memory_order_relaxed);
    return true;
  }
  uint32_t seen = in_flight.load(std::memory_order_relaxed);
  while (seen < max) {
    if (in_flight.compare_exchange_weak(seen, seen + 1, std::memory_order_acquire,
                                        std::memory_order_relaxed)) {
      return true;
    }
  }
  return false;
}

}  // namespace

void release_slot(cluster::Endpoint& endpoint) {
  endpoint.live.in_flight.fetch_sub(1, std::memory_order_release);
}

Choice choose(const cluster::Pool& pool, const Wish& wish, base::Instant now, base::Duration trial,
              base::Rng& random) {
  if (wish.tried.full()) return {};
  Tried lost;  // their trial, or last slot, was won by another worker meanwhile
  bool full = false;
  const auto up = [&](uint32_t i) {
    return !wish.tried.has(i) && !lost.has(i) &&
           pool.endpoints[i]->backoff.look(now) != health::Verdict::kDown;
  };
  const auto take = [&](uint32_t i) {
    if (!take_slot(pool, i)) {
      full = true;
      return false;
    }
    if (pool.endpoints[i]->backoff.admit(now, trial) != health::Verdict::kDown) return true;
    release_slot(*pool.endpoints[i]);
    return false;
  };
  if (wish.preferred < pool.endpoints.size() && up(wish.preferred) && take(wish.preferred)) {
    return {.kind = Choice::Kind::kOne, .index = wish.preferred};
  }
  const auto usable = [&](uint32_t i) {
    if (!up(i)) return false;
    if (has_room(pool, i)) return true;
    full = true;
    return false;
  };
  while (wish.tried.count() + lost.count() < Tried::kMax) {
    const auto index =
        pool.prepared->choose({.pool = pool.state->turns,
                               .live = pool.live,
                               .usable = usable,
                               .retry = wish.tried.count() + lost.count() != 0 || wish.waited,
                               .random = random});
    if (!index) break;
    if (take(*index)) return {.kind = Choice::Kind::kOne, .index = *index};
    lost.add(*index);
  }
  return {.kind = full ? Choice::Kind::kFull : Choice::Kind::kNone};
}

}  // namespace giliran::proxy
