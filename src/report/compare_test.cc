#include "report/compare.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "report/block_bootstrap.h"
#include "report/table.h"
#include "report/test_client_result.h"

namespace giliran::report {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

Compared compare_two(const ClientResult& a, const ClientResult& b, CompareOptions options = {}) {
  return compare(std::span(&a, 1), std::span(&b, 1), options);
}

const ComparedRow& row_of(const Compared& c, std::string_view metric, std::string_view what = "") {
  for (const ComparedRow& row : c.rows) {
    if (row.metric == metric && row.what == what) return row;
  }
  ADD_FAILURE() << "no row " << metric << " " << what;
  return c.rows.front();
}

// Evidence: runs of the same thing are called the same, at several lengths and amounts of noise.
TEST(Compare, TheSameThingTwiceShowsNoDifference) {
  struct Kind {
    size_t intervals;
    double drift;
  };
  for (const Kind& kind : {Kind{12, 0.1}, Kind{40, 0.05}}) {
    int shown = 0;
    constexpr int kPairs = 30;
    for (uint64_t seed = 0; seed < kPairs; ++seed) {
      const Imagined is{.seed = 1000 + 2 * seed,
                        .intervals = kind.intervals,
                        .per_interval = 100,
                        .drift = kind.drift,
                        .error_share = 0.002};
      Imagined other = is;
      ++other.seed;
      const Compared c = compare_two(imagine(is), imagine(other), {.resamples = 200});
      shown += c.verdict == Change::kNone ? 0 : 1;
    }
    EXPECT_LE(shown, kPairs / 10) << kind.intervals << " intervals";
  }
}

TEST(Compare, AFifthSlowerIsFound) {
  int found = 0;
  constexpr int kPairs = 10;
  for (uint64_t seed = 0; seed < kPairs; ++seed) {
    const Imagined is{.seed = 5000 + 2 * seed, .intervals = 30, .per_interval = 200, .drift = 0.05};
    Imagined slow = is;
    ++slow.seed;
    slow.slow_factor = 1.2;
    const ClientResult a = imagine(is);
    const ClientResult b = imagine(slow);
    const Compared c = compare_two(a, b, {.resamples = 200});
    found += c.verdict == Change::kWorse ? 1 : 0;
    EXPECT_NE(c.verdict, Change::kBetter);
    EXPECT_EQ(compare_two(b, a, {.resamples = 200}).verdict == Change::kBetter,
              c.verdict == Change::kWorse);
  }
  EXPECT_GE(found, kPairs * 9 / 10);
}

TEST(Compare, SaysWhichRowsAndHowMuch) {
  const Compared c =
      compare_two(imagine({.seed = 1, .per_interval = 2000, .drift = 0.01}),
                  imagine({.seed = 2, .per_interval = 2000, .slow_factor = 1.5, .drift = 0.01}));
  const ComparedRow& p90 = row_of(c, "response_time", "p90");
  EXPECT_EQ(p90.verdict, Change::kWorse);
  ASSERT_TRUE(p90.change && p90.interval);
  EXPECT_NEAR(*p90.change, 0.5, 0.1);
  EXPECT_LT(p90.interval->low, *p90.change);
  EXPECT_GT(p90.interval->high, *p90.change);
  EXPECT_GT(p90.interval->low, 0.2);
  EXPECT_EQ(row_of(c, "service_time", "max").verdict, Change::kNotJudged);
  EXPECT_EQ(row_of(c, "errors").verdict, Change::kNone);
  EXPECT_THAT(c.sentence(), HasSubstr("B is worse than A: response p50 +"));
  EXPECT_THAT(text(c), HasSubstr("response p90"));
}

TEST(Compare, LessThanTheThresholdIsNoDifferenceHoweverSure) {
  const Imagined is{.seed = 1, .intervals = 60, .per_interval = 2000, .drift = 0};
  Imagined other = is;
  other.seed = 2;
  other.slow_factor = 1.03;
  const ClientResult a = imagine(is);
  const ClientResult b = imagine(other);
  EXPECT_EQ(compare_two(a, b).verdict, Change::kNone);
  EXPECT_EQ(compare_two(a, b, {.threshold = 0.005}).verdict, Change::kWorse);
}

TEST(Compare, MoreErrorsAreWorse) {
  const Compared c = compare_two(imagine({.seed = 1, .error_share = 0.001}),
                                 imagine({.seed = 2, .error_share = 0.02}));
  EXPECT_EQ(row_of(c, "errors").verdict, Change::kWorse);
  EXPECT_EQ(c.verdict, Change::kWorse);
  EXPECT_THAT(c.warnings, Contains(HasSubstr("failed requests are in no percentile")));
}

TEST(Compare, ErrorsOfOneMomentMayBeChanceAndAreSaid) {
  const ClientResult a = imagine({.seed = 1});
  ClientResult b = imagine({.seed = 2});
  b.intervals[7].bad_status = 200;
  b.totals.bad_status = 200;
  const Compared c = compare_two(a, b);
  EXPECT_EQ(row_of(c, "errors").verdict, Change::kNone);
  EXPECT_THAT(c.warnings, Contains(HasSubstr("200 errors against none")));
}

TEST(Compare, WarnsOfWhatMakesItDoubtful) {
  ClientResult a = imagine({.seed = 1, .intervals = 5});
  ClientResult b = imagine({.seed = 2});
  b.path = "b.json";
  b.plan["connections"] = 50;
  b.interrupted = true;
  b.verdict = {.valid = false, .text = "CLIENT-LIMITED", .reasons = {"its CPU was busy"}};
  const Compared c = compare_two(a, b);
  EXPECT_THAT(c.warnings, Contains("the plans differ: connections 10 and 50"));
  EXPECT_THAT(c.warnings, Contains(HasSubstr("CLIENT-LIMITED")));
  EXPECT_THAT(c.warnings, Contains(HasSubstr("b.json: its CPU was busy")));
  EXPECT_THAT(c.warnings, Contains("b.json: the run was interrupted"));
  EXPECT_THAT(c.warnings, Contains(HasSubstr("imagined.json: 5 intervals: too few")));
  EXPECT_THAT(compare_two(a, a).warnings, testing::SizeIs(2));  // few, on both sides
}

TEST(Compare, TheRateOfAnOpenLoopIsJudgedOnlyWhereItIsTheSame) {
  ClientResult a = imagine({.seed = 1, .loop = "open"});
  ClientResult b = imagine({.seed = 2, .loop = "open"});
  a.plan["rate"] = 500;
  b.plan["rate"] = 700;
  EXPECT_EQ(row_of(compare_two(a, b), "rate").verdict, Change::kNotJudged);
  b.plan["rate"] = 500;
  EXPECT_EQ(row_of(compare_two(a, b), "rate").verdict, Change::kNone);
  for (ClientInterval& interval : b.intervals) interval.answered /= 2;
  b.rate /= 2;
  EXPECT_EQ(row_of(compare_two(a, b), "rate").verdict, Change::kWorse);
}

TEST(Compare, FewAnswersAreNotJudgedFarOut) {
  const Compared c = compare_two(imagine({.seed = 1, .per_interval = 100}),
                                 imagine({.seed = 2, .per_interval = 100}));
  EXPECT_EQ(row_of(c, "response_time", "p99.9").verdict, Change::kNotJudged);
  EXPECT_EQ(row_of(c, "response_time", "p99.9").why, "needs 20,000 answers a side");
  EXPECT_TRUE(row_of(c, "response_time", "p99.9").change);
  EXPECT_EQ(row_of(c, "response_time", "p99").verdict, Change::kNone);
}

TEST(Compare, NothingMeasuredIsNothingJudged) {
  const ClientResult nothing = imagine({.intervals = 0});
  const Compared c = compare_two(nothing, imagine({.seed = 2}));
  EXPECT_EQ(c.verdict, Change::kNone);
  for (const ComparedRow& row : c.rows) EXPECT_EQ(row.verdict, Change::kNotJudged) << row.metric;
  EXPECT_EQ(compare_two(nothing, nothing).verdict, Change::kNone);
  EXPECT_THAT(text(c), HasSubstr("\nnothing could be judged"));
}

TEST(Compare, WarmupIsLeftOut) {
  const ClientResult a = imagine({.seed = 1});
  ClientResult b = imagine({.seed = 1});
  ClientResult slow = imagine({.seed = 3, .intervals = 5, .slow_factor = 10});
  for (ClientInterval& interval : b.intervals) interval.begin_s += 5;
  for (ClientInterval& interval : slow.intervals) interval.warmup = true;
  b.intervals.insert(b.intervals.begin(), slow.intervals.begin(), slow.intervals.end());
  b.plan["warmup_s"] = 5;
  const Compared c = compare_two(a, b);
  EXPECT_EQ(c.b.intervals, 30U);
  EXPECT_EQ(c.verdict, Change::kNone);
  EXPECT_EQ(to_json(c)["b"]["over_time"].size(), 30U);
}

TEST(Compare, SeveralRunsASide) {
  std::vector<ClientResult> a;
  std::vector<ClientResult> b;
  for (uint64_t i = 0; i < 3; ++i) {
    a.push_back(imagine({.seed = 10 + i, .intervals = 15}));
    b.push_back(imagine({.seed = 20 + i, .intervals = 15, .slow_factor = 1.5}));
  }
  const Compared c = compare(a, b, {});
  EXPECT_EQ(c.verdict, Change::kWorse);
  EXPECT_EQ(c.a.files.size(), 3U);
  EXPECT_EQ(c.a.intervals, 45U);
  EXPECT_EQ(c.a.totals.answered,
            a[0].totals.answered + a[1].totals.answered + a[2].totals.answered);
  EXPECT_EQ(c.a.response_time.count(), c.a.totals.answered);
  EXPECT_EQ(compare(a, a, {}).verdict, Change::kNone);
}

TEST(Compare, WhatWasNeverSentIsSaid) {
  const ClientResult a = imagine({.seed = 1});
  ClientResult b = a;
  b.totals.due += b.totals.due / 50;
  EXPECT_THAT(compare_two(a, b).warnings, Contains(HasSubstr("due were never sent")));
  EXPECT_THAT(compare_two(a, a).warnings, Not(Contains(HasSubstr("due were never sent"))));
}

TEST(Compare, FitsEightyColumns) {
  ClientResult b = imagine({.seed = 2, .per_interval = 50, .slow_factor = 1000, .error_share = 1});
  b.plan["targets"] = std::string(300, 'x');
  b.verdict.valid = false;
  b.verdict.reasons = {"a reason that takes more than a line, as there is a lot to be said of it"};
  for (const ClientResult& other : {b, imagine({.seed = 3, .slow_factor = 1.2})}) {
    std::istringstream lines(text(compare_two(imagine({.seed = 1}), other)));
    for (std::string line; std::getline(lines, line);) EXPECT_LE(width(line), 80u) << line;
  }
}

TEST(Compare, TheSameSeedGivesTheSameNumbers) {
  const ClientResult a = imagine({.seed = 1});
  const ClientResult b = imagine({.seed = 2});
  EXPECT_EQ(to_json(compare_two(a, b)), to_json(compare_two(a, b)));
  EXPECT_NE(to_json(compare_two(a, b))["rows"], to_json(compare_two(a, b, {.seed = 2}))["rows"]);
}

TEST(Compare, AsJson) {
  const auto json = to_json(compare_two(imagine({.seed = 1}), imagine({.seed = 2})));
  EXPECT_EQ(json["format"], "giliran-compare/1");
  EXPECT_EQ(json["verdict"], "no difference shown");
  EXPECT_EQ(json["rows"].size(), 14U);
  EXPECT_EQ(json["a"]["distribution"]["response_time"].front()[0], 0);
  EXPECT_EQ(json["a"]["distribution"]["response_time"].back()[0], 100);
  EXPECT_EQ(json["a"]["over_time"].size(), 30U);
}

TEST(BlockLength, GrowsWithMemory) {
  base::Rng rng(1);
  const auto length = [&](double memory) {
    std::vector<double> row;
    double level = 0;
    for (int i = 0; i < 125; ++i) row.push_back(level = memory * level + rng.uniform() - 0.5);
    return block_length(row);
  };
  EXPECT_EQ(length(0), 5U);
  EXPECT_GT(length(0.8), 9U);
  EXPECT_LE(length(0.999), 31U);
  EXPECT_EQ(block_length(std::vector<double>(4, 1)), 1U);
  EXPECT_EQ(block_length(std::vector<double>(27, 1)), 3U);
}

TEST(StudentT, AsInTables) {
  EXPECT_NEAR(student_t_99(1), 63.657, 1e-3);
  EXPECT_NEAR(student_t_99(11), 3.106, 5e-3);
  EXPECT_NEAR(student_t_99(25), 2.787, 5e-3);
  EXPECT_NEAR(student_t_99(40), 2.704, 5e-3);
  EXPECT_NEAR(student_t_99(1e9), kNormal99, 1e-6);
  EXPECT_GT(student_t_99(2.5), student_t_99(2.6));
}

}  // namespace
}  // namespace giliran::report
