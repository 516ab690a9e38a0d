#include "report/expect.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace giliran::report {
namespace {

using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;

constexpr uint64_t kMs = 1'000'000;

class Expect : public testing::Test {
 protected:
  Expect() {
    for (uint64_t i = 1; i <= 1000; ++i) {
      response_.record(i * kMs);
      service_.record(i * kMs / 10);
    }
    measured_ = {.response = &response_,
                 .service = &service_,
                 .connect = &connect_,
                 .ended = 1000,
                 .errors = 5,
                 .rate = 4999.6};
  }
  Expected judge(std::string_view text) const {
    return Expectation::parse(text).value().judge(measured_);
  }
  bool met(std::string_view text) const { return judge(text).met; }
  static std::string refusal(std::string_view text) {
    const auto parsed = Expectation::parse(text);
    return parsed ? "accepted" : parsed.error().message;
  }

  base::Histogram response_, service_, connect_;
  Measured measured_;
};

TEST_F(Expect, TimesAreResponseTimesUnlessSaidOtherwise) {
  EXPECT_TRUE(met("p99<1s"));
  EXPECT_FALSE(met("p99<900ms"));
  EXPECT_TRUE(met("service.p99<100ms"));
  EXPECT_TRUE(met("p50<501ms"));
  EXPECT_FALSE(met("p50<500ms"));
  EXPECT_TRUE(met("p99.9<=1s"));
  EXPECT_TRUE(met("response.max<=1s"));
  EXPECT_FALSE(met("max<1s"));
  EXPECT_TRUE(met("min>=1ms"));
  EXPECT_TRUE(met("mean > 500ms"));
}

TEST_F(Expect, EveryOperatorAtItsEdge) {
  measured_.errors = 10;
  EXPECT_FALSE(met("errors<10"));
  EXPECT_TRUE(met("errors<=10"));
  EXPECT_FALSE(met("errors>10"));
  EXPECT_TRUE(met("errors>=10"));
  EXPECT_TRUE(met("errors<11"));
  EXPECT_TRUE(met("errors>9"));
}

TEST_F(Expect, ErrorsAreAShareWithPercentAndACountWithout) {
  EXPECT_TRUE(met("errors<=0.5%"));
  EXPECT_FALSE(met("errors<0.5%"));
  EXPECT_FALSE(met("errors<1"));
  EXPECT_EQ(judge("errors<0.1%").measured, "0.5%");
  EXPECT_EQ(judge("errors<1").measured, "5");
}

TEST_F(Expect, Rate) {
  EXPECT_FALSE(met("rate>5k"));
  EXPECT_TRUE(met("rate>4k"));
  EXPECT_TRUE(met("rate>4000/s"));
  EXPECT_EQ(judge("rate>5k").measured, "5,000/s");
}

TEST_F(Expect, WhatWasNotMeasuredIsNotMet) {
  EXPECT_THAT(judge("connect.p99<1h"), Field(&Expected::measured, "-"));
  EXPECT_FALSE(met("connect.p99<1h"));
  EXPECT_FALSE(met("lag.p99<1h"));
  EXPECT_FALSE(met("wait.max>=0"));
  measured_ = {};
  EXPECT_FALSE(met("errors<1%"));
  EXPECT_FALSE(met("errors<1"));
  EXPECT_FALSE(met("rate>1"));
}

TEST_F(Expect, TextIsAsWrittenWithoutSpaces) {
  EXPECT_EQ(judge(" p99 < 10ms ").text, "p99<10ms");
  EXPECT_EQ(judge("p99<10ms").measured, "990 ms");
}

TEST_F(Expect, AListIsSeparatedByCommas) {
  const auto list = Expectation::parse_list("p99<10ms, errors<0.1%").value();
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(list[1].text(), "errors<0.1%");
  EXPECT_FALSE(Expectation::parse_list(""));
  EXPECT_FALSE(Expectation::parse_list(" , "));
  EXPECT_FALSE(Expectation::parse_list("p99<10ms,p98"));
}

TEST_F(Expect, RefusalsSayWhatWasExpected) {
  EXPECT_THAT(refusal("p99"), HasSubstr("expected a threshold such as p99<10ms"));
  EXPECT_THAT(refusal("<10ms"), HasSubstr("expected a threshold"));
  EXPECT_THAT(refusal("p99==10ms"), HasSubstr("expected one of < <= > >="));
  EXPECT_THAT(refusal("p99<10"), HasSubstr("expected a duration"));
  EXPECT_THAT(refusal("p99<"), HasSubstr("expected a duration"));
  EXPECT_THAT(refusal("errrors<1%"), HasSubstr("did you mean errors?"));
  EXPECT_THAT(refusal("servise.p99<1ms"), HasSubstr("did you mean service?"));
  EXPECT_THAT(refusal("p101<1ms"), HasSubstr("p50 to p100"));
  EXPECT_THAT(refusal("p0<1ms"), HasSubstr("p50 to p100"));
  EXPECT_THAT(refusal("errors<101%"), HasSubstr("between 0 and 1"));
  EXPECT_THAT(refusal("errors<x"), HasSubstr("expected a count"));
  EXPECT_THAT(refusal("rate>fast"), HasSubstr("expected a"));
}

TEST_F(Expect, LinesForPeople) {
  const auto judged = report::judge(Expectation::parse_list("p99<10ms,rate>1k").value(), measured_);
  EXPECT_EQ(report::text(judged), "NOT MET p99<10ms: 990 ms\nrate>1k: 5,000/s\n");
}

}  // namespace
}  // namespace giliran::report
