#include "balance/least_requests.h"

#include <algorithm>

#include "base/assert.h"

namespace giliran::balance {
namespace {

// Draws an index by weight in constant time: Walker's alias table, filled as Vose does.
class AliasTable {
 public:
  explicit AliasTable(std::span<const Candidate> candidates) : slots_(candidates.size()) {
    const auto size = static_cast<uint64_t>(candidates.size());
    uint64_t sum = 0;
    for (const Candidate& candidate : candidates) sum += candidate.weight;
    // A slot is full at `sum`; all shares together fill all slots.
    std::vector<uint32_t> under, over;
    for (uint32_t i = 0; i < size; ++i) {
      slots_[i] = {.own = candidates[i].weight * size, .alias = i};
      (slots_[i].own < sum ? under : over).push_back(i);
    }
    while (!under.empty() && !over.empty()) {
      const uint32_t poor = under.back();
      const uint32_t rich = over.back();
      under.pop_back();
      slots_[poor].alias = rich;
      slots_[rich].own -= sum - slots_[poor].own;
      if (slots_[rich].own < sum) {
        over.pop_back();
        under.push_back(rich);
      }
    }
    sum_ = sum;
    even_ = std::ranges::all_of(slots_, [sum](const Slot& slot) { return slot.own == sum; });
  }

  bool even() const { return even_; }  // all weights are the same

  uint32_t draw(base::Rng& random) const {
    const auto index = static_cast<uint32_t>(random.below(slots_.size()));
    const Slot& slot = slots_[index];
    return random.below(sum_) < slot.own ? index : slot.alias;
  }

 private:
  struct Slot {
    uint64_t own;
    uint32_t alias;
  };
  std::vector<Slot> slots_;
  uint64_t sum_ = 0;
  bool even_ = false;
};

// The best so far; of equals each has the same chance.
class Best {
 public:
  explicit Best(base::Rng& random) : random_(random) {}

  void consider(uint32_t index, uint64_t load, uint64_t weight) {
    // load / weight < load_ / weight_, without a division.
    const uint64_t mine = load * weight_;
    const uint64_t best = load_ * weight;
    if (found_ && mine > best) return;
    equals_ = found_ && mine == best ? equals_ + 1 : 1;
    if (equals_ > 1 && random_.below(equals_) != 0) return;
    found_ = true;
    index_ = index;
    load_ = load;
    weight_ = weight;
  }
  std::optional<uint32_t> result() const { return found_ ? std::optional(index_) : std::nullopt; }

 private:
  base::Rng& random_;
  bool found_ = false;
  uint32_t index_ = 0;
  uint64_t load_ = 0;
  uint64_t weight_ = 1;
  uint64_t equals_ = 0;
};

class Loads final : public Prepared {
 public:
  explicit Loads(std::span<const Candidate> candidates) : table_(candidates) {
    weights_.reserve(candidates.size());
    for (const Candidate& candidate : candidates) {
      GILIRAN_ASSERT(candidate.weight >= 1);
      weights_.push_back(candidate.weight);
    }
  }

  std::optional<uint32_t> choose(const Request& request) const override {
    if (weights_.size() <= LeastRequests::kScanMax) return of_all(request);
    const auto two = of_two(request);
    return two ? two : of_all(request);
  }

 private:
  static uint64_t load(const Request& request, uint32_t index) {
    return uint64_t{request.live[index]->in_flight.load(std::memory_order_relaxed)} + 1;
  }

  std::optional<uint32_t> of_all(const Request& request) const {
    Best best(request.random);
    for (uint32_t i = 0; i < weights_.size(); ++i) {
      if (request.usable(i)) best.consider(i, load(request, i), weights_[i]);
    }
    return best.result();
  }

  // The better of two different usable ones; of one, where the draws give no second.
  std::optional<uint32_t> of_two(const Request& request) const {
    if (!table_.even()) return of_draws(request, std::nullopt);
    // One number of 64 bits for both: 32 are enough for any pool.
    const uint64_t bits = request.random.next();
    const uint64_t size = weights_.size();
    const auto a = static_cast<uint32_t>(((bits >> 32) * size) >> 32);
    auto b = static_cast<uint32_t>(((bits & UINT32_MAX) * (size - 1)) >> 32);
    b += b >= a ? 1 : 0;  // any but a
    const bool a_usable = request.usable(a);
    const bool b_usable = request.usable(b);
    if (a_usable && b_usable) return better(request, a, b, false);  // a was drawn as well as b
    return of_draws(request, a_usable   ? std::optional(a)
                             : b_usable ? std::optional(b)
                                        : std::nullopt);
  }

  [[gnu::noinline]] std::optional<uint32_t> of_draws(const Request& request,
                                                     std::optional<uint32_t> first) const {
    for (int draws = 0; draws < LeastRequests::kDrawsMax; ++draws) {
      const uint32_t index = table_.draw(request.random);
      if (index == first || !request.usable(index)) continue;
      if (first) return better(request, *first, index, request.random.below(2) != 0);
      first = index;
    }
    return first;
  }

  // Without a branch: which of two is less loaded, no processor foretells. second: of equals b.
  uint32_t better(const Request& request, uint32_t a, uint32_t b, bool second) const {
    const uint64_t load_a = load(request, a) * weights_[b];
    const uint64_t load_b = load(request, b) * weights_[a];
    return (load_b < load_a) | ((load_b == load_a) & second) ? b : a;
  }

  AliasTable table_;
  std::vector<uint32_t> weights_;
};

}  // namespace

std::unique_ptr<const Prepared> LeastRequests::prepare(
    std::span<const Candidate> candidates) const {
  return std::make_unique<Loads>(candidates);
}

}  // namespace giliran::balance
