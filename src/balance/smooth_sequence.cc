#include "balance/smooth_sequence.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "base/assert.h"

namespace giliran::balance {
namespace {

// All of one weight. They take turns among themselves in order of index: their credits grow alike,
// so the one picked least often, and of these the first, is ahead of the rest.
struct Class {
  int64_t weight;
  int64_t credit = 0;  // of the next in line
  size_t next = 0;
  std::vector<uint32_t> members;
};

std::vector<Class> classes_of(std::span<const uint32_t> weights, uint32_t divisor) {
  std::map<uint32_t, std::vector<uint32_t>> by_weight;
  for (uint32_t i = 0; i < weights.size(); ++i) {
    GILIRAN_ASSERT(weights[i] >= 1);
    by_weight[weights[i] / divisor].push_back(i);
  }
  std::vector<Class> classes;
  for (auto& [weight, members] : by_weight) {
    classes.push_back({.weight = weight, .members = std::move(members)});
  }
  return classes;
}

Class& most_credit(std::vector<Class>& classes) {
  Class* best = &classes.front();
  for (Class& one : classes) {
    one.credit += one.weight;
    if (one.credit > best->credit ||
        (one.credit == best->credit && one.members[one.next] < best->members[best->next])) {
      best = &one;
    }
  }
  return *best;
}

}  // namespace

std::vector<uint32_t> smooth_sequence(std::span<const uint32_t> weights) {
  std::vector<uint32_t> sequence;
  if (weights.empty()) return sequence;
  uint32_t divisor = 0;
  for (const uint32_t weight : weights) divisor = std::gcd(divisor, weight);
  std::vector<Class> classes = classes_of(weights, divisor);
  int64_t sum = 0;
  for (const Class& one : classes) sum += one.weight * static_cast<int64_t>(one.members.size());
  sequence.reserve(static_cast<size_t>(sum));
  for (int64_t step = 0; step < sum; ++step) {
    Class& best = most_credit(classes);
    sequence.push_back(best.members[best.next]);
    // The sum is taken off once a round: after it the first member is next again, one pick behind.
    if (++best.next == best.members.size()) {
      best.next = 0;
      best.credit -= sum;
    }
  }
  return sequence;
}

}  // namespace giliran::balance
