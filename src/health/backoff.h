// Passive marking down: an endpoint that fails to connect, or to answer several times in a row, is
// left out for a growing, bounded while, then tried again by one exchange at a time. Pure: events
// and now in, verdict out; one instance an endpoint, used by all workers at once (atomics only).
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>

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
  Verdict admit(base::Instant now, base::Duration trial) {
    return up() ? Verdict::kUp : admit_down(now, trial);
  }
  // Like admit, but takes no trial: what a status page shows. kTrial: the next admit would win one.
  Verdict look(base::Instant now) const { return up() ? Verdict::kUp : look_down(now); }

  // Connections can be made: it is up, unless it was marked down by failed(). True where this call
  // made it so.
  bool connected();
  // Returns how long the endpoint is left out from now.
  //
  // A failure counts (doubles the while and starts a new one) when the endpoint was up, when a
  // trial is out, or when the while was over. In a while that runs with no trial out it does not:
  // nobody was admitted then, so that its attempt began before the endpoint was marked down. Thus a
  // hundred attempts that fail together count once, and one while causes at most one doubling. An
  // old attempt that fails during a trial is taken for the trial's failure; the trial's own is then
  // the one that does not count.
  base::Duration connect_failed(base::Instant now, const BackoffOptions& options, base::Rng& rng);
  // An attempt was connected and came to nothing: no answer, a cut one, or one that counts as a
  // failure. The `after`th in a row (0: none) marks the endpoint down, and then it takes an answer,
  // not only a connection, to be up again: a server that accepts and answers nothing stays out.
  // While it is down a failure counts as in connect_failed(). Returns how long it is left out,
  // where this failure did that.
  //
  // In a row: with no success between them, whichever worker saw it. Attempts that began while it
  // was down, or before, count like others.
  std::optional<base::Duration> failed(base::Instant now, uint32_t after,
                                       const BackoffOptions& options, base::Rng& rng);
  // The same of one that cannot be left out, for want of another: it only counts. True where this
  // is the `after`th in a row (0: never), or a later one.
  bool failed_and_kept(uint32_t after);
  // An attempt was answered. True where this made it up, or ended a row of `after` failures or more
  // (0: no row matters).
  bool succeeded(uint32_t after = 0);

  // Counted failures (doublings and one) since it was last up.
  uint32_t failures() const;

 private:
  bool up() const { return down_until_ns_.load(std::memory_order_relaxed) == 0; }
  Verdict admit_down(base::Instant now, base::Duration trial);
  Verdict look_down(base::Instant now) const;

  // The while's end in ns, made a multiple of four; 0: up. Its lowest bit says that a trial is out,
  // and then it is the trial's end; the next, that failed() has marked it down, so that connected()
  // is not enough. Every change of verdict is one compare-and-swap of this (a success stores 0,
  // which is right over whatever another thread has just written: events that cross have no order).
  // All else hangs on nothing but this word, so that relaxed order is enough.
  std::atomic<int64_t> down_until_ns_{0};
  // Means something only while down. Written by whoever moved down_until_ns_, after that: two
  // threads that fail and connect in the same microsecond may leave a number that is off, and
  // with it the length of the next while, never the verdict.
  std::atomic<uint32_t> failures_{0};
  // Failures since the last success. Each failure adds one before it looks at down_until_ns_, so
  // that of any `after` failures without a success between them, in whatever order their additions
  // happen, one reads `after` or more: none is lost. A success sets it to 0; a failure that is just
  // deciding by what it read before may mark down once, for one while, what that success had saved.
  std::atomic<uint32_t> in_a_row_{0};
};

}  // namespace giliran::health
