// Whose turn it is: the policy's choice among the endpoints that may be used now.
#pragma once

#include <array>
#include <cstdint>

#include "base/rng.h"
#include "base/time.h"
#include "cluster/snapshot.h"

namespace giliran::proxy {

// The endpoints an exchange or flow has tried already, by index in its pool.
class Tried {
 public:
  static constexpr uint32_t kMax = 16;  // tries of one exchange; then it has failed
  bool has(uint32_t index) const {
    for (uint32_t i = 0; i < count_; ++i) {
      if (indices_[i] == index) return true;
    }
    return false;
  }
  void add(uint32_t index) { indices_[count_++] = index; }
  uint32_t count() const { return count_; }
  bool full() const { return count_ == kMax; }

 private:
  std::array<uint32_t, kMax> indices_;
  uint32_t count_ = 0;
};

constexpr uint32_t kNobody = UINT32_MAX;

struct Choice {
  enum class Kind : uint8_t {
    kOne,   // endpoint `index`: a slot of it is taken (its in_flight is one more)
    kFull,  // who could be used has no slot left
    kNone   // nobody can be used
  };
  Kind kind = Kind::kNone;
  uint32_t index = kNobody;
};

struct Wish {
  const Tried& tried;
  // Who served this client before; taken where it can be, and then spends no turn.
  uint32_t preferred = kNobody;
  bool waited = false;  // in the queue: its turn was spent before
};

// The endpoint for the next attempt. An endpoint whose time out is over is given to one caller as a
// trial: `trial` is how long its outcome may take.
Choice choose(const cluster::Pool& pool, const Wish& wish, base::Instant now, base::Duration trial,
              base::Rng& random);

// Gives the slot of a choice back.
void release_slot(cluster::Endpoint& endpoint);

}  // namespace giliran::proxy
