// A pool for tests of policies: weights, live counters, who is down.
#pragma once

#include <memory>
#include <vector>

#include "balance/policy.h"

namespace giliran::balance {

class TestWorld {
 public:
  TestWorld(std::string_view policy, const std::vector<uint32_t>& weights)
      : down(weights.size()), live_(std::make_unique<EndpointLive[]>(weights.size())) {
    std::vector<Candidate> candidates;
    for (size_t i = 0; i < weights.size(); ++i) {
      candidates.push_back({.id = i + 1, .weight = weights[i]});
      pointers_.push_back(&live_[i]);
    }
    prepared_ = (*find_policy(policy))->prepare(candidates);
  }

  std::optional<uint32_t> choose(base::Rng& random, bool retry = false) {
    const auto usable = [this](uint32_t i) { return !down[i]; };
    const Request request{
        .pool = pool, .live = pointers_, .usable = usable, .retry = retry, .random = random};
    return prepared_->choose(request);
  }

  // How often each was chosen in `n` choices; adds to `counts`.
  void choose_often(int n, base::Rng& random, std::vector<int>& counts) {
    counts.resize(down.size());
    for (int i = 0; i < n; ++i) {
      if (const auto index = choose(random)) ++counts[*index];
    }
  }

  std::atomic<uint32_t>& in_flight(size_t i) { return live_[i].in_flight; }

  PoolLive pool;
  std::vector<char> down;  // not vector<bool>: threads read it

 private:
  std::unique_ptr<EndpointLive[]> live_;
  std::vector<EndpointLive*> pointers_;
  std::unique_ptr<const Prepared> prepared_;
};

}  // namespace giliran::balance
