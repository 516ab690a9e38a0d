#include "report/little.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/rng.h"

namespace giliran::report {
namespace {

using testing::AllOf;
using testing::HasSubstr;

TEST(Little, HoldsAndIsViolated) {
  const LittleInput good{.in_flight = 10, .rate = 1000, .mean_s = 0.01, .measured_s = 10};
  EXPECT_TRUE(check_little(good).holds);
  EXPECT_EQ(check_little(good).text,
            "Little's law holds: 10 requests in the system, 1,000/s x 10.0 ms make 10: +0.0 %, "
            "within 5.2 %");
  LittleInput bad = good;
  bad.in_flight = 11;
  EXPECT_FALSE(check_little(bad).holds);
  EXPECT_THAT(check_little(bad).text, HasSubstr("is VIOLATED"));
  bad.in_flight_error = 0.3;  // 9 % more tolerance
  EXPECT_TRUE(check_little(bad).holds);
  EXPECT_FALSE(check_little(LittleInput{}).checked);
}

TEST(Little, AWideToleranceProvesNothingButAViolation) {
  LittleInput vague{
      .in_flight = 11, .in_flight_error = 2.2, .rate = 1000, .mean_s = 0.01, .measured_s = 10};
  EXPECT_FALSE(check_little(vague).checked);
  EXPECT_THAT(check_little(vague).text,
              AllOf(HasSubstr("was not checked"), HasSubstr("more than 71 % would tell")));
  vague.in_flight = 20;
  EXPECT_TRUE(check_little(vague).checked);
  EXPECT_FALSE(check_little(vague).holds);
}

struct Simulated {
  double rate = 500;
  double mean_s = 0.02;
  double for_s = 20;
  double told_factor = 1;  // what the client says of the times
  double lost = 0;         // share of answers that are not counted
};

// Poisson arrivals that stay exponential times, all at once: M/M/infinity.
ClientResult simulate(const Simulated& is, uint64_t seed) {
  base::Rng rng(seed);
  ClientResult r;
  r.issuing_s = is.for_s;
  r.intervals.resize(static_cast<size_t>(is.for_s) * 2 + 20);
  for (size_t i = 0; i < r.intervals.size(); ++i) {
    r.intervals[i].begin_s = static_cast<double>(i) / 2;
    r.intervals[i].for_s = 0.5;
  }
  for (double t = 0; t < is.for_s; t -= std::log(1 - rng.uniform()) / is.rate) {
    const double took = -is.mean_s * std::log(1 - rng.uniform());
    ++r.intervals[static_cast<size_t>(t * 2)].due;
    if (rng.uniform() < is.lost) continue;
    ClientInterval& end =
        r.intervals[std::min(static_cast<size_t>((t + took) * 2), r.intervals.size() - 1)];
    ++end.answered;
    end.response_time.record(static_cast<uint64_t>(took * is.told_factor * 1e9));
  }
  return r;
}

TEST(Little, HoldsForWhatIsMeasuredRightly) {
  for (uint64_t seed = 0; seed < 60; ++seed) {
    const Little little = check_little(simulate({.for_s = 60}, seed));
    ASSERT_TRUE(little.checked) << little.text;
    EXPECT_TRUE(little.holds) << little.text;
    EXPECT_LE(little.tolerance, kLittleToleranceMax);
  }
}

TEST(Little, FindsTimesThatAreTooShort) {
  const Little little = check_little(simulate({.rate = 2000, .for_s = 40, .told_factor = 0.7}, 1));
  ASSERT_TRUE(little.checked);
  EXPECT_FALSE(little.holds) << little.text;
}

TEST(Little, FindsAnswersThatWereNotCounted) {
  EXPECT_FALSE(check_little(simulate({.rate = 2000, .for_s = 40, .lost = 0.01}, 1)).holds);
}

// Requests every 1/rate s, each 1/rate s after the begin of an interval: at its end all but the
// next one are counted.
ClientResult evenly_spaced(double rate, double took_s) {
  ClientResult r;
  r.plan = {{"loop", "open"}, {"arrivals", "constant"}};
  r.issuing_s = 5;
  r.intervals.resize(60);
  for (size_t i = 0; i < r.intervals.size(); ++i) {
    r.intervals[i].begin_s = static_cast<double>(i) / 10;
    r.intervals[i].for_s = 0.1;
  }
  for (int k = 0; k < static_cast<int>(5 * rate); ++k) {
    const double due = k / rate + 1e-6;
    ++r.intervals[static_cast<size_t>(due * 10)].due;
    ClientInterval& end = r.intervals[static_cast<size_t>((due + took_s) * 10)];
    ++end.answered;
    end.response_time.record(static_cast<uint64_t>(took_s * 1e9));
  }
  return r;
}

TEST(Little, HoldsForRequestsInStepWithTheIntervals) {
  const Little many = check_little(evenly_spaced(1000, 0.0054));
  ASSERT_TRUE(many.checked) << many.text;
  EXPECT_NEAR(many.in_flight, 5, 0.01);
  EXPECT_NEAR(many.expected, 5.4, 0.05);
  EXPECT_TRUE(many.holds) << many.text;
  const Little few = check_little(evenly_spaced(100, 0.005));
  EXPECT_FALSE(few.checked) << few.text;
  EXPECT_TRUE(few.holds);
}

TEST(Little, IsNotCheckedWhereItCannotBe) {
  ClientResult failed = simulate({}, 1);
  for (ClientInterval& i : failed.intervals) {
    i.failed = i.answered / 10;
    i.answered -= i.failed;
  }
  EXPECT_THAT(check_little(failed).text, HasSubstr("requests failed"));
  EXPECT_FALSE(check_little(failed).checked);
  ClientResult hung = simulate({}, 1);
  ++hung.intervals[4].due;
  ++hung.intervals[30].failed;
  EXPECT_FALSE(check_little(hung).checked) << "it may have taken 30 s of 200";
  hung.plan = {{"timeout_s", 1}};
  EXPECT_TRUE(check_little(hung).checked);
  EXPECT_THAT(check_little(simulate({.for_s = 1}, 1)).text, HasSubstr("too few intervals"));
  EXPECT_THAT(check_little(simulate({.mean_s = 6}, 1)).text, HasSubstr("took too long"));
  EXPECT_FALSE(check_little(ClientResult{}).checked);
}

}  // namespace
}  // namespace giliran::report
