// A worker in an open loop against a scripted server on the in-memory network, in virtual time.
#include "client/open_loop.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/test_worker.h"

namespace giliran::client {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using telemetry::End;

uint64_t ns(base::Duration d) {
  return static_cast<uint64_t>(d.count());
}

class OpenLoopTest : public WorkerTest {
 protected:
  OpenLoopTest() {
    plan_.connections = 10;
    plan_.timeout = seconds(30);
    plan_.loop = Loop::kOpen;
    plan_.interval = milliseconds(100);
  }

  void rate(double per_second, base::Duration duration) {
    plan_.rate = per_second;
    plan_.profile = RateProfile::constant(per_second);
    plan_.duration = duration;
  }
  void until(base::Duration since_start) { world_.run_until(begin_ + since_start); }
  // As the conductor does at the end of the duration.
  void finish() {
    if (plan_.duration.count() != 0) {
      until(plan_.duration);
      EXPECT_FALSE(done_) << "the run ended before its time";
      client_io_.post([this] { worker_->stop(); });
    }
    ASSERT_TRUE(ends());
    check_accounts();
  }
  void check_accounts() {
    const Counts& c = counts();
    EXPECT_EQ(c.issued, c.answered + c.failed);
    EXPECT_LE(c.issued, c.due);
    EXPECT_EQ(client_io_.sockets(), 0u);
    EXPECT_EQ(recorder().response_time().count(), c.answered);
    EXPECT_EQ(recorder().service_time().count(), c.answered);
    EXPECT_EQ(recorder().lag().count(), c.due);
    EXPECT_LE(recorder().wait().count(), c.issued);
    uint64_t due = 0, issued = 0, answered = 0, failed = 0;
    for (const Slice& slice : recorder().slices()) {
      due += slice.due;
      issued += slice.issued;
      answered += slice.answered;
      failed += slice.failed;
      EXPECT_EQ(slice.response.count(), slice.answered);
    }
    const Live live = worker_->take_live();  // warm-up included, as in the slices
    EXPECT_EQ(due, live.counts.due);
    EXPECT_EQ(issued, live.counts.issued);
    EXPECT_EQ(answered, live.counts.answered);
    EXPECT_EQ(failed, live.counts.failed);
  }

  base::Instant begin_ = world_.clock().now();
};

TEST_F(OpenLoopTest, EveryRequestSetsOutWhenItIsDue) {
  rate(1000, seconds(2));
  serve();
  start();
  finish();
  EXPECT_EQ(counts().due, 2000u);
  EXPECT_EQ(counts().issued, 2000u);
  EXPECT_EQ(counts().good(), 2000u);
  EXPECT_EQ(server_->requests(), 2000u);
  EXPECT_LE(recorder().lag().max(), ns(std::chrono::microseconds(20)));
  ASSERT_EQ(recorder().slices().size(), 20u);
  for (const Slice& slice : recorder().slices())
    EXPECT_NEAR(static_cast<double>(slice.due), 100, 1);
  std::vector<uint64_t> ids;
  for (const telemetry::Record& record : sink_.records) ids.push_back(record.id);
  std::ranges::sort(ids);
  for (uint64_t i = 0; i < ids.size(); ++i) ASSERT_EQ(ids[i], i + 1);
}

TEST_F(OpenLoopTest, ConnectionsAreOpenedAsTheyAreNeeded) {
  rate(100, seconds(1));
  serve();
  start();
  finish();
  EXPECT_EQ(server_->connections(), 1u);
}

// The reason for all of this: a server that stalls for 1.4 s under 2,000 requests a second.
TEST_F(OpenLoopTest, AStallShowsInTheResponseTimeOfAllThatWereDueMeanwhile) {
  rate(2000, seconds(10));
  serve();
  start();
  until(seconds(3));
  server_->options().hold = true;
  until(milliseconds(4400));
  server_->release();
  finish();
  EXPECT_EQ(counts().issued, 20'000u);
  EXPECT_EQ(counts().good(), 20'000u);
  EXPECT_GT(recorder().response_time().percentile(99), ns(milliseconds(1200)));
  EXPECT_LT(recorder().service_time().percentile(99), ns(milliseconds(5)));  // it would hide it
  EXPECT_GT(recorder().service_time().max(), ns(milliseconds(1390)));
  EXPECT_GT(recorder().wait().percentile(99), ns(milliseconds(1200)));
  EXPECT_LE(recorder().lag().max(), ns(std::chrono::microseconds(20)));
  uint32_t backlog = 0, in_flight = 0;
  for (const Slice& slice : recorder().slices()) {
    backlog = std::max(backlog, slice.backlog_max);
    in_flight = std::max(in_flight, slice.in_flight_max);
  }
  EXPECT_NEAR(backlog, 2790, 10);
  EXPECT_EQ(in_flight, 10u);
  EXPECT_GE(worker_->load().all_busy, milliseconds(1390));
  EXPECT_LT(worker_->load().all_busy, milliseconds(3000));
}

TEST_F(OpenLoopTest, WhatStillWaitedAtTheEndIsCountedAsNotSent) {
  rate(1000, seconds(2));
  serve();
  start();
  until(seconds(1));
  server_->options().hold = true;
  until(seconds(2));
  client_io_.post([this] { worker_->stop(); });
  until(milliseconds(2100));
  server_->release();
  ASSERT_TRUE(net::run_until(world_, [this] { return done_; }));
  check_accounts();
  EXPECT_EQ(counts().due, 2000u);
  EXPECT_NEAR(static_cast<double>(counts().unissued()), 990, 3);
  EXPECT_EQ(counts().answered, counts().issued);
}

TEST_F(OpenLoopTest, AStalledGeneratorIssuesEverythingThatWasDueAndTellsItsLag) {
  rate(1000, seconds(1));
  plan_.connections = 1000;
  serve();
  world_.run_for(milliseconds(300));  // the first look at the schedule is 300 ms late
  start(begin_);
  finish();
  EXPECT_EQ(counts().issued, 1000u);
  EXPECT_NEAR(static_cast<double>(recorder().lag().max()), 300e6, 2e6);
  EXPECT_NEAR(static_cast<double>(recorder().lag().percentile(85)), 150e6, 20e6);
  EXPECT_GE(recorder().response_time().max(), ns(milliseconds(298)));
  EXPECT_LT(recorder().service_time().max(), ns(milliseconds(5)));
}

TEST_F(OpenLoopTest, ExactlySoManyEndTheRunByThemselves) {
  rate(500, {});
  plan_.requests = 321;
  serve();
  start();
  finish();
  EXPECT_EQ(counts().issued, 321u);
  EXPECT_EQ(counts().good(), 321u);
  EXPECT_NEAR(base::to_seconds(world_.clock().now() - begin_), 0.642, 0.01);
}

TEST_F(OpenLoopTest, TheWarmUpIsInSlicesOnly) {
  rate(1000, milliseconds(500));
  plan_.warmup = milliseconds(200);
  serve();
  start();
  finish();
  EXPECT_EQ(counts().due, 300u);
  EXPECT_EQ(counts().answered, 300u);
  EXPECT_EQ(recorder().lag().count(), 300u);
  ASSERT_EQ(recorder().servers().size(), 1u);
  EXPECT_EQ(recorder().servers()[0].answers, 300u);
  EXPECT_EQ(server_->requests(), 500u);
  EXPECT_EQ(recorder().slices().at(0).due, 100u);
}

TEST_F(OpenLoopTest, NobodyThereStopsNoClock) {
  rate(1000, seconds(3));
  world_.set_reach(kServer, net::MemoryWorld::Reach::kRefused);
  start();
  finish();
  EXPECT_EQ(counts().due, 3000u);
  EXPECT_EQ(counts().answered, 0u);
  EXPECT_EQ(counts().failed, 3000u);
  EXPECT_EQ(counts().unissued(), 0u);
  EXPECT_EQ(recorder().wait().count(), 0u);
  EXPECT_LE(recorder().lag().max(), ns(std::chrono::microseconds(20)));
}

class HangUpTest : public OpenLoopTest, public testing::WithParamInterface<Protocol> {};

TEST_P(HangUpTest, AServerThatAcceptsAndClosesStopsNoClock) {
  plan_.protocol = GetParam();
  rate(200, seconds(1));
  serve({.hangs_up = true});
  start();
  finish();
  EXPECT_EQ(counts().due, 200u);
  EXPECT_EQ(counts().failed, 200u);
  EXPECT_EQ(counts().unissued(), 0u);
  EXPECT_EQ(worker_->load().all_busy, base::Duration{});
}

INSTANTIATE_TEST_SUITE_P(Both, HangUpTest, testing::Values(Protocol::kHttp, Protocol::kTcp));

TEST_F(OpenLoopTest, RequestsAreSpreadOverTheAddressesWithFewConnections) {
  plan_.addresses = {kServer, base::Address::loopback(81)};
  TestServer second(server_io_, {});
  second.listen(plan_.addresses[1]);
  rate(100, seconds(1));
  serve();
  start();
  finish();
  EXPECT_EQ(server_->requests(), 50u);
  EXPECT_EQ(second.requests(), 50u);
  EXPECT_EQ(server_->connections(), 1u);
  EXPECT_EQ(second.connections(), 1u);
}

TEST_F(OpenLoopTest, AServerThatClosesIdleConnectionsCostsNothing) {
  rate(200, seconds(2));
  serve({.answers_per_connection = 5});
  start();
  finish();
  EXPECT_EQ(counts().good(), 400u);
  EXPECT_EQ(counts().retried, 0u);
  EXPECT_EQ(server_->connections(), 80u);
}

TEST_F(OpenLoopTest, ANewConnectionForEachWaitsForItsConnect) {
  rate(200, seconds(1));
  plan_.new_connection = true;
  serve();
  start();
  finish();
  EXPECT_EQ(counts().good(), 200u);
  EXPECT_EQ(server_->connections(), 200u);
  EXPECT_EQ(recorder().wait().count(), 200u);
  EXPECT_GE(recorder().wait().min() + 1000, recorder().connect().min());
}

TEST_F(OpenLoopTest, TcpLinesTakeTheirTurnsToo) {
  plan_.protocol = Protocol::kTcp;
  rate(1000, seconds(1));
  serve({.http = false, .answer = "s1 hello\n", .answers_per_connection = 100});
  start();
  finish();
  EXPECT_EQ(counts().due, 1000u);
  EXPECT_EQ(counts().good() + counts().failed, 1000u);
  EXPECT_GT(counts().good(), 980u);
}

TEST_F(OpenLoopTest, LinesNobodyAskedForEndAnIdleFlow) {
  plan_.protocol = Protocol::kTcp;
  rate(100, seconds(1));
  world_.options().split = 0;
  serve({.http = false, .answer = "s1 one\n"});
  start();
  until(milliseconds(505));  // one connection, idle
  server_io_.post([this] { server_->speak("s1 unasked\n"); });
  finish();
  EXPECT_EQ(counts().good(), 100u);
  EXPECT_EQ(server_->connections(), 2u);
  EXPECT_EQ(sink_.count(telemetry::Kind::kFlow, End::kBadResponse), 1u);
}

TEST_F(OpenLoopTest, AFaultyNetworkLosesNothingFromTheAccounts) {
  world_.options().reset = 0.02;
  plan_.arrivals = Arrivals::kPoisson;
  rate(2000, seconds(2));
  serve({.answers_per_connection = 20});
  start();
  finish();
  EXPECT_NEAR(static_cast<double>(counts().due), 4000, 350);
  EXPECT_GT(counts().failed, 0u);
  EXPECT_GT(counts().answered, 1000u);
}

// response = lag + wait + service, of each request.
TEST_F(OpenLoopTest, TheTimesOfOneRequestAddUp) {
  rate(1, seconds(1));
  serve();
  start();
  finish();
  ASSERT_EQ(counts().answered, 1u);
  EXPECT_EQ(recorder().response_time().max(),
            recorder().lag().max() + recorder().wait().max() + recorder().service_time().max());
  EXPECT_GT(recorder().wait().max(), 0u);  // its connection was opened
  const telemetry::Record& record = sink_.records.front();
  EXPECT_EQ(ns(record.lag), recorder().lag().max() + recorder().wait().max());
}

TEST_F(OpenLoopTest, TiersAreAddedUpByName) {
  rate(100, seconds(1));
  serve({.answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nServer-Timing: queue;dur=0.5, db\r\n"
                   "Server-Timing: work;dur=2, queue;dur=0.25\r\n\r\n"});
  start();
  finish();
  ASSERT_EQ(recorder().tiers().size(), 2u);
  EXPECT_EQ(recorder().tiers()[0].name, "queue");
  EXPECT_EQ(recorder().tiers()[0].took.count(), 100u);
  EXPECT_EQ(recorder().tiers()[0].took.mean(), 750'000);
  EXPECT_EQ(recorder().tiers()[1].took.max(), 2'000'000u);
  const Slice& slice = recorder().slices()[5];
  ASSERT_EQ(slice.tiers.size(), 2u);
  EXPECT_EQ(slice.tiers[1].sum_ns, slice.tiers[1].count * 2'000'000);
  EXPECT_EQ(slice.tiers[1].count, slice.answered);
}

}  // namespace
}  // namespace giliran::client
