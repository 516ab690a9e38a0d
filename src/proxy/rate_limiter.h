// How often each client may ask: one table for all workers, of a fixed size, without locks.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <vector>

#include "base/address.h"
#include "base/time.h"
#include "proxy/siphash.h"

namespace giliran::proxy {

// In any time of T seconds a client is allowed at most `burst` + rate * T requests.
struct RateLimit {
  base::Duration interval{0};  // between two requests at the rate; 0: no limit
  uint32_t burst = 1;          // at once, after a rest

  // rate_per_s 0: no limit. burst 0: one second's worth.
  static RateLimit of(double rate_per_s, uint32_t burst);
};

// A client is an IPv4 address, the /64 of an IPv6 address (mapped ones are IPv4), or all of the
// Unix sockets together. Each has a theoretical arrival time (GCRA): when it would be at rest, had
// it asked at its rate. Once that is past it means the same as no entry, so that the slot may be
// given to another without a loss.
//
// The table is made of buckets of eight slots. Where all slots of a client's bucket are busy, the
// one nearest to its rest is given up (and counted): that client gets back what it had used of its
// burst. So the table errs towards allowing, by an attacker too who has many addresses; one who has
// few cannot choose whom to share a bucket with, because the hash has a secret key.
//
// A slot is two atomics that are not changed together. What can happen between them: a client whose
// slot is taken over at that very moment has one request put on the account of the one who takes
// it; and several workers that see a client for the first time at once may make a slot each, of
// which the first is used from then on. Either is an error of at most one request a worker.
class RateLimiter {
 public:
  static constexpr uint32_t kWays = 8;

  // slots: a power of two, at least kWays; 16 bytes each. The seed is to be secret.
  explicit RateLimiter(uint64_t seed, uint32_t slots = uint32_t{1} << 16);

  struct Verdict {
    bool allowed = true;
    base::Duration retry_after{0};  // where not: when the next request would be
  };
  // A request now. One that is refused counts for nothing.
  Verdict admit(const base::Address& client, base::Instant now, const RateLimit& limit);

  // Clients that were given up before their rest, for want of slots.
  uint64_t evicted() const { return evicted_.load(std::memory_order_relaxed); }

 private:
  struct Slot {
    std::atomic<uint64_t> client{0};          // hash; 0: never used
    std::atomic<int64_t> rest_ns{INT64_MIN};  // theoretical arrival time
  };
  struct alignas(128) Bucket {
    std::array<Slot, kWays> slots;
  };

  static Slot* find(Bucket& bucket, uint64_t client);
  Slot& claim(Bucket& bucket, uint64_t client, int64_t now_ns);

  HashKey key_;
  std::vector<Bucket> buckets_;
  std::atomic<uint64_t> evicted_{0};
};

}  // namespace giliran::proxy
