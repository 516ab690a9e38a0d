#include "balance/smooth_sequence.h"

#include <gtest/gtest.h>

#include <numeric>

#include "base/rng.h"

namespace giliran::balance {
namespace {

using Sequence = std::vector<uint32_t>;

// nginx's algorithm as it stands, one period.
Sequence naive(const std::vector<uint32_t>& weights) {
  uint32_t divisor = 0;
  for (const uint32_t weight : weights) divisor = std::gcd(divisor, weight);
  const int64_t sum = std::accumulate(weights.begin(), weights.end(), int64_t{0});
  std::vector<int64_t> current(weights.size());
  Sequence sequence;
  for (int64_t step = 0; step < sum / divisor; ++step) {
    size_t best = 0;
    for (size_t i = 0; i < weights.size(); ++i) {
      current[i] += weights[i];
      if (current[i] > current[best]) best = i;
    }
    current[best] -= sum;
    sequence.push_back(static_cast<uint32_t>(best));
  }
  return sequence;
}

TEST(SmoothSequence, AsPublished) {
  EXPECT_EQ(smooth_sequence(Sequence{5, 1, 1}), (Sequence{0, 0, 1, 0, 2, 0, 0}));
  EXPECT_EQ(smooth_sequence(Sequence{1, 1, 1}), (Sequence{0, 1, 2}));
  EXPECT_EQ(smooth_sequence(Sequence{4, 4}), (Sequence{0, 1}));
  EXPECT_EQ(smooth_sequence(Sequence{7}), (Sequence{0}));
  EXPECT_TRUE(smooth_sequence({}).empty());
}

TEST(SmoothSequence, EqualsTheNaiveAlgorithm) {
  base::Rng rng(17);
  for (int round = 0; round < 400; ++round) {
    const uint64_t weight_max = round % 2 == 0 ? 4 : 256;
    std::vector<uint32_t> weights(1 + rng.below(24));
    for (uint32_t& weight : weights) weight = static_cast<uint32_t>(1 + rng.below(weight_max));
    ASSERT_EQ(smooth_sequence(weights), naive(weights)) << ::testing::PrintToString(weights);
  }
}

TEST(SmoothSequence, CommonDivisorIsTakenOut) {
  EXPECT_EQ(smooth_sequence(Sequence{250, 50, 50}), smooth_sequence(Sequence{5, 1, 1}));
}

TEST(SmoothSequence, TenThousandEqualOnesAreOneRound) {
  const Sequence weights(10'000, 200);
  Sequence expected(10'000);
  std::iota(expected.begin(), expected.end(), 0U);
  EXPECT_EQ(smooth_sequence(weights), expected);
}

}  // namespace
}  // namespace giliran::balance
