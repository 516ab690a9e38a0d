#include "base/distribution.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "base/parse.h"

namespace giliran::base {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using ::testing::HasSubstr;

constexpr size_t kSamples = 200'000;

Distribution parsed(std::string_view text) {
  auto d = Distribution::parse(text);
  EXPECT_TRUE(d) << d.error().message;
  EXPECT_EQ(d->text(), text);
  return *d;
}

std::vector<double> sorted_ms(const Distribution& d) {
  Rng rng(11);
  std::vector<double> all(kSamples);
  for (double& ms : all) ms = to_us(d.sample(rng)) / 1000;
  std::ranges::sort(all);
  EXPECT_GE(all.front(), 0);
  return all;
}

double mean_of(const std::vector<double>& all) {
  double sum = 0;
  for (const double ms : all) sum += ms;
  return sum / static_cast<double>(all.size());
}

double at(const std::vector<double>& sorted, double part) {
  return sorted[static_cast<size_t>(part * kSamples)];
}

TEST(Distribution, ZeroByDefault) {
  Rng rng(1);
  EXPECT_TRUE(Distribution().zero());
  EXPECT_EQ(Distribution().text(), "0");
  EXPECT_EQ(Distribution().sample(rng), Duration(0));
  EXPECT_TRUE(parsed("0").zero());
  EXPECT_FALSE(parsed("exp(0)").zero() && parsed("5ms").zero());
}

TEST(Distribution, Constant) {
  Rng rng(1);
  EXPECT_EQ(parsed("5ms").sample(rng), milliseconds(5));
  EXPECT_EQ(parsed("5ms").mean(), milliseconds(5));
  EXPECT_EQ(Distribution::constant(microseconds(1500)).text(), "1.5ms");
}

TEST(Distribution, Exponential) {
  const Distribution d = parsed("exp(5ms)");
  const auto all = sorted_ms(d);
  EXPECT_EQ(d.mean(), milliseconds(5));
  EXPECT_NEAR(mean_of(all), 5, 0.1);
  EXPECT_NEAR(at(all, 0.5), 5 * 0.6931, 0.1);
  EXPECT_NEAR(at(all, 0.99), 5 * 4.6052, 0.6);
}

TEST(Distribution, LognormalHasItsMedianAndItsTail) {
  const Distribution d = parsed("lognormal(5ms,p99=40ms)");
  const auto all = sorted_ms(d);
  EXPECT_NEAR(at(all, 0.5), 5, 0.1);
  EXPECT_NEAR(at(all, 0.99), 40, 2);
  EXPECT_NEAR(mean_of(all), to_us(d.mean()) / 1000, 0.15);
  EXPECT_NEAR(to_us(d.mean()) / 1000, 7.455, 0.01);  // 5 exp(sigma^2 / 2)
}

TEST(Distribution, Uniform) {
  const Distribution d = parsed("uniform(1ms,9ms)");
  const auto all = sorted_ms(d);
  EXPECT_GE(all.front(), 1);
  EXPECT_LE(all.back(), 9);
  EXPECT_NEAR(at(all, 0.25), 3, 0.1);
  EXPECT_EQ(d.mean(), milliseconds(5));
}

TEST(Distribution, Bimodal) {
  const Distribution d = parsed("bimodal(5ms,1%:200ms)");
  const auto all = sorted_ms(d);
  const auto slow = static_cast<double>(std::ranges::count(all, 200.0));
  EXPECT_EQ(slow + static_cast<double>(std::ranges::count(all, 5.0)), kSamples);
  EXPECT_NEAR(slow / kSamples, 0.01, 0.002);
  EXPECT_EQ(d.mean(), microseconds(6950));
}

TEST(Distribution, SpacesInsideAreFine) {
  EXPECT_EQ(parsed("bimodal( 5ms , 1% : 200ms )").mean(), microseconds(6950));
}

TEST(Distribution, SameSeedSameSamples) {
  const Distribution d = parsed("lognormal(5ms,p99=40ms)");
  Rng a(3), b(3);
  for (int i = 0; i < 100; ++i) ASSERT_EQ(d.sample(a), d.sample(b));
}

TEST(Distribution, NeverBeyondTheLongestDuration) {
  const Distribution d = parsed("lognormal(1ns,p99=2562047h)");
  Rng rng(1);
  for (int i = 0; i < 100'000; ++i) ASSERT_GE(d.sample(rng).count(), 0);
  EXPECT_GE(d.mean().count(), 0);
}

TEST(Distribution, ErrorsNameThePart) {
  const auto error = [](std::string_view text) {
    const auto d = Distribution::parse(text);
    EXPECT_FALSE(d) << text;
    if (d) return std::string();
    EXPECT_THAT(d.error().message, HasSubstr("bimodal(5ms,1%:200ms)"));  // lists the forms
    return d.error().message;
  };
  EXPECT_THAT(error("expo(5ms)"), HasSubstr("did you mean 'exp'"));
  EXPECT_THAT(error("pareto(5ms)"), HasSubstr("no distribution 'pareto'"));
  EXPECT_THAT(error("exp(5ms"), HasSubstr("')' is missing"));
  EXPECT_THAT(error("exp(5ms,6ms)"), HasSubstr("exp takes one part"));
  EXPECT_THAT(error("uniform(5ms)"), HasSubstr("uniform takes two parts"));
  EXPECT_THAT(error("uniform(9ms,1ms)"), HasSubstr("below the first"));
  EXPECT_THAT(error("lognormal(5ms,40ms)"), HasSubstr("'40ms' should be p99="));
  EXPECT_THAT(error("lognormal(5ms,p99=5ms)"), HasSubstr("above the median"));
  EXPECT_THAT(error("lognormal(0,p99=5ms)"), HasSubstr("above zero"));
  EXPECT_THAT(error("bimodal(5ms,200ms)"), HasSubstr("'200ms' should be PART:DURATION"));
  EXPECT_THAT(error("bimodal(5ms,101%:200ms)"), HasSubstr("'101%'"));
  EXPECT_THAT(error("bimodal(5ms,1%:200)"), HasSubstr("'200': expected a duration"));
  EXPECT_THAT(error("exp(x)"), HasSubstr("'x': expected a duration"));
  EXPECT_THAT(error("10 s"), HasSubstr("'10 s': expected a duration"));
  error("");
  error("(5ms)");
  error("exp()");
  error("exp(5ms))");
  error(" 5ms");
}

}  // namespace
}  // namespace giliran::base
