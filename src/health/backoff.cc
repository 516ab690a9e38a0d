#include "health/backoff.h"

#include <algorithm>

#include "base/assert.h"

namespace giliran::health {
namespace {

constexpr int64_t kTrialBit = 1;
constexpr int64_t kUnansweredBit = 2;  // marked down by failed()
constexpr int64_t kBits = kTrialBit | kUnansweredBit;
constexpr auto kRelaxed = std::memory_order_relaxed;

int64_t ns_of(base::Instant t) {
  return t.time_since_epoch().count();
}

bool trial_is_out(int64_t state) {
  return (state & kTrialBit) != 0;
}

int64_t end_in(int64_t state) {
  return state & ~kBits;
}

// Down, and nobody is admitted: an attempt that ends now began before.
bool in_a_while(int64_t state, base::Instant now) {
  return state != 0 && ns_of(now) < end_in(state) && !trial_is_out(state);
}

// now + d without overflow, without bits, and never 0, which means up.
int64_t end_of(int64_t now, int64_t d) {
  int64_t end = 0;
  if (__builtin_add_overflow(now, d, &end)) end = INT64_MAX;
  end = end_in(end);
  return end == 0 ? kBits + 1 : end;
}

double grown_ns(uint32_t failures, const BackoffOptions& options, base::Rng& rng) {
  const auto first = static_cast<double>(options.first.count());
  const auto max = static_cast<double>(options.max.count());
  const uint32_t doublings = std::min(failures - 1, 62U);
  const double grown = std::min(first * static_cast<double>(uint64_t{1} << doublings), max);
  return grown * (1 + options.jitter * (2 * rng.uniform() - 1));
}

// When the while after that many failures ends.
int64_t next_end(base::Instant now, uint32_t failures, const BackoffOptions& options,
                 base::Rng& rng) {
  const double ns = std::clamp(grown_ns(failures, options, rng), 1.0, 9.2e18);
  return end_of(ns_of(now), static_cast<int64_t>(ns));
}

uint32_t one_more(uint32_t failures) {
  return std::min(failures, UINT32_MAX - 1) + 1;
}

}  // namespace

Verdict Backoff::look_down(base::Instant now) const {
  const int64_t state = down_until_ns_.load(kRelaxed);
  if (state == 0) return Verdict::kUp;
  return ns_of(now) < end_in(state) ? Verdict::kDown : Verdict::kTrial;
}

Verdict Backoff::admit_down(base::Instant now, base::Duration trial) {
  int64_t state = down_until_ns_.load(kRelaxed);
  if (state == 0) return Verdict::kUp;
  if (ns_of(now) < end_in(state)) return Verdict::kDown;
  const int64_t claimed = end_of(ns_of(now), trial.count()) | kTrialBit | (state & kUnansweredBit);
  if (down_until_ns_.compare_exchange_strong(state, claimed, kRelaxed)) {
    return Verdict::kTrial;
  }
  return state == 0 ? Verdict::kUp : Verdict::kDown;
}

bool Backoff::connected() {
  // Only read where it is up already: every worker comes by here.
  int64_t state = down_until_ns_.load(kRelaxed);
  while (state != 0 && (state & kUnansweredBit) == 0) {
    if (down_until_ns_.compare_exchange_weak(state, 0, kRelaxed)) return true;
  }
  return false;
}

base::Duration Backoff::connect_failed(base::Instant now, const BackoffOptions& options,
                                       base::Rng& rng) {
  GILIRAN_ASSERT(options.first.count() > 0 && options.jitter >= 0 && options.jitter <= 1);
  int64_t state = down_until_ns_.load(kRelaxed);
  for (;;) {
    if (in_a_while(state, now)) return base::Duration(end_in(state) - ns_of(now));
    const uint32_t failures = state == 0 ? 1 : one_more(failures_.load(kRelaxed));
    const int64_t end = next_end(now, failures, options, rng);
    if (down_until_ns_.compare_exchange_weak(state, end | (state & kUnansweredBit), kRelaxed)) {
      failures_.store(failures, kRelaxed);
      return base::Duration(end - ns_of(now));
    }
  }
}

std::optional<base::Duration> Backoff::failed(base::Instant now, uint32_t after,
                                              const BackoffOptions& options, base::Rng& rng) {
  GILIRAN_ASSERT(options.first.count() > 0 && options.jitter >= 0 && options.jitter <= 1);
  if (after == 0) return std::nullopt;
  const uint32_t in_a_row = in_a_row_.fetch_add(1, kRelaxed) + 1;
  int64_t state = down_until_ns_.load(kRelaxed);
  for (;;) {
    if (state == 0 ? in_a_row < after : in_a_while(state, now)) return std::nullopt;
    const uint32_t failures = state == 0 ? 1 : one_more(failures_.load(kRelaxed));
    const int64_t end = next_end(now, failures, options, rng);
    if (down_until_ns_.compare_exchange_weak(state, end | kUnansweredBit, kRelaxed)) {
      failures_.store(failures, kRelaxed);
      return base::Duration(end - ns_of(now));
    }
  }
}

bool Backoff::failed_and_kept(uint32_t after) {
  const uint32_t in_a_row = in_a_row_.fetch_add(1, kRelaxed) + 1;
  return after != 0 && in_a_row >= after;
}

bool Backoff::succeeded(uint32_t after) {
  // Only read where there is nothing to forget: every worker comes by here.
  uint32_t in_a_row = in_a_row_.load(kRelaxed);
  if (in_a_row != 0) in_a_row = in_a_row_.exchange(0, kRelaxed);
  const bool was_down = down_until_ns_.load(kRelaxed) != 0;
  if (was_down && down_until_ns_.exchange(0, kRelaxed) != 0) return true;
  return after != 0 && in_a_row >= after;
}

uint32_t Backoff::failures() const {
  if (down_until_ns_.load(kRelaxed) == 0) return 0;
  return failures_.load(kRelaxed);
}

}  // namespace giliran::health
