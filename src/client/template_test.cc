#include "client/template.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <thread>

#include "base/parse.h"

namespace giliran::client {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;

Template made(std::string_view text) {
  uint64_t places = 0;
  return Template::parse(text, places).value();
}

std::string filled(const Template& t, uint64_t number, uint64_t seed = 7) {
  std::string out;
  t.append({.seed = seed, .number = number}, out);
  return out;
}

std::string refusal(std::string_view text) {
  uint64_t places = 0;
  const auto parsed = Template::parse(text, places);
  return parsed ? "accepted" : parsed.error().message;
}

TEST(Template, TextWithoutPlaceholdersIsConstant) {
  EXPECT_TRUE(made("/a?b={c}").constant());
  EXPECT_EQ(made("/a?b={c}").text(), "/a?b={c}");
  EXPECT_TRUE(made("").constant());
  EXPECT_FALSE(made("{{seq}}").constant());
}

TEST(Template, Sequence) {
  EXPECT_EQ(filled(made("/orders/{{seq}}/x"), 12), "/orders/12/x");
  EXPECT_EQ(filled(made("{{seq}}{{ seq }}"), 3), "33");
}

TEST(Template, TwoBracesCanBeWritten) {
  EXPECT_EQ(made("a{{{{b").text(), "a{{b");
  EXPECT_TRUE(made("{{{{seq}}").constant());
  EXPECT_EQ(filled(made("{{{{seq}}"), 1), "{{seq}}");
  EXPECT_EQ(filled(made("{{{{{{seq}}"), 1), "{{1");
  EXPECT_EQ(filled(made(R"({"a":{"b":{{seq}}}})"), 5), R"({"a":{"b":5}})");
}

TEST(Template, LiteralReadsNothing) {
  const Template t = Template::literal("{{seq}} {{");
  EXPECT_TRUE(t.constant());
  EXPECT_EQ(filled(t, 1), "{{seq}} {{");
}

TEST(Template, RandomNumbersStayWithinTheirBoundsAndReachThem) {
  const Template t = made("{{rand:1..6}}");
  std::map<std::string, int> seen;
  for (uint64_t n = 1; n <= 6000; ++n) ++seen[filled(t, n)];
  ASSERT_EQ(seen.size(), 6u);
  EXPECT_EQ(seen.begin()->first, "1");
  EXPECT_EQ(seen.rbegin()->first, "6");
  for (const auto& [value, count] : seen) EXPECT_NEAR(count, 1000, 150) << value;
  EXPECT_EQ(filled(made("{{rand:5..5}}"), 1), "5");
  EXPECT_FALSE(filled(made("{{rand:0..18446744073709551615}}"), 1).empty());
  for (uint64_t n = 1; n <= 1000; ++n) {
    EXPECT_LE(base::parse_uint(filled(made("{{rand}}"), n)).value(), uint64_t{INT32_MAX});
  }
}

TEST(Template, IdsAreUniqueWithinARunAndDifferBetweenRuns) {
  const Template t = made("{{id}}");
  std::set<std::string> ids;
  for (uint64_t n = 1; n <= 5000; ++n) ids.insert(filled(t, n));
  for (uint64_t n = 1; n <= 5000; ++n) ids.insert(filled(t, n, 8));
  EXPECT_EQ(ids.size(), 10'000u);
  EXPECT_THAT(*ids.begin(), MatchesRegex("[0-9a-f]{16}"));
  EXPECT_NE(filled(t, 1), filled(t, (uint64_t{1} << 32) + 1));
}

TEST(Template, ADistributionIsADurationThatOurServerReads) {
  const Template t = made("{{dist:exp(5ms)}}");
  base::Duration sum{};
  constexpr int kDraws = 20'000;
  for (uint64_t n = 1; n <= kDraws; ++n) {
    const auto value = base::Distribution::parse(filled(t, n));
    ASSERT_TRUE(value) << filled(t, n);
    sum += value->mean();
  }
  EXPECT_NEAR(base::to_us(sum) / kDraws, 5000, 150);
  EXPECT_EQ(filled(made("{{dist:5ms}}"), 1), "5000us");
  EXPECT_EQ(filled(made("{{dist:0.001us}}"), 1), "0.001us");
  EXPECT_EQ(filled(made("{{dist:1020ns}}"), 1), "1.020us");
  EXPECT_EQ(filled(made("{{dist:0}}"), 1), "0us");
}

TEST(Template, EqualSeedsGiveEqualTextsInWhateverOrderAndThread) {
  const Template t =
      made("/{{rand}}/{{rand:1..9}}/{{id}}/{{dist:lognormal(5ms,p99=40ms)}}/{{seq}}");
  constexpr uint64_t kCount = 2000;
  std::vector<std::string> forward(kCount), backward(kCount);
  {
    std::vector<std::jthread> threads;
    for (uint64_t lane = 0; lane < 3; ++lane) {
      threads.emplace_back([&, lane] {
        for (uint64_t n = lane; n < kCount; n += 3) forward[n] = filled(t, n);
      });
    }
  }
  for (uint64_t n = kCount; n > 0; --n) backward[n - 1] = filled(t, n - 1);
  EXPECT_EQ(forward, backward);
  EXPECT_NE(filled(t, 1, 7), filled(t, 1, 8));
}

TEST(Template, EveryPlaceAndEveryNumberDrawsForItself) {
  const Template t = made("{{rand}} {{rand}}");
  std::set<std::string> values;
  for (uint64_t n = 1; n <= 1000; ++n) {
    const std::string both = filled(t, n);
    values.insert(both.substr(0, both.find(' ')));
    values.insert(both.substr(both.find(' ') + 1));
  }
  EXPECT_GT(values.size(), 1995u);  // of 2^31, a collision is a rarity
  // Neighbours are not correlated.
  const Template small = made("{{rand:0..999}}");
  double sum = 0;
  constexpr uint64_t kPairs = 20'000;
  for (uint64_t n = 1; n <= kPairs; ++n) {
    const auto a = static_cast<double>(base::parse_uint(filled(small, n)).value());
    const auto b = static_cast<double>(base::parse_uint(filled(small, n + 1)).value());
    sum += (a - 499.5) * (b - 499.5);
  }
  EXPECT_LT(std::abs(sum / kPairs / 83'333), 0.03);
}

TEST(Template, PlacesGoOnFromTextToText) {
  uint64_t places = 0;
  const Template first = Template::parse("{{rand}}", places).value();
  const Template second = Template::parse("{{rand}}", places).value();
  EXPECT_EQ(places, 2u);
  EXPECT_NE(filled(first, 1), filled(second, 1));
}

TEST(Template, NothingIsLongerThanItsBound) {
  const Template t = made("ab{{seq}}{{rand:0..18446744073709551615}}{{id}}{{dist:1000h}}");
  EXPECT_LE(filled(t, UINT64_MAX, UINT64_MAX).size(), t.size_max());
}

TEST(Template, RefusalsNameThePlaceholderAndWhatIsNear) {
  EXPECT_THAT(refusal("{{sequ}}"), HasSubstr("{{sequ}}: unknown, did you mean seq?"));
  EXPECT_THAT(refusal("{{xyzzy}}"), HasSubstr("expected seq, rand, rand:1..1000, id or dist:"));
  EXPECT_THAT(refusal("{{}}"), HasSubstr("unknown"));
  EXPECT_THAT(refusal("a{{seq"), HasSubstr("expected }} behind it"));
  EXPECT_THAT(refusal("{{"), HasSubstr("expected }}"));
  EXPECT_THAT(refusal("{{seq:1}}"), HasSubstr("seq takes no value"));
  EXPECT_THAT(refusal("{{rand:5}}"), HasSubstr("expected LOW..HIGH"));
  EXPECT_THAT(refusal("{{rand:9..1}}"), HasSubstr("above the second"));
  EXPECT_THAT(refusal("{{rand:a..1}}"), HasSubstr("expected a count"));
  EXPECT_THAT(refusal("{{dist}}"), HasSubstr("dist:exp(5ms)"));
  EXPECT_THAT(refusal("{{dist:exo(5ms)}}"), HasSubstr("{{dist:exo(5ms)}}: "));
}

}  // namespace
}  // namespace giliran::client
