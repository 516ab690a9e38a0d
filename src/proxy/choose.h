// Whose turn it is: the policy's choice among the endpoints that may be used now.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

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

// The endpoint for the next attempt; absent where none may be used. An endpoint whose time out is
// over is given to one caller as a trial: `trial` is how long its outcome may take.
std::optional<uint32_t> choose(const cluster::Pool& pool, const Tried& tried, base::Instant now,
                               base::Duration trial, base::Rng& random);

}  // namespace giliran::proxy
