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
  base::Duration max = std::chrono::seconds(10);  // before the jitter
  double jitter = 0.2;  // each while is spread by up to this part of itself, both ways; 0 to 1
};

enum class Verdict : unsigned char { kUp, kDown, kTrial };

class Backoff {
 public:
  // kUp: use it. kDown: leave it out. kTrial: its while is over and this caller won the right to
  // try; others see kDown until the trial's outcome, or until `trial` has passed without one.
  Verdict admit(base::Instant now, base::Duration trial);
  // Like admit, but takes no trial: what a status page shows. kTrial: the next admit would win one.
  Verdict look(base::Instant now) const;

  void connected();
  // Returns how long the endpoint is left out from now.
  //
  // A failure counts (doubles the while and starts a new one) when the endpoint was up, when a
  // trial is out, or when the while was over. In a while that runs with no trial out it does not:
  // nobody was admitted then, so that its attempt began before the endpoint was marked down. Thus a
  // hundred attempts that fail together count once, and one while causes at most one doubling. An
  // old attempt that fails during a trial is taken for the trial's failure; the trial's own is then
  // the one that does not count.
  base::Duration connect_failed(base::Instant now, const BackoffOptions& options, base::Rng& rng);
  // Counted failures since it was last connected.
  uint32_t failures() const;

 private:
  // The while's end in ns, made even; its lowest bit says that a trial is out, and then it is the
  // trial's end. 0: up. Every change of verdict is one compare-and-swap of this.
  std::atomic<int64_t> down_until_ns_{0};
  // Means something only while down. Written by whoever moved down_until_ns_, after that: two
  // threads that fail and connect in the same microsecond may leave a number that is off, and
  // with it the length of the next while, never the verdict.
  std::atomic<uint32_t> failures_{0};
};

}  // namespace giliran::health
