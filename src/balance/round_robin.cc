#include "balance/round_robin.h"

#include <algorithm>

#include "balance/smooth_sequence.h"

namespace giliran::balance {
namespace {

// n % size by a multiplication, which takes half as long as a division.
class Remainder {
 public:
  explicit Remainder(uint64_t size) : size_(size), inverse_(size == 0 ? 0 : UINT64_MAX / size) {}

  size_t of(uint64_t n) const {
    // At most one less than n / size: n * inverse / 2^64 > n / size - 1 - n / 2^64.
    const auto quotient =
        static_cast<uint64_t>((static_cast<unsigned __int128>(n) * inverse_) >> 64);
    const uint64_t rest = n - quotient * size_;
    return rest < size_ ? rest : rest - size_;
  }

 private:
  uint64_t size_;
  uint64_t inverse_;
};

class Turns final : public Prepared {
 public:
  explicit Turns(std::vector<uint32_t> weights)
      : weights_(std::move(weights)),
        sequence_(smooth_sequence(weights_)),
        in_sequence_(sequence_.size()) {}

  std::optional<uint32_t> choose(const Request& request) const override {
    if (sequence_.empty()) return std::nullopt;
    if (!request.retry) {
      const uint32_t mine = turn(request.pool.ticket.fetch_add(1, std::memory_order_relaxed));
      if (request.usable(mine)) return mine;
    }
    return stand_in(request);
  }

 private:
  uint32_t turn(uint64_t position) const { return sequence_[in_sequence_.of(position)]; }

  // The next usable one of the spill position's own walk. A turn counts as taken when the position
  // moved past it by compare-and-swap, so that turns stay exact between workers too; after some
  // lost races the choice is kept anyway.
  std::optional<uint32_t> stand_in(const Request& request) const {
    constexpr int kRacesMax = 16;
    std::atomic<uint64_t>& spill = request.pool.spill;
    uint64_t from = spill.load(std::memory_order_relaxed);
    for (int races = 0;; ++races) {
      const std::optional<size_t> steps = walk(request, from);
      if (!steps) return drawn(request);
      const uint64_t after = from + *steps + 1;
      const uint32_t index = turn(after - 1);
      if (spill.compare_exchange_weak(from, after, std::memory_order_relaxed)) return index;
      if (races == kRacesMax) return index;
    }
  }

  // How many entries from `from` on are not usable; absent where there are too many.
  std::optional<size_t> walk(const Request& request, uint64_t from) const {
    const size_t end = std::min(sequence_.size(), RoundRobin::kWalkMax);
    size_t at = in_sequence_.of(from);
    for (size_t steps = 0; steps < end; ++steps) {
      if (request.usable(sequence_[at])) return steps;
      if (++at == sequence_.size()) at = 0;
    }
    return std::nullopt;
  }

  // One of the usable by weight, in one pass (a reservoir of one).
  std::optional<uint32_t> drawn(const Request& request) const {
    if (sequence_.size() <= RoundRobin::kWalkMax) return std::nullopt;  // the walk saw all of them
    std::optional<uint32_t> best;
    uint64_t sum = 0;
    for (uint32_t i = 0; i < weights_.size(); ++i) {
      if (!request.usable(i)) continue;
      sum += weights_[i];
      if (request.random.below(sum) < weights_[i]) best = i;
    }
    return best;
  }

  std::vector<uint32_t> weights_;
  std::vector<uint32_t> sequence_;
  Remainder in_sequence_;
};

}  // namespace

std::unique_ptr<const Prepared> RoundRobin::prepare(std::span<const Candidate> candidates) const {
  std::vector<uint32_t> weights;
  weights.reserve(candidates.size());
  for (const Candidate& candidate : candidates) weights.push_back(candidate.weight);
  return std::make_unique<Turns>(std::move(weights));
}

}  // namespace giliran::balance
