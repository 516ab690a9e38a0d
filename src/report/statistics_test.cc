#include "report/statistics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "base/rng.h"

namespace giliran::report {
namespace {

TEST(Median, OfFewIsTheWholeRangeAndSaysHowSure) {
  const Median three = median(std::vector<double>{3, 1, 2});
  EXPECT_EQ(three.value, 2);
  EXPECT_EQ(three.low, 1);
  EXPECT_EQ(three.high, 3);
  EXPECT_NEAR(three.confidence, 0.75, 1e-12);
  EXPECT_EQ(three.method(), "median of 3; order statistics hold the true one with 75 %");
  EXPECT_NEAR(median(std::vector<double>{1, 2, 3, 4, 5}).confidence, 0.9375, 1e-12);
  EXPECT_EQ(median(std::vector<double>{4, 1}).value, 2.5);
  EXPECT_EQ(median(std::vector<double>{7}).confidence, 0);
  EXPECT_EQ(median({}).count, 0U);
}

// Conover's table: of 20 values from the 6th to the 15th with 95.86 %.
TEST(Median, OfTwenty) {
  std::vector<double> values;
  for (int i = 20; i > 0; --i) values.push_back(i);
  const Median m = median(values);
  EXPECT_EQ(m.low, 6);
  EXPECT_EQ(m.high, 15);
  EXPECT_NEAR(m.confidence, 0.9586, 1e-4);
}

TEST(Median, OfVeryManyStaysFinite) {
  std::vector<double> values;
  for (int i = 0; i < 5000; ++i) values.push_back(i);
  const Median m = median(values);
  EXPECT_GE(m.confidence, 0.95);
  EXPECT_NEAR(m.low, 2500 - 0.98 * std::sqrt(5000), 3);
}

TEST(Median, IntervalsHoldTheTrueOneAsOftenAsTheySay) {
  base::Rng rng(7);
  for (const size_t n : {size_t{3}, size_t{5}, size_t{8}, size_t{15}}) {
    int held = 0;
    double confidence = 0;
    for (int run = 0; run < 4000; ++run) {
      std::vector<double> values;
      for (size_t i = 0; i < n; ++i) values.push_back(-std::log(1 - rng.uniform()));
      const Median m = median(values);
      confidence = m.confidence;
      held += m.low <= std::log(2.0) && std::log(2.0) <= m.high ? 1 : 0;
    }
    EXPECT_NEAR(held / 4000.0, confidence, 0.02) << n;
  }
}

TEST(Quantile, BetweenNeighbours) {
  const std::vector<double> sorted = {10, 20, 40};
  EXPECT_EQ(quantile(sorted, 0), 10);
  EXPECT_EQ(quantile(sorted, 0.25), 15);
  EXPECT_EQ(quantile(sorted, 0.5), 20);
  EXPECT_EQ(quantile(sorted, 1), 40);
  EXPECT_EQ(quantile(std::vector<double>{3}, 0.9), 3);
}

}  // namespace
}  // namespace giliran::report
