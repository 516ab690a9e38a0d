#include "lab/claim.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace giliran::lab {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

report::Expected judged(std::string_view text,
                        const std::map<std::string, std::vector<double>>& values) {
  const auto claim = ParsedClaim::parse(text);
  EXPECT_TRUE(claim) << claim.error().message;
  if (!claim) return {};
  return claim->judge([&](std::string_view point, const report::Expectation&) {
    const auto found = values.find(std::string(point));
    return found == values.end() ? std::vector<double>{} : found->second;
  });
}

TEST(Claim, ComparesMediansOfTwoPoints) {
  constexpr std::string_view kText = "p99 of a < 0.5 * p99 of b-2";
  EXPECT_TRUE(judged(kText, {{"a", {4e6}}, {"b-2", {10e6}}}).met);
  EXPECT_FALSE(judged(kText, {{"a", {5e6}}, {"b-2", {10e6}}}).met);
  EXPECT_TRUE(judged(kText, {{"a", {100e6, 4e6, 3e6}}, {"b-2", {10e6}}}).met) << "the median";
  EXPECT_TRUE(judged(kText, {{"a", {3e6, 5e6}}, {"b-2", {10e6}}}).met) << "the mean of two";
  const report::Expected found = judged(kText, {{"a", {4e6}}, {"b-2", {10e6}}});
  EXPECT_EQ(found.text, kText);
  EXPECT_EQ(found.measured, "4.00 ms < 0.5 \u00d7 10.0 ms");
}

TEST(Claim, PrintsWhatItComparesAndWhatIsTrueOfIt) {
  const auto measured = [](std::string_view text, const std::vector<double>& a,
                           const std::vector<double>& b) {
    return judged(text, {{"a", a}, {"b", b}}).measured;
  };
  EXPECT_EQ(measured("p99 of a < 0.8 * p99 of b", {100e6}, {273e6}), "100 ms < 0.8 \u00d7 273 ms");
  EXPECT_EQ(measured("p99 of a < 0.8 * p99 of b", {300e6}, {273e6}),
            "300 ms \u2265 0.8 \u00d7 273 ms");
  EXPECT_EQ(measured("2 * p99 of a >= p99 of b", {300e6}, {273e6}),
            "2 \u00d7 300 ms \u2265 273 ms");
  EXPECT_EQ(measured("rate of a > rate of b", {100}, {200}), "100/s \u2264 200/s");
  EXPECT_EQ(measured("rate of a <= 2k", {2500}, {}), "2,500/s > 2,000/s");
  EXPECT_EQ(measured("errors of a < 5%", {0.041}, {}), "4.1% < 5%");
  EXPECT_EQ(measured("p99 of a < p99 of b", {1e6}, {}), "1.00 ms ? nothing measured");
}

TEST(Claim, HasEveryOperator) {
  const auto holds = [](std::string_view sign, double left) {
    return judged("rate of a " + std::string(sign) + " rate of b", {{"a", {left}}, {"b", {10}}})
        .met;
  };
  EXPECT_TRUE(holds("<", 9) && !holds("<", 10));
  EXPECT_TRUE(holds("<=", 10) && !holds("<=", 11));
  EXPECT_TRUE(holds(">", 11) && !holds(">", 10));
  EXPECT_TRUE(holds(">=", 10) && !holds(">=", 9));
}

TEST(Claim, ComparesAPointWithAValue) {
  EXPECT_TRUE(judged("rate of a > 2k", {{"a", {2500}}}).met);
  EXPECT_FALSE(judged("rate of a > 2k", {{"a", {1500}}}).met);
  EXPECT_TRUE(judged("errors of a<5%", {{"a", {0.04}}}).met);
  EXPECT_FALSE(judged("service.p99.9 of a <= 10ms", {{"a", {11e6}}}).met);
}

TEST(Claim, IsNotMetWhereNothingWasMeasured) {
  EXPECT_FALSE(judged("p99 of a < p99 of b", {{"a", {1}}}).met);
  EXPECT_FALSE(judged("p99 of a < p99 of b", {{"a", {-1}}, {"b", {5}}}).met);
  EXPECT_FALSE(judged("p99 of a < 1s", {}).met);
}

TEST(Claim, NamesItsPoints) {
  EXPECT_THAT(ParsedClaim::parse("p99 of a < p99 of b")->points(), ElementsAre("a", "b"));
  EXPECT_THAT(ParsedClaim::parse("p99 of a < 3ms")->points(), ElementsAre("a"));
  EXPECT_TRUE(ParsedClaim::meant("p99 of a"));
  EXPECT_FALSE(ParsedClaim::meant("p99<5ms"));
}

TEST(Claim, SaysWhatItExpected) {
  for (const std::string_view bad :
       {"p99 of a", "p99 < p99 of b", "p99 of a < ", "p99 of a < 5", "x of a < 5ms",
        "p99 of a < 0 * p99 of b", "2 * p99 of a < 5ms", " of ", "< of ",
        "p99 of a < z * p99 of b"}) {
    const auto claim = ParsedClaim::parse(bad);
    ASSERT_FALSE(claim) << bad;
    EXPECT_FALSE(claim.error().message.empty());
  }
  EXPECT_THAT(ParsedClaim::parse("p999x of a < p99 of b").error().message, HasSubstr("p999x"));
}

}  // namespace
}  // namespace giliran::lab
