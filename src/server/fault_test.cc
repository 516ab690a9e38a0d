#include "server/fault.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace giliran::server {
namespace {

using ::testing::HasSubstr;

TEST(Fault, ParsesEveryForm) {
  const auto plain = FaultSpec::parse("1%");
  ASSERT_TRUE(plain) << plain.error().message;
  EXPECT_DOUBLE_EQ(plain->rate, 0.01);
  EXPECT_EQ(plain->status, 500);
  EXPECT_EQ(plain->text(), "1%:500");

  const auto status = FaultSpec::parse("0.25:503");
  ASSERT_TRUE(status);
  EXPECT_DOUBLE_EQ(status->rate, 0.25);
  EXPECT_EQ(status->status, 503);

  const auto reset = FaultSpec::parse("5%:reset");
  ASSERT_TRUE(reset);
  EXPECT_EQ(reset->kind, FaultSpec::Kind::kReset);
  EXPECT_EQ(reset->text(), "5%:reset");
}

TEST(Fault, RefusesWhatIsNoFault) {
  for (const char* text :
       {"", "x", "101%", "-1%", "1%:", "1%:700", "1%:100", "1%:rst", "1%:503x"}) {
    const auto parsed = FaultSpec::parse(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_THAT(parsed.error().message, HasSubstr("expected RATE, RATE:STATUS or RATE:reset"));
  }
}

TEST(Fault, TheSeedDecidesWhichRequestsFail) {
  const FaultSpec spec{.rate = 0.1};
  std::vector<uint64_t> first, again, other;
  for (uint64_t n = 1; n <= 10000; ++n) {
    if (spec.hits(7, n)) first.push_back(n);
    if (spec.hits(7, n)) again.push_back(n);
    if (spec.hits(8, n)) other.push_back(n);
  }
  EXPECT_EQ(first, again);
  EXPECT_NE(first, other);
  // 1000 expected; 6 standard deviations of 30.
  EXPECT_NEAR(static_cast<double>(first.size()), 1000, 180);
}

TEST(Fault, TheEndsAreExact) {
  for (uint64_t n = 1; n < 1000; ++n) {
    EXPECT_FALSE(FaultSpec{.rate = 0}.hits(1, n));
    EXPECT_TRUE(FaultSpec{.rate = 1}.hits(1, n));
  }
}

}  // namespace
}  // namespace giliran::server
