#include "base/rng.h"

#include <gtest/gtest.h>

namespace giliran::base {
namespace {

// The generator's and the seeding's published code, run for seed 0: splitmix64 gives
// e220a8397b1dcdaf 6e789e6aa1b965f4 06c45d188009454f f88bb8a8724c81ec, and xoshiro256** from
// that state gives these.
TEST(Rng, PublishedSequence) {
  Rng rng(0);
  EXPECT_EQ(rng.next(), 0x99ec5f36cb75f2b4U);
  EXPECT_EQ(rng.next(), 0xbf6e1f784956452aU);
  EXPECT_EQ(rng.next(), 0x1a5f849d4933e6e0U);
}

TEST(Rng, BelowStaysBelowAndIsEven) {
  Rng rng(1);
  int counts[7] = {};
  for (int i = 0; i < 70'000; ++i) ++counts[rng.below(7)];
  for (const int count : counts) EXPECT_NEAR(count, 10'000, 500);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(rng.below(1), 0U);
}

TEST(Rng, UniformIsInTheUnitInterval) {
  Rng rng(2);
  double sum = 0;
  for (int i = 0; i < 100'000; ++i) {
    const double u = rng.uniform();
    ASSERT_TRUE(u >= 0 && u < 1);
    sum += u;
  }
  EXPECT_NEAR(sum / 100'000, 0.5, 0.01);
}

TEST(Rng, SeedsDiffer) {
  EXPECT_NE(random_seed(), random_seed());
}

}  // namespace
}  // namespace giliran::base
