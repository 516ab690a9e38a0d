#include "client/verdict.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace giliran::client {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// An open loop that kept up: 1,000 answers in 2 ms, 20 us late.
class VerdictTest : public testing::Test {
 protected:
  VerdictTest() {
    plan_.loop = Loop::kOpen;
    plan_.connections = 10;
    fill(service_, 2'000'000);
    fill(response_, 2'020'000);
    fill(lag_, 20'000);
    fill(wait_, 1'000);
  }
  static void fill(base::Histogram& histogram, uint64_t ns) {
    histogram.reset();
    histogram.record(ns, 1000);
  }
  Verdict verdict() const {
    return judge({.plan = plan_,
                  .due = due_,
                  .issued = issued_,
                  .answered = answered_,
                  .shortages = shortages_,
                  .issuing = issuing_,
                  .service = service_,
                  .response = response_,
                  .lag = lag_,
                  .wait = wait_,
                  .cpu_share_busiest = cpu_,
                  .all_busy_share = busy_,
                  .answering_at_end = answering_});
  }
  Plan plan_;
  base::Histogram service_, response_, lag_, wait_;
  uint64_t due_ = 1000;
  uint64_t issued_ = 1000;
  uint64_t answered_ = 1000;
  uint64_t shortages_ = 0;
  base::Duration issuing_ = std::chrono::seconds(10);
  double cpu_ = 0.3;
  double busy_ = 0;
  bool answering_ = true;
};

TEST_F(VerdictTest, KeepingUpIsValid) {
  EXPECT_TRUE(verdict().valid);
  EXPECT_THAT(verdict().reasons, IsEmpty());
  EXPECT_THAT(verdict().notes, IsEmpty());
}

TEST_F(VerdictTest, OfTooLittleThereIsNoneOnProcessorAndLag) {
  cpu_ = 1;
  fill(lag_, 5'000'000);
  EXPECT_EQ(verdict().word(), "CLIENT-LIMITED");
  issuing_ = std::chrono::milliseconds(999);
  EXPECT_EQ(verdict().word(), "NOT JUDGED");
  EXPECT_THAT(verdict().reasons, IsEmpty());
  EXPECT_THAT(verdict().notes, ElementsAre(HasSubstr("here were 0.999 s and 1,000")));
  issuing_ = std::chrono::seconds(10);
  answered_ = 0;
  response_.reset();
  EXPECT_EQ(verdict().word(), "NOT JUDGED");  // nobody answered: late compared with what?
  answered_ = 99;
  EXPECT_EQ(verdict().word(), "NOT JUDGED");
  plan_.loop = Loop::kClosed;
  EXPECT_EQ(verdict().word(), "NOT JUDGED");
  // What was never sent is known whatever was answered.
  plan_.loop = Loop::kOpen;
  issued_ = 500;
  EXPECT_EQ(verdict().word(), "CLIENT-LIMITED");
}

TEST_F(VerdictTest, WhatThisMachineHadNotIsNoFaultOfTheServers) {
  plan_.loop = Loop::kClosed;
  issuing_ = std::chrono::milliseconds(10);
  shortages_ = 7;
  EXPECT_EQ(verdict().word(), "CLIENT-LIMITED");
  EXPECT_THAT(verdict().reasons, ElementsAre(HasSubstr("7 connections could not be opened")));
}

TEST(TargetVerdict, IsHowTheTargetDid) {
  using State = TargetVerdict::State;
  Counts counts;
  EXPECT_EQ(judge_target(counts).state, State::kNotAsked);
  counts.answered = 1;
  EXPECT_EQ(judge_target(counts).text, "1 request answered, with a status below 400");
  counts.answered = 1000;
  EXPECT_EQ(judge_target(counts).state, State::kNoErrors);
  EXPECT_EQ(judge_target(counts).text, "1,000 requests answered, all with a status below 400");
  counts.bad_status = 5;
  counts.failed = 1000;
  EXPECT_EQ(judge_target(counts).state, State::kErrors);
  EXPECT_EQ(judge_target(counts).text,
            "of 2,000 requests, 1,000 failed, 5 had a status of 400 or more (50.2%)");
  counts.bad_status = 1000;
  EXPECT_EQ(judge_target(counts).state, State::kAllFailed);
  counts = {.answered = 1'000'000, .failed = 1};
  EXPECT_EQ(judge_target(counts).text, "of 1,000,001 requests, 1 failed (0.0001%)");
}

TEST_F(VerdictTest, AThreadWithoutTimeLeftIsTheLimitInBothLoops) {
  cpu_ = 0.89;
  EXPECT_TRUE(verdict().valid);
  cpu_ = 0.9;
  EXPECT_THAT(verdict().reasons, ElementsAre(HasSubstr("90 % of its processor")));
  plan_.loop = Loop::kClosed;
  EXPECT_FALSE(verdict().valid);
}

TEST_F(VerdictTest, LatenessCountsAgainstWhatWasMeasured) {
  fill(lag_, 600'000);
  EXPECT_THAT(verdict().reasons, ElementsAre(HasSubstr("lag p99 600 µs")));
  fill(response_, 4'000'000);  // 15 % of it
  EXPECT_TRUE(verdict().valid);
  fill(response_, 500'000);
  fill(lag_, 400'000);  // most of it, but too little to matter
  EXPECT_TRUE(verdict().valid);
  plan_.loop = Loop::kClosed;
  fill(lag_, 600'000);
  EXPECT_TRUE(verdict().valid);
}

TEST_F(VerdictTest, WhatWasNotSentThoughServersAnsweredIsTheClientsLimit) {
  issued_ = 991;
  EXPECT_TRUE(verdict().valid);
  EXPECT_THAT(verdict().notes, ElementsAre(HasSubstr("9 of 1,000")));
  issued_ = 980;
  EXPECT_FALSE(verdict().valid);
  EXPECT_THAT(verdict().reasons, ElementsAre(HasSubstr("all 10 connections")));
  answering_ = false;
  EXPECT_TRUE(verdict().valid);
  EXPECT_THAT(verdict().notes, ElementsAre(HasSubstr("the truth is worse")));
}

TEST_F(VerdictTest, TooFewConnectionsAreNoted) {
  fill(wait_, 50'000'000);
  fill(response_, 52'000'000);
  EXPECT_THAT(verdict().notes, IsEmpty());  // seldom: a stall of the servers
  busy_ = 0.6;
  EXPECT_TRUE(verdict().valid);
  EXPECT_THAT(verdict().notes, ElementsAre(HasSubstr("in use 60 % of the time")));
  fill(service_, 60'000'000);  // the servers are slow, not the queue for them long
  EXPECT_THAT(verdict().notes, IsEmpty());
  plan_.loop = Loop::kClosed;
  fill(service_, 2'000'000);
  EXPECT_THAT(verdict().notes, IsEmpty());
}

}  // namespace
}  // namespace giliran::client
