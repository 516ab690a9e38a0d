#include "proxy/rate_limiter.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "base/assert.h"
#include "base/rng.h"

namespace giliran::proxy {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;

HashKey make_key(uint64_t seed) {
  base::Rng rng(seed);
  return {.low = rng.next(), .high = rng.next()};
}

// Of an address, what tells a client from another.
struct ClientKey {
  uint64_t family = 0;
  uint64_t bytes = 0;
};

ClientKey client_key(const base::Address& address) {
  sockaddr_storage storage;
  address.to_sockaddr(storage);
  ClientKey key{.family = static_cast<uint64_t>(address.family())};
  if (address.family() == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(storage);
    std::memcpy(&key.bytes, &v4.sin_addr, sizeof v4.sin_addr);
  } else if (address.family() == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(storage);
    if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {
      key.family = AF_INET;
      std::memcpy(&key.bytes, v6.sin6_addr.s6_addr + 12, 4);
    } else {
      std::memcpy(&key.bytes, v6.sin6_addr.s6_addr, 8);
    }
  }
  return key;
}

}  // namespace

RateLimit RateLimit::of(double rate_per_s, uint32_t burst) {
  if (!(rate_per_s > 0)) return {};
  RateLimit limit;
  limit.interval =
      base::Duration(std::max<int64_t>(1, std::llround(std::min(1e9 / rate_per_s, 1e18))));
  const double second = std::clamp(std::floor(rate_per_s), 1.0, 4e9);
  limit.burst = burst == 0 ? static_cast<uint32_t>(second) : burst;
  return limit;
}

RateLimiter::RateLimiter(uint64_t seed, uint32_t slots)
    : key_(make_key(seed)), buckets_(slots / kWays) {
  GILIRAN_ASSERT(std::has_single_bit(slots) && slots >= kWays);
}

RateLimiter::Slot* RateLimiter::find(Bucket& bucket, uint64_t client) {
  for (Slot& slot : bucket.slots) {
    if (slot.client.load(kRelaxed) == client) return &slot;
  }
  return nullptr;
}

// Gives the client the first slot at rest. Where there is none, the one nearest to its rest is put
// to rest first: it must not be inherited with its debt.
RateLimiter::Slot& RateLimiter::claim(Bucket& bucket, uint64_t client, int64_t now_ns) {
  Slot* nearest = bucket.slots.data();
  int64_t nearest_ns = INT64_MAX;
  for (Slot& slot : bucket.slots) {
    const int64_t rest_ns = slot.rest_ns.load(kRelaxed);
    if (rest_ns > now_ns) {
      if (rest_ns < nearest_ns) {
        nearest = &slot;
        nearest_ns = rest_ns;
      }
      continue;
    }
    uint64_t owner = slot.client.load(kRelaxed);
    if (owner == client || slot.client.compare_exchange_strong(owner, client, kRelaxed)) {
      return slot;
    }
    if (owner == client) return slot;  // another worker has made it for the same client
  }
  uint64_t owner = nearest->client.load(kRelaxed);
  if (owner == client) return *nearest;
  evicted_.fetch_add(1, kRelaxed);
  nearest->rest_ns.compare_exchange_strong(nearest_ns, now_ns, kRelaxed);
  nearest->client.compare_exchange_strong(owner, client, kRelaxed);
  return *nearest;
}

RateLimiter::Verdict RateLimiter::admit(const base::Address& client, base::Instant now,
                                        const RateLimit& limit) {
  const int64_t interval = limit.interval.count();
  if (interval == 0) return {};
  const ClientKey key = client_key(client);
  const uint64_t hash = SipHash::of(key_, key.family, key.bytes);
  const uint64_t tag = hash == 0 ? 1 : hash;
  Bucket& bucket = buckets_[hash & (buckets_.size() - 1)];
  const int64_t now_ns = now.time_since_epoch().count();
  Slot* const found = find(bucket, tag);
  Slot& slot = found != nullptr ? *found : claim(bucket, tag, now_ns);
  int64_t tolerance = 0;
  if (__builtin_mul_overflow(interval, int64_t{limit.burst} - 1, &tolerance)) tolerance = INT64_MAX;
  int64_t rest_ns = slot.rest_ns.load(kRelaxed);
  for (;;) {
    const int64_t begin = std::max(rest_ns, now_ns);
    if (begin - now_ns > tolerance) {
      return {.allowed = false, .retry_after = base::Duration(begin - now_ns - tolerance)};
    }
    int64_t next = 0;
    if (__builtin_add_overflow(begin, interval, &next)) next = INT64_MAX;
    if (slot.rest_ns.compare_exchange_weak(rest_ns, next, kRelaxed)) return {};
  }
}

}  // namespace giliran::proxy
