// One worker against a scripted server on the in-memory network: real code, virtual time.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/test_worker.h"

namespace giliran::client {
namespace {

using telemetry::End;
using telemetry::Kind;
using testing::AllOf;
using testing::Contains;
using testing::Each;
using testing::HasSubstr;
using testing::Not;

class SessionTest : public WorkerTest {
 protected:
  SessionTest() { plan_.timeout = std::chrono::seconds(1); }

  // Serves, runs the plan to its end, checks that nothing is lost from the accounts.
  void run(TestServerOptions options) {
    serve(std::move(options));
    run_without_server();
  }
  void run_without_server() {
    start();
    ASSERT_TRUE(ends());
    check_accounts();
  }
  void check_accounts() {
    const Counts& c = counts();
    if (plan_.requests != 0) {
      EXPECT_EQ(c.issued, plan_.requests);
    }
    EXPECT_EQ(c.issued, c.answered + c.failed);
    uint64_t ends = 0;
    for (const uint64_t n : c.ends) ends += n;
    EXPECT_EQ(ends, c.issued);
    uint64_t requests = 0, ok = 0;
    std::vector<bool> seen(c.issued + 1);
    for (const telemetry::Record& record : sink_.records) {
      if (record.kind == Kind::kFlow) continue;
      ++requests;
      ok += record.end == End::kOk ? 1 : 0;
      ASSERT_LE(record.id, c.issued);
      EXPECT_FALSE(seen[record.id]) << "twice in the log: " << record.id;
      seen[record.id] = true;
      EXPECT_EQ(record.lag, telemetry::kNotReached) << "nothing is due in a closed loop";
    }
    EXPECT_EQ(requests, c.issued);
    EXPECT_EQ(ok, c.answered);
    EXPECT_EQ(worker_->recorder().service_time().count(), c.answered);
    EXPECT_EQ(client_io_.sockets(), 0u);
  }
  // Of requests that ended when their time was over.
  void expect_time_in(base::Duration telemetry::Record::* phase) const {
    for (const telemetry::Record& record : sink_.records) {
      if (record.kind == Kind::kFlow) continue;
      EXPECT_GE(record.*phase, std::chrono::milliseconds(900));
    }
  }
  uint64_t ended(End end) const { return counts().ends[static_cast<size_t>(end)]; }
};

class TcpSessionTest : public SessionTest {
 protected:
  TcpSessionTest() { plan_.protocol = Protocol::kTcp; }
};

const std::string kLine = "s1 answers hello\r\n";

TEST_F(TcpSessionTest, SendsExactlySoManyLinesOnKeptConnections) {
  plan_.requests = 1000;
  run({.http = false, .answer = kLine});
  EXPECT_EQ(counts().good(), 1000u);
  EXPECT_EQ(server_->requests(), 1000u);
  EXPECT_EQ(server_->connections(), 4u);
  EXPECT_EQ(counts().bytes_out, server_->bytes_in());
  EXPECT_EQ(counts().bytes_in, 1000 * kLine.size());
  EXPECT_EQ(sink_.count(Kind::kFlow, End::kOk), 4u);
  ASSERT_EQ(worker_->recorder().servers().size(), 1u);
  EXPECT_EQ(worker_->recorder().servers()[0].name, "s1");
  EXPECT_THAT(sink_.lines.front(), AllOf(HasSubstr(R"("sent":"hello","got":"s1 answers hello")"),
                                         HasSubstr(R"("server":"s1")")));
}

TEST_F(TcpSessionTest, ANewConnectionForEach) {
  plan_.requests = 20;
  plan_.new_connection = true;
  run({.http = false, .answer = kLine});
  EXPECT_EQ(counts().good(), 20u);
  EXPECT_EQ(server_->connections(), 20u);
  EXPECT_EQ(worker_->recorder().connect().count(), 20u);
}

TEST_F(TcpSessionTest, RefusedConnectionsAreFailedRequestsWithGrowingPauses) {
  plan_.requests = 40;
  world_.set_reach(kServer, net::MemoryWorld::Reach::kRefused);
  run_without_server();
  EXPECT_EQ(ended(End::kConnectRefused), 40u);
  EXPECT_EQ(counts().connect_failures, 40u);
  EXPECT_EQ(sink_.count(Kind::kMessage, End::kConnectRefused), 40u);
  // Ten failures a client: 10, 20, ... 640, 1000, 1000 ms, of which at least half each.
  EXPECT_GE(world_.clock().now().time_since_epoch(), std::chrono::milliseconds(1600));
}

TEST_F(TcpSessionTest, WhatFailsOnAConnectionIsFollowedByTheNextAtOnce) {
  plan_.requests = 400;
  run({.http = false, .hangs_up = true});
  EXPECT_EQ(ended(End::kServerClosed), 400u);
  EXPECT_LE(world_.clock().now().time_since_epoch(), std::chrono::milliseconds(500));
}

TEST_F(TcpSessionTest, ConnectionsAreSpreadOverTheAddresses) {
  plan_.addresses = {kServer, base::Address::loopback(81), base::Address::loopback(82)};
  plan_.connections = 6;
  plan_.requests = 600;
  TestServer second(server_io_, {.http = false, .answer = kLine});
  second.listen(plan_.addresses[1]);
  world_.set_reach(plan_.addresses[2], net::MemoryWorld::Reach::kRefused);
  run({.http = false, .answer = kLine});
  EXPECT_EQ(server_->connections(), 3u);
  EXPECT_EQ(second.connections(), 3u);
  const std::vector<AddressTally>& tallies = recorder().addresses();
  ASSERT_EQ(tallies.size(), 3u);
  EXPECT_EQ(tallies[0].answers, server_->requests());
  EXPECT_EQ(tallies[1].answers, second.requests());
  EXPECT_EQ(tallies[0].connections, 3u);
  EXPECT_EQ(tallies[2].connect_failures, 2u);
  EXPECT_EQ(tallies[2].failed, 2u);
  EXPECT_EQ(tallies[0].answers + tallies[1].answers + tallies[2].failed, 600u);
}

// Both parts of it in two receives, the second of the largest size: more than a block holds.
TEST_F(TcpSessionTest, ALineThatIsTooLongEndsTheFlow) {
  plan_.requests = 4;
  world_.options().split = 0;
  world_.options().window_bytes = 1 << 20;
  run({.http = false, .answer = std::string(200'000, 'x')});
  EXPECT_EQ(ended(End::kBadResponse), 4u);
  EXPECT_THAT(sink_.lines, Contains(HasSubstr("line-too-long")));
}

TEST_F(TcpSessionTest, AServerThatClosesAfterSomeAnswers) {
  plan_.requests = 100;
  run({.http = false, .answer = kLine, .answers_per_connection = 5});
  EXPECT_GE(counts().good(), 80u);
  EXPECT_EQ(counts().failed, ended(End::kServerClosed));
  EXPECT_GT(counts().failed, 0u);
}

TEST_F(TcpSessionTest, ASilentServerIsGivenUpInTime) {
  plan_.requests = 8;
  run({.http = false, .silent = true});
  EXPECT_EQ(ended(End::kServerTimeout), 8u);
  expect_time_in(&telemetry::Record::wait);
  EXPECT_EQ(server_->requests(), 8u);
  EXPECT_LE(world_.clock().now().time_since_epoch(), std::chrono::milliseconds(2500));
}

TEST_F(TcpSessionTest, AConnectThatIsNeverAnsweredIsGivenUpInTime) {
  plan_.requests = 4;
  world_.set_reach(kServer, net::MemoryWorld::Reach::kSilent);
  run_without_server();
  EXPECT_EQ(ended(End::kConnectTimeout), 4u);
  expect_time_in(&telemetry::Record::connect);
}

TEST_F(TcpSessionTest, LinesNobodyAskedForEndTheFlow) {
  plan_.requests = 4;
  run({.http = false, .answer = "s1 one\ns1 two\n"});
  EXPECT_EQ(counts().answered + counts().failed, 4u);
  EXPECT_EQ(counts().connections, 4u);
}

class HttpSessionTest : public SessionTest {};

TEST_F(HttpSessionTest, AsksExactlySoOftenOnKeptConnections) {
  plan_.requests = 1000;
  run({});
  EXPECT_EQ(counts().good(), 1000u);
  EXPECT_EQ(counts().status_classes[2], 1000u);
  EXPECT_EQ(server_->requests(), 1000u);
  EXPECT_EQ(server_->connections(), 4u);
  EXPECT_EQ(counts().bytes_out, server_->bytes_in());
  EXPECT_EQ(counts().body_bytes, 2000u);
  EXPECT_EQ(worker_->recorder().servers().at(0).name, "s1");
  EXPECT_EQ(worker_->recorder().servers().at(0).answers, 1000u);
  EXPECT_THAT(server_->last_request(), AllOf(HasSubstr("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n"),
                                             HasSubstr("traceparent: 00-")));
  for (const telemetry::Record& record : sink_.records) {
    EXPECT_EQ(record.reused, record.sequence > 1);
    EXPECT_GE(record.total, record.connect + record.send + record.wait + record.data);
  }
  EXPECT_THAT(sink_.lines, Each(AllOf(HasSubstr(R"("status":200)"), HasSubstr(R"("wait_us":)"),
                                      HasSubstr(R"("trace":")"))));
}

TEST_F(HttpSessionTest, ConnectionCloseIsAnsweredByANewConnection) {
  plan_.requests = 40;
  run({.answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
       .answers_per_connection = 1});
  EXPECT_EQ(counts().good(), 40u);
  EXPECT_EQ(counts().retried, 0u);
  EXPECT_EQ(server_->connections(), 40u);
}

TEST_F(HttpSessionTest, AnIdleConnectionTheServerGaveUpIsTriedOnceMoreOnANewOne) {
  plan_.requests = 100;
  run({.answers_per_connection = 5});
  EXPECT_EQ(counts().good(), 100u);
  EXPECT_GT(counts().retried, 0u);
  size_t told = 0;
  for (const std::string& line : sink_.lines) told += line.contains("\"retried\"") ? 1 : 0;
  EXPECT_EQ(told, counts().retried);
}

TEST_F(HttpSessionTest, BadStatusesAreAnswersButErrors) {
  plan_.requests = 10;
  run({.answer = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"});
  EXPECT_EQ(counts().answered, 10u);
  EXPECT_EQ(counts().bad_status, 10u);
  EXPECT_EQ(counts().good(), 0u);
  EXPECT_EQ(counts().status_classes[5], 10u);
}

TEST_F(HttpSessionTest, WhatCannotBeReadIsABadResponseWithItsProblem) {
  plan_.requests = 4;
  run({.answer = "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"});
  EXPECT_EQ(ended(End::kBadResponse), 4u);
  EXPECT_THAT(sink_.lines, Each(HasSubstr("bad-content-length")));
}

TEST_F(HttpSessionTest, ATruncatedBodyIsAClosedServerAndNotRetried) {
  plan_.requests = 4;
  run({.answer = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", .answers_per_connection = 1});
  EXPECT_EQ(ended(End::kServerClosed), 4u);
  EXPECT_EQ(counts().retried, 0u);
  EXPECT_THAT(sink_.lines, Each(HasSubstr(R"("phase":"data")")));
}

TEST_F(HttpSessionTest, ASilentServerIsGivenUpInTime) {
  plan_.requests = 8;
  run({.silent = true});
  EXPECT_EQ(ended(End::kServerTimeout), 8u);
  expect_time_in(&telemetry::Record::wait);
  EXPECT_LE(world_.clock().now().time_since_epoch(), std::chrono::milliseconds(2500));
}

TEST_F(HttpSessionTest, RefusedAndUnreachableAreAccountedFor) {
  plan_.requests = 8;
  world_.set_reach(kServer, net::MemoryWorld::Reach::kRefused);
  run_without_server();
  EXPECT_EQ(ended(End::kConnectRefused), 8u);
  EXPECT_EQ(counts().connect_failures, 8u);
}

TEST_F(HttpSessionTest, AConnectThatIsNeverAnsweredIsGivenUpInTime) {
  plan_.requests = 4;
  world_.set_reach(kServer, net::MemoryWorld::Reach::kSilent);
  run_without_server();
  EXPECT_EQ(ended(End::kConnectTimeout), 4u);
  expect_time_in(&telemetry::Record::connect);
  EXPECT_THAT(sink_.lines, Each(HasSubstr(R"("phase":"connect")")));
}

TEST_F(HttpSessionTest, HeadHasNoBody) {
  plan_.requests = 10;
  plan_.targets[0].method = "HEAD";
  run({.answer = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"});
  EXPECT_EQ(counts().good(), 10u);
  EXPECT_EQ(counts().body_bytes, 0u);
}

TEST_F(HttpSessionTest, ANewConnectionForEach) {
  plan_.requests = 20;
  plan_.new_connection = true;
  run({});
  EXPECT_EQ(counts().good(), 20u);
  EXPECT_EQ(server_->connections(), 20u);
  EXPECT_EQ(counts().connections, 20u);
}

TEST_F(HttpSessionTest, StopEndsTheIssuingAndLetsWhatIsInFlightFinish) {
  server_ = std::make_unique<TestServer>(server_io_, TestServerOptions{});
  server_->options().on_request = [this] {
    if (server_->requests() != 50) return;
    run_->rule.stop();
    client_io_.post([this] { worker_->stop(); });
  };
  server_->listen(kServer);
  run_without_server();
  EXPECT_GE(counts().good(), 50u);
  EXPECT_LE(counts().good(), 60u);
  EXPECT_EQ(counts().failed, 0u);
  EXPECT_LE(worker_->answered_until_stop(), counts().answered);
}

TEST_F(HttpSessionTest, AFaultyNetworkLosesNothingFromTheAccounts) {
  world_.options().reset = 0.02;
  plan_.requests = 2000;
  run({.answers_per_connection = 20});
  EXPECT_GT(counts().failed, 0u);
  EXPECT_GT(counts().answered, 1000u);
}

TEST_F(HttpSessionTest, LiveLooksAddUp) {
  plan_.requests = 100;
  run({});
  const Live live = worker_->take_live();
  EXPECT_EQ(live.interval.count(), 100u);
  EXPECT_EQ(live.counts.answered, 100u);
  EXPECT_EQ(worker_->take_live().interval.count(), 0u);
}

}  // namespace
}  // namespace giliran::client
