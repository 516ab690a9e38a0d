#include "health/backoff.h"

#include <algorithm>

#include "base/assert.h"

namespace giliran::health {
namespace {

constexpr int64_t kTrialBit = 1;

int64_t ns_of(base::Instant t) {
  return t.time_since_epoch().count();
}

bool trial_is_out(int64_t state) {
  return (state & kTrialBit) != 0;
}

// now + d without overflow, even, and never 0, which means up.
int64_t end_of(int64_t now, int64_t d) {
  int64_t end = 0;
  if (__builtin_add_overflow(now, d, &end)) end = INT64_MAX;
  end &= ~kTrialBit;
  return end == 0 ? 2 : end;
}

double grown_ns(uint32_t failures, const BackoffOptions& options, base::Rng& rng) {
  const auto first = static_cast<double>(options.first.count());
  const auto max = static_cast<double>(options.max.count());
  const uint32_t doublings = std::min(failures - 1, 62U);
  const double grown = std::min(first * static_cast<double>(uint64_t{1} << doublings), max);
  return grown * (1 + options.jitter * (2 * rng.uniform() - 1));
}

}  // namespace

Verdict Backoff::look(base::Instant now) const {
  const int64_t state = down_until_ns_.load(std::memory_order_relaxed);
  if (state == 0) return Verdict::kUp;
  return ns_of(now) < (state & ~kTrialBit) ? Verdict::kDown : Verdict::kTrial;
}

Verdict Backoff::admit(base::Instant now, base::Duration trial) {
  int64_t state = down_until_ns_.load(std::memory_order_relaxed);
  if (state == 0) return Verdict::kUp;
  if (ns_of(now) < (state & ~kTrialBit)) return Verdict::kDown;
  const int64_t claimed = end_of(ns_of(now), trial.count()) | kTrialBit;
  if (down_until_ns_.compare_exchange_strong(state, claimed, std::memory_order_relaxed)) {
    return Verdict::kTrial;
  }
  return state == 0 ? Verdict::kUp : Verdict::kDown;
}

void Backoff::connected() {
  // Only read where it is up already: every worker comes by here.
  if (down_until_ns_.load(std::memory_order_relaxed) == 0) return;
  down_until_ns_.store(0, std::memory_order_relaxed);
}

base::Duration Backoff::connect_failed(base::Instant now, const BackoffOptions& options,
                                       base::Rng& rng) {
  GILIRAN_ASSERT(options.first.count() > 0 && options.jitter >= 0 && options.jitter <= 1);
  int64_t state = down_until_ns_.load(std::memory_order_relaxed);
  for (;;) {
    const bool in_a_while = state != 0 && ns_of(now) < state && !trial_is_out(state);
    if (in_a_while) return base::Duration(state - ns_of(now));
    const uint32_t failures =
        state == 0 ? 1 : std::min(failures_.load(std::memory_order_relaxed), UINT32_MAX - 1) + 1;
    const double ns = std::clamp(grown_ns(failures, options, rng), 1.0, 9.2e18);
    const int64_t end = end_of(ns_of(now), static_cast<int64_t>(ns));
    if (down_until_ns_.compare_exchange_weak(state, end, std::memory_order_relaxed)) {
      failures_.store(failures, std::memory_order_relaxed);
      return base::Duration(end - ns_of(now));
    }
  }
}

uint32_t Backoff::failures() const {
  if (down_until_ns_.load(std::memory_order_relaxed) == 0) return 0;
  return failures_.load(std::memory_order_relaxed);
}

}  // namespace giliran::health
