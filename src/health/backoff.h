// Passive marking down: an endpoint that fails to connect is left out for a growing, bounded while,
// then tried again by one exchange at a time. Pure: events and now in, verdict out; one instance an
// endpoint, used by all workers at once (atomics only).
#pragma once

#include <atomic>
#include <cstdint>

#include "base/rng.h"
#include "base/time.h"

namespace giliran::health {

struct BackoffOptions {
  base::Duration first = std::chrono::seconds(1);
  base::Duration max = std::chrono::seconds(30);
  double jitter = 0.2;  // each while is spread by up to this part of itself, both ways
};

enum class Verdict : unsigned char { kUp, kDown, kTrial };

class Backoff {
 public:
  // kUp: use it. kDown: leave it out. kTrial: its while is over and this caller won the right to
  // try; others see kDown until the trial's outcome, or until `trial` has passed without one.
  Verdict admit(base::Instant now, base::Duration trial);
  // Like admit, but takes no trial: what a status page shows.
  Verdict look(base::Instant now) const;

  void connected();
  // Returns how long the endpoint is left out from now.
  base::Duration connect_failed(base::Instant now, const BackoffOptions& options, base::Rng& rng);
  uint32_t failures() const { return failures_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint32_t> failures_{0};
  std::atomic<int64_t> down_until_ns_{0};  // 0: up
};

}  // namespace giliran::health
