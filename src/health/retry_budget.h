// How many attempts of a pool may be second ones: a part of its requests and a small floor, so that
// retries help where one server fails and do not multiply the load where all of them do. One
// instance a pool, used by all workers at once (atomics only); it outlives snapshots.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/time.h"

namespace giliran::health {

struct RetryBudgetOptions {
  double part = 0.2;          // of the requests; 0 to 1000
  uint32_t floor_per_s = 10;  // retries a second whatever the requests; 0: none
};

// Over any time from the first call on:
//   retries <= part * requests + floor * seconds + 10 * floor
// where the last term is the store of the floor, full at first. What requests deposit is kept for
// ten to twenty seconds: of an older deposit nothing is left (where nothing was withdrawn for
// longer, what is left is ten seconds' worth of the average since; at the first withdrawal ever, at
// most kFirstMax retries, because how old they are is not known).
class RetryBudget {
 public:
  static constexpr base::Duration kStore = std::chrono::seconds(10);
  static constexpr int64_t kFirstMax = 100;

  // A request of the pool: once each, before or after its first attempt.
  void deposit(const RetryBudgetOptions& options = {});
  // Takes one retry; false where there is none.
  bool withdraw(base::Instant now, const RetryBudgetOptions& options = {});

  uint64_t refused() const { return refused_.load(std::memory_order_relaxed); }

 private:
  void expire(int64_t now_ns);
  bool take_deposit();
  bool take_floor(int64_t now_ns, uint32_t floor_per_s);

  // In millionths of a retry, ever. spent_ (taken or expired) never overtakes deposited_: each
  // change of it is a compare-and-swap that stays below a value of deposited_ read before, and
  // deposited_ only grows. So no number of threads can take what was not there.
  alignas(64) std::atomic<int64_t> deposited_{0};
  alignas(64) std::atomic<int64_t> spent_{0};
  // When old deposits were looked at last (0: never), and deposited_ then. Only the thread that
  // moves the time writes the mark; a mark that lags behind the time expires too much or too
  // little, and can make the store neither negative nor larger than what was deposited.
  std::atomic<int64_t> expired_at_ns_{0};
  std::atomic<int64_t> mark_{0};
  // The floor is a leaky bucket of its own (GCRA): the time at which it would be full again.
  std::atomic<int64_t> floor_full_at_ns_{INT64_MIN};
  std::atomic<uint64_t> refused_{0};
};

}  // namespace giliran::health
