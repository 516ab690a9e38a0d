#include "report/usl.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <vector>

#include "base/rng.h"

namespace giliran::report {
namespace {

using Points = std::vector<UslPoint>;

Points points_of(const std::vector<double>& ns, const std::function<double(double)>& throughput) {
  Points points;
  for (const double n : ns) points.push_back({n, throughput(n)});
  return points;
}

void expect_finite(const Usl& usl) {
  for (const double x : {usl.alpha, usl.beta, usl.gamma, usl.r_squared, usl.at(1), usl.at(1000)}) {
    EXPECT_TRUE(std::isfinite(x)) << x;
  }
  EXPECT_GE(usl.alpha, 0);
  EXPECT_GE(usl.beta, 0);
  EXPECT_GT(usl.gamma, 0);
  if (usl.peak) {
    EXPECT_TRUE(std::isfinite(usl.peak->n));
    EXPECT_GE(usl.peak->n, 1);
    EXPECT_TRUE(std::isfinite(usl.peak->throughput));
  }
}

// SPEC SDM 91 on a Sun SPARCcenter 2000, as Gunther fits it; values of the R package usl.
TEST(Usl, PublishedData) {
  const Points specsdm91 = {{1, 64.9},     {18, 995.9}, {36, 1652.4}, {72, 1853.2},
                            {108, 1828.9}, {144, 1775}, {216, 1702.2}};
  const auto usl = fit_usl(specsdm91);
  ASSERT_TRUE(usl) << usl.error().message;
  EXPECT_NEAR(usl->alpha, 0.0277285, 5e-7);
  EXPECT_NEAR(usl->beta, 0.0001044, 5e-8);
  EXPECT_NEAR(usl->gamma, 89.9952, 5e-4);
  ASSERT_TRUE(usl->peak);
  EXPECT_NEAR(usl->peak->n, 96.52, 0.01);
  EXPECT_NEAR(usl->peak->throughput, 1884, 1);
  EXPECT_TRUE(usl->peak->measured);
  EXPECT_GT(usl->r_squared, 0.98);
}

TEST(Usl, RecoversWhatMadeThePoints) {
  base::Rng rng(3);
  for (int i = 0; i < 200; ++i) {
    const Usl made{.alpha = 0.3 * rng.uniform(),
                   .beta = std::pow(10.0, -5 + 3 * rng.uniform()),
                   .gamma = std::pow(10.0, 6 * rng.uniform())};
    const auto usl =
        fit_usl(points_of({1, 2, 4, 8, 16, 32, 64}, [&](double n) { return made.at(n); }));
    ASSERT_TRUE(usl);
    EXPECT_NEAR(usl->alpha, made.alpha, 1e-5);
    EXPECT_NEAR(usl->beta, made.beta, 1e-6 + 1e-4 * made.beta);
    EXPECT_NEAR(usl->gamma, made.gamma, 1e-4 * made.gamma);
    EXPECT_NEAR(usl->r_squared, 1, 1e-9);
  }
}

TEST(Usl, NoiseMovesItLittle) {
  base::Rng rng(4);
  for (int i = 0; i < 100; ++i) {
    const Usl made{.alpha = 0.05, .beta = 0.001, .gamma = 1000};
    const auto usl = fit_usl(points_of({1, 2, 4, 8, 12, 16, 24, 32, 48, 64}, [&](double n) {
      return made.at(n) * (1 + 0.04 * (rng.uniform() - 0.5));
    }));
    ASSERT_TRUE(usl);
    EXPECT_NEAR(usl->alpha, made.alpha, 0.025);
    EXPECT_NEAR(usl->beta, made.beta, 0.0003);
    EXPECT_NEAR(usl->gamma, made.gamma, 60);
    ASSERT_TRUE(usl->peak);
    EXPECT_NEAR(usl->peak->n, std::sqrt(0.95 / 0.001), 3);
  }
}

TEST(Usl, RefusesFewerThanFivePlaces) {
  const auto linear = [](double n) { return 100 * n; };
  EXPECT_FALSE(fit_usl({}));
  EXPECT_FALSE(fit_usl(points_of({1, 2, 4, 8}, linear)));
  const auto repeated = fit_usl(points_of({1, 1, 2, 2, 4, 4, 8, 8}, linear));
  ASSERT_FALSE(repeated);
  EXPECT_EQ(repeated.error().message, "4 different N: a fit needs 5 or more");
  EXPECT_TRUE(fit_usl(points_of({1, 2, 4, 8, 16}, linear)));
}

TEST(Usl, RefusesWhatIsNoThroughput) {
  for (const double bad : {0.0, -1.0, std::nan(""), double{INFINITY}}) {
    EXPECT_FALSE(fit_usl(Points{{1, 1}, {2, 2}, {3, 3}, {4, 4}, {5, bad}})) << bad;
    EXPECT_FALSE(fit_usl(Points{{1, 1}, {2, 2}, {3, 3}, {4, 4}, {bad, 5}})) << bad;
  }
}

TEST(Usl, LinearHasNoPeak) {
  const auto usl = fit_usl(points_of({1, 2, 4, 8, 16, 32}, [](double n) { return 250 * n; }));
  ASSERT_TRUE(usl);
  expect_finite(*usl);
  EXPECT_NEAR(usl->alpha, 0, 1e-6);
  EXPECT_NEAR(usl->gamma, 250, 1e-2);
  EXPECT_FALSE(usl->peak);
}

TEST(Usl, SuperlinearIsHeldAtTheBounds) {
  const auto usl = fit_usl(points_of({1, 2, 4, 8, 16}, [](double n) { return n * n; }));
  ASSERT_TRUE(usl);
  expect_finite(*usl);
  EXPECT_EQ(usl->alpha, 0);
  EXPECT_EQ(usl->beta, 0);
}

TEST(Usl, FlatIsAllContention) {
  const auto usl = fit_usl(points_of({1, 2, 4, 8, 16, 32}, [](double) { return 700; }));
  ASSERT_TRUE(usl);
  expect_finite(*usl);
  EXPECT_NEAR(usl->alpha, 1, 1e-4);
  EXPECT_NEAR(usl->gamma, 700, 0.1);
}

TEST(Usl, DecreasingPeaksAtOne) {
  const auto usl = fit_usl(points_of({1, 2, 3, 4, 6, 8}, [](double n) { return 100 / (n * n); }));
  ASSERT_TRUE(usl);
  expect_finite(*usl);
  ASSERT_TRUE(!usl->peak || usl->peak->n < 1.5);
}

TEST(Usl, WhateverIsGivenNothingIsNan) {
  base::Rng rng(9);
  for (int i = 0; i < 300; ++i) {
    Points points;
    const size_t count = 5 + rng.below(6);
    for (size_t k = 0; k < count; ++k) {
      const double n = 1 + static_cast<double>(k) * (1 + static_cast<double>(rng.below(50)));
      points.push_back({n, std::pow(10.0, -6 + 12 * rng.uniform())});
    }
    const auto usl = fit_usl(points);
    if (usl) expect_finite(*usl);
  }
}

}  // namespace
}  // namespace giliran::report
