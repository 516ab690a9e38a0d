#include "health/retry_budget.h"

#include <algorithm>

namespace giliran::health {
namespace {

constexpr int64_t kOne = 1'000'000;  // retry
constexpr int64_t kSecondNs = 1'000'000'000;
constexpr auto kRelaxed = std::memory_order_relaxed;

}  // namespace

void RetryBudget::deposit(const RetryBudgetOptions& options) {
  const auto share = static_cast<int64_t>(options.part * static_cast<double>(kOne));
  if (share > 0) deposited_.fetch_add(share, kRelaxed);
}

bool RetryBudget::withdraw(base::Instant now, const RetryBudgetOptions& options) {
  const int64_t now_ns = now.time_since_epoch().count();
  expire(now_ns);
  if (take_deposit() || take_floor(now_ns, options.floor_per_s)) return true;
  refused_.fetch_add(1, kRelaxed);
  return false;
}

void RetryBudget::expire(int64_t now_ns) {
  int64_t last = expired_at_ns_.load(kRelaxed);
  if (last != 0 && now_ns - last < kStore.count()) return;
  const int64_t stamp = now_ns == 0 ? 1 : now_ns;  // 0 means never
  if (!expired_at_ns_.compare_exchange_strong(last, stamp, kRelaxed)) return;
  const int64_t deposited = deposited_.load(kRelaxed);
  const int64_t before = mark_.exchange(deposited, kRelaxed);
  int64_t kept = kFirstMax * kOne;
  if (last != 0) {
    const double fresh = static_cast<double>(kStore.count()) / static_cast<double>(now_ns - last);
    kept = static_cast<int64_t>(static_cast<double>(deposited - before) * fresh);
  }
  const int64_t least = deposited - std::clamp<int64_t>(kept, 0, deposited);
  int64_t spent = spent_.load(kRelaxed);
  while (spent < least && !spent_.compare_exchange_weak(spent, least, kRelaxed)) {
  }
}

bool RetryBudget::take_deposit() {
  const int64_t deposited = deposited_.load(kRelaxed);
  int64_t spent = spent_.load(kRelaxed);
  while (deposited - spent >= kOne) {
    if (spent_.compare_exchange_weak(spent, spent + kOne, kRelaxed)) return true;
  }
  return false;
}

bool RetryBudget::take_floor(int64_t now_ns, uint32_t floor_per_s) {
  if (floor_per_s == 0) return false;
  const int64_t interval = (kSecondNs + floor_per_s - 1) / floor_per_s;
  int64_t full_at = floor_full_at_ns_.load(kRelaxed);
  for (;;) {
    const int64_t next = std::max(full_at, now_ns) + interval;
    if (next - now_ns > kStore.count()) return false;
    if (floor_full_at_ns_.compare_exchange_weak(full_at, next, kRelaxed)) return true;
  }
}

}  // namespace giliran::health
