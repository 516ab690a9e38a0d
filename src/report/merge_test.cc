#include "report/merge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/rng.h"
#include "report/test_client_result.h"

namespace giliran::report {
namespace {

using testing::Contains;
using testing::HasSubstr;

// By way of the text, as it is in life.
ClientResult told(const ClientResult& r) {
  auto read = parse_client_result(to_json(r).dump(), r.path);
  EXPECT_TRUE(read) << read.error().message;
  return std::move(*read);
}

TEST(Merge, HistogramsAreThoseOfAllValuesTogether) {
  base::Rng rng(3);
  base::Histogram together;
  base::Histogram together_in_intervals({.digits = 2});
  std::vector<ClientResult> parts;
  for (uint64_t part = 0; part < 4; ++part) {
    ClientResult r = imagine({.seed = part, .intervals = 2, .per_interval = 10});
    r.service_time.reset();
    for (ClientInterval& interval : r.intervals) interval.service_time.reset();
    for (int i = 0; i < 5000; ++i) {
      const uint64_t value = 1 + rng.below(uint64_t{1} << (8 + rng.below(30)));
      together.record(value);
      r.service_time.record(value);
      if (i % 2 == 0) {
        together_in_intervals.record(value);
        r.intervals[1].service_time.record(value);
      }
    }
    parts.push_back(told(r));
  }
  const auto merged = merge(parts);
  ASSERT_TRUE(merged) << merged.error().message;
  EXPECT_TRUE(same(merged->result.service_time, together));
  EXPECT_TRUE(same(merged->result.intervals.at(1).service_time, together_in_intervals));
  for (const double p : {1.0, 50.0, 99.0, 99.99, 100.0}) {
    EXPECT_EQ(merged->result.service_time.percentile(p), together.percentile(p));
  }
  // Again by way of the text: what was merged merges.
  EXPECT_TRUE(same(told(merged->result).service_time, together));
}

TEST(Merge, AtTheSameTimeRatesAndClientsAdd) {
  ClientResult a = imagine({.seed = 1, .intervals = 10});
  ClientResult b = imagine({.seed = 2, .intervals = 10});
  b.started_unix_s += 0.3;
  b.plan["connections"] = 30;
  const ClientResult parts[] = {a, b};
  const auto merged = merge(parts);
  ASSERT_TRUE(merged) << merged.error().message;
  EXPECT_TRUE(merged->rates_add);
  EXPECT_NEAR(merged->overlap_s, 9.7, 1e-3);
  EXPECT_NEAR(merged->result.rate, a.rate + b.rate, 1e-9);
  EXPECT_EQ(merged->result.plan["connections"], 40);
  EXPECT_EQ(merged->result.totals.answered, a.totals.answered + b.totals.answered);
  EXPECT_NEAR(merged->result.elapsed_s, 10.3, 1e-3);
  ASSERT_EQ(merged->result.intervals.size(), 10U);
  EXPECT_EQ(merged->result.intervals[4].answered,
            a.intervals[4].answered + b.intervals[4].answered);
  EXPECT_EQ(merged->result.intervals[4].servers.at("a"),
            a.intervals[4].servers["a"] + b.intervals[4].servers["a"]);
  EXPECT_TRUE(merged->result.verdict.valid);
}

TEST(Merge, OneAfterTheOtherRatesDoNotAdd) {
  ClientResult a = imagine({.seed = 1, .intervals = 10});
  ClientResult b = imagine({.seed = 2, .intervals = 10});
  b.started_unix_s += 15;
  const ClientResult parts[] = {a, b};
  const auto merged = merge(parts);
  ASSERT_TRUE(merged);
  EXPECT_FALSE(merged->rates_add);
  EXPECT_EQ(merged->overlap_s, 0);
  EXPECT_NEAR(merged->result.issuing_s, 20, 1e-3);
  EXPECT_NEAR(merged->result.rate, (a.rate + b.rate) / 2, 1e-3);
  EXPECT_EQ(merged->result.plan["connections"], 10);
  EXPECT_THAT(merged->notes, Contains(HasSubstr("their rates are not added")));
  ASSERT_EQ(merged->result.intervals.size(), 25U);
  EXPECT_EQ(merged->result.intervals[12].answered, 0U);
  EXPECT_EQ(merged->result.intervals[15].answered, b.intervals[0].answered);
}

TEST(Merge, ATierThatOneDidNotTellOfKeepsItsMean) {
  const ClientResult a = imagine({.seed = 1, .intervals = 3});
  ClientResult b = a;
  for (ClientInterval& interval : b.intervals) interval.tiers.clear();
  for (const auto& [first, second] : {std::pair(a, b), std::pair(b, a)}) {
    const ClientResult parts[] = {first, second};
    const auto merged = merge(parts);
    ASSERT_TRUE(merged) << merged.error().message;
    EXPECT_EQ(merged->result.intervals.at(1).tiers.at("work"), 400);
  }
}

TEST(Merge, PercentilesWithoutBucketsAreNotAveraged) {
  const ClientResult parts[] = {imagine({.seed = 1}), imagine({.seed = 2})};
  const auto merged = merge(parts);
  ASSERT_TRUE(merged);
  const auto json = to_json(*merged);
  EXPECT_TRUE(json["tiers"][0].contains("mean_us"));
  EXPECT_FALSE(json["tiers"][0].contains("p50_us"));
  EXPECT_FALSE(json["servers"][0]["service_time"].contains("p99_us"));
  EXPECT_EQ(json["merged"]["files"].size(), 2U);
  EXPECT_EQ(json["format"], "giliran-client/2");
  EXPECT_EQ(json["servers"][0]["answers"],
            parts[0].servers[0].answers + parts[1].servers[0].answers);
}

TEST(Merge, OneThatWasLimitedLimitsAll) {
  ClientResult parts[] = {imagine({.seed = 1}), imagine({.seed = 2})};
  parts[1].path = "b.json";
  parts[1].verdict = {.valid = false, .text = "CLIENT-LIMITED", .reasons = {"busy"}};
  parts[1].plan["url"] = "http://elsewhere/";
  const auto merged = merge(parts);
  ASSERT_TRUE(merged);
  EXPECT_FALSE(merged->result.verdict.valid);
  EXPECT_THAT(merged->result.verdict.reasons, Contains("b.json: busy"));
  EXPECT_THAT(merged->notes, Contains(HasSubstr("b.json has another url")));
}

TEST(Merge, OneThatWasNotJudgedLeavesAllNotJudged) {
  ClientResult parts[] = {imagine({.seed = 1}), imagine({.seed = 2})};
  parts[1].verdict = {.judged = false, .text = "NOT JUDGED", .reasons = {}};
  const auto merged = merge(parts);
  ASSERT_TRUE(merged);
  EXPECT_TRUE(merged->result.verdict.valid);
  EXPECT_EQ(merged->result.verdict.text, "NOT JUDGED");
}

TEST(Merge, DifferentPrecisionsAreRefused) {
  ClientResult parts[] = {imagine({.seed = 1}), imagine({.seed = 2})};
  parts[1].service_time = base::Histogram({.digits = 2});
  parts[1].service_time.record(5);
  const auto merged = merge(parts);
  ASSERT_FALSE(merged);
  EXPECT_THAT(merged.error().message, HasSubstr("service_time: histograms of different"));
}

TEST(Merge, OfOneIsItself) {
  const ClientResult one = imagine({.seed = 1});
  const auto merged = merge(std::span(&one, 1));
  ASSERT_TRUE(merged);
  EXPECT_EQ(to_json(merged->result)["intervals"], to_json(one)["intervals"]);
  EXPECT_EQ(to_json(merged->result)["tiers"], to_json(one)["tiers"]);
  EXPECT_THAT(merged->notes, testing::IsEmpty());
}

}  // namespace
}  // namespace giliran::report
