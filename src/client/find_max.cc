#include "client/find_max.h"

#include <algorithm>
#include <cmath>

namespace giliran::client {
namespace {

constexpr uint32_t kAgree = 2;
constexpr uint32_t kAgreeAtTheEnds = 3;

// Three digits: a rate that can be said and given again.
double rounded(double rate) {
  const double unit = std::pow(10, std::max(-1.0, std::floor(std::log10(rate)) - 2));
  return std::round(rate / unit) * unit;
}

bool agree(uint32_t for_it, uint32_t against, uint32_t needed) {
  return std::max(for_it, against) >= needed && for_it != against;
}

}  // namespace

std::optional<double> FindMax::next() const {
  if (tries_ >= options_.tries_max) return std::nullopt;
  if (tried_.empty()) return options_.start_rate;
  for (const auto& [rate, votes] : tried_) {
    if (!agree(votes.holds, votes.against(), kAgree)) return rate;
  }
  const Gap now = gap();
  const bool none_holds = now.holds == tried_.end();
  const bool none_fails = now.fails == tried_.end();
  if (none_fails) {
    if (now.holds->first >= options_.rate_max) return std::nullopt;
    return std::min(rounded(now.holds->first * options_.growth), options_.rate_max);
  }
  const Votes& failed = now.fails->second;
  // A greater rate held: one of the two is chance.
  if (std::any_of(std::next(now.fails), tried_.end(),
                  [](const auto& other) { return other.second.hold(); }) &&
      !agree(failed.holds, failed.against(), kAgreeAtTheEnds)) {
    return now.fails->first;
  }
  if (none_holds) {
    if (now.fails->first <= options_.rate_min) return std::nullopt;
    return std::max(rounded(now.fails->first / options_.growth), options_.rate_min);
  }
  if (!closed(now)) return between(now.holds->first, now.fails->first);
  const Votes& held = now.holds->second;
  if (!agree(held.holds, held.against(), kAgreeAtTheEnds)) return now.holds->first;
  if (!agree(failed.holds, failed.against(), kAgreeAtTheEnds)) return now.fails->first;
  return std::nullopt;
}

void FindMax::report(double rate, Held held) {
  ++tries_;
  Votes& votes = tried_[rate];
  switch (held) {
    case Held::kHolds:
      ++votes.holds;
      break;
    case Held::kFails:
      ++votes.fails;
      break;
    case Held::kClientFails:
      ++votes.client_fails;
      break;
  }
}

FoundMax FindMax::found() const {
  const Gap now = gap();
  FoundMax found{.tries = tries_};
  if (now.holds != tried_.end()) found.holds = now.holds->first;
  if (now.fails != tried_.end()) {
    const Votes& votes = now.fails->second;
    found.fails = now.fails->first;
    found.client_limit = votes.client_fails >= votes.fails;
    found.settled = found.holds > 0 && closed(now);
  }
  return found;
}

FindMax::Gap FindMax::gap() const {
  Gap gap{.holds = tried_.end(), .fails = tried_.end()};
  for (auto it = tried_.begin(); it != tried_.end(); ++it) {
    if (!it->second.hold()) {
      gap.fails = it;
      break;
    }
    gap.holds = it;
  }
  return gap;
}

bool FindMax::closed(const Gap& gap) const {
  const double low = gap.holds->first;
  const double high = gap.fails->first;
  const double middle = between(low, high);
  return high - low <= options_.resolution * low * (1 + 1e-9) || middle <= low || middle >= high;
}

double FindMax::between(double low, double high) const {
  return rounded((low + high) / 2);
}

}  // namespace giliran::client
