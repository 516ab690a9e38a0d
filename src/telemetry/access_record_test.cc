#include "telemetry/access_record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "telemetry/combined_line.h"
#include "telemetry/haproxy_line.h"
#include "telemetry/json.h"
#include "telemetry/sample_records.h"
#include "telemetry/time_zone.h"

namespace giliran::telemetry {
namespace {

using std::chrono::milliseconds;
using What = LineParser::What;

constexpr std::string_view kPrefix = "host giliran[1]: ";

Record exchange() {
  Record r;
  r.arrived = {1'795'338'000'123'000'000};
  r.peer = *base::Address::parse("198.51.100.7:4711");
  r.process_name = "web";
  r.pool = "shop#1";
  r.server = "a/b";
  r.attempts = 1;
  r.method = "GET";
  r.target = "/a b\"#\x1b\xff";
  r.status = 200;
  r.head = milliseconds(1);
  r.queue = milliseconds(2);
  r.connect = milliseconds(3);
  r.send = milliseconds(4);
  r.wait = milliseconds(5);
  r.data = milliseconds(6);
  r.total = milliseconds(21);
  r.down_out = 300;
  r.body_out = 100;
  return r;
}

class AccessRecord : public testing::Test {
 protected:
  What parse(std::string_view line) {
    text_ = line;
    if (text_.ends_with('\n')) text_.pop_back();
    return parser_.parse(text_, line_, dropped_);
  }
  const Line& httplog(const Record& r) {
    std::string text;
    append_httplog(r, kPrefix, clock_, text);
    EXPECT_EQ(parse(text), What::kRecord) << text;
    return line_;
  }
  const Line& tcplog(const Record& r) {
    std::string text;
    append_tcplog(r, kPrefix, clock_, text);
    EXPECT_EQ(parse(text), What::kRecord) << text;
    return line_;
  }
  const Line& combined(const Record& r) {
    std::string text;
    append_combined(r, clock_, text);
    EXPECT_EQ(parse(text), What::kRecord) << text;
    return line_;
  }

  TimeZone zone_{"CET-1CEST,M3.5.0,M10.5.0/3"};
  LocalClock clock_;
  AccessRecordParser parser_;
  std::string text_;
  Line line_;
  uint64_t dropped_ = 0;
};

TEST_F(AccessRecord, HttplogGivesBackWhatItHolds) {
  const Line& line = httplog(exchange());
  EXPECT_EQ(line.format, Format::kHaproxy);
  EXPECT_EQ(line.tier, Tier::kCoordinator);
  EXPECT_EQ(line.kind, Kind::kExchange);
  EXPECT_EQ(line.arrived().ns, exchange().arrived.ns) << "local time, read as such";
  EXPECT_EQ(line.ts, "22/Nov/2026:10:00:00.123") << "as it can be looked for in the log";
  EXPECT_EQ(line.end, End::kOk);
  EXPECT_EQ(line.peer, "198.51.100.7:4711");
  EXPECT_EQ(line.process_name, "web");
  EXPECT_EQ(line.pool, "shop#1");
  EXPECT_EQ(line.server, "a/b");
  EXPECT_EQ(line.attempts, 1);
  EXPECT_EQ(line.method, "GET");
  EXPECT_EQ(line.target, exchange().target);
  EXPECT_EQ(line.status, 200);
  EXPECT_EQ(line.down_out, 300);
  EXPECT_EQ(line.head, milliseconds(1));
  EXPECT_EQ(line.queue, milliseconds(2));
  EXPECT_EQ(line.connect, milliseconds(3));
  EXPECT_EQ(line.send, kNotReached) << "in `wait`";
  EXPECT_EQ(line.wait, milliseconds(9));
  EXPECT_EQ(line.data, milliseconds(6));
  EXPECT_EQ(line.total, milliseconds(21));
}

TEST_F(AccessRecord, CombinedGivesBackWhatItHolds) {
  Record r = exchange();
  r.user_agent = "a \"b\"";
  const Line& line = combined(r);
  EXPECT_EQ(line.format, Format::kCombined);
  EXPECT_EQ(line.arrived().ns, 1'795'338'000'000'000'000);
  EXPECT_EQ(line.ts, "22/Nov/2026:10:00:00 +0100");
  EXPECT_EQ(line.peer, "198.51.100.7");
  EXPECT_EQ(line.target, r.target);
  EXPECT_EQ(line.status, 200);
  EXPECT_EQ(line.body_out, 100);
  EXPECT_EQ(line.user_agent, "a \"b\"");
  EXPECT_EQ(line.referer, "");
  EXPECT_EQ(line.total, kNotReached);
  EXPECT_EQ(line.server, "");
}

struct Case {
  End end;
  By by;
  Phase phase;
  uint16_t status;
};

TEST_F(AccessRecord, HttplogSaysHowItEnded) {
  for (const Case& c : std::vector<Case>{
           {End::kClientClosed, By::kClient, Phase::kQueue, 0},
           {End::kClientTimeout, By::kClient, Phase::kRequest, 408},
           {End::kBadRequest, By::kClient, Phase::kRequest, 431},
           {End::kConnectTimeout, By::kServer, Phase::kConnect, 504},
           {End::kConnectFailed, By::kServer, Phase::kConnect, 503},
           {End::kServerClosed, By::kServer, Phase::kWait, 502},
           {End::kServerClosed, By::kServer, Phase::kData, 200},
           {End::kServerTimeout, By::kServer, Phase::kWait, 504},
           {End::kBadResponse, By::kServer, Phase::kWait, 502},
           {End::kBadResponse, By::kServer, Phase::kData, 200},
           {End::kLimit, By::kCoordinator, Phase::kRequest, 503},
           {End::kQueueTimeout, By::kCoordinator, Phase::kQueue, 503},
           {End::kQueueFull, By::kCoordinator, Phase::kQueue, 503},
           {End::kRateLimited, By::kClient, Phase::kRequest, 429},
           {End::kBodyTooLarge, By::kClient, Phase::kRequest, 413},
           {End::kDenied, By::kCoordinator, Phase::kRequest, 404},
           {End::kShutdown, By::kCoordinator, Phase::kWait, 503},
           {End::kInternal, By::kCoordinator, Phase::kWait, 500},
       }) {
    Record r = exchange();
    r.end = c.end;
    r.by = c.by;
    r.phase = c.phase;
    r.status = c.status;
    const Line& line = httplog(r);
    EXPECT_EQ(line.end, c.end) << name(c.end);
    EXPECT_EQ(line.by, c.by) << name(c.end);
    EXPECT_EQ(line.phase, c.phase) << name(c.end);
    EXPECT_EQ(line.status, c.status) << name(c.end);
  }
}

TEST_F(AccessRecord, WhatHttplogCallsTheSameIsTakenForTheCommonest) {
  Record r = exchange();
  r.end = End::kConnectRefused;
  r.by = By::kServer;
  r.phase = Phase::kConnect;
  EXPECT_EQ(httplog(r).end, End::kConnectFailed) << "SC does not say that it was refused";
  EXPECT_EQ(line_.reason, "SC");
  EXPECT_EQ(line_.server, "a/b");
  r.end = End::kNoServer;
  r.server = {};
  r.attempts = 0;
  EXPECT_EQ(httplog(r).end, End::kNoServer);
  EXPECT_EQ(line_.server, "");
  EXPECT_EQ(line_.attempts, 0);
}

TEST_F(AccessRecord, RequestsThatCouldNotBeReadAreRecordsToo) {
  Record r = exchange();
  r.method = {};
  r.target = "\x16\x03\x01";
  r.end = End::kBadRequest;
  r.by = By::kClient;
  r.phase = Phase::kRequest;
  r.status = 400;
  r.head = r.queue = kNotReached;
  EXPECT_EQ(httplog(r).target, "");
  EXPECT_EQ(line_.end, End::kBadRequest);
  EXPECT_EQ(combined(r).target, r.target);
  EXPECT_EQ(line_.status, 400);
  r.target = {};
  EXPECT_EQ(combined(r).target, "");
}

TEST_F(AccessRecord, CombinedKnowsTheEndByTheStatusOnly) {
  Record r = exchange();
  r.end = End::kClientClosed;
  r.by = By::kClient;
  r.status = 0;
  EXPECT_EQ(combined(r).end, End::kClientClosed);
  EXPECT_EQ(line_.status, 0) << "499 was never sent";
  r.end = End::kClientTimeout;
  EXPECT_EQ(combined(r).end, End::kClientTimeout);
  r.end = End::kServerClosed;
  r.by = By::kServer;
  r.status = 502;
  EXPECT_EQ(combined(r).end, End::kOk) << "the coordinator's 502 and a server's look the same";
  EXPECT_EQ(line_.status, 502);
}

TEST_F(AccessRecord, FlowsAreTcplogLines) {
  Record r = exchange();
  r.kind = Kind::kFlow;
  r.proto = Proto::kTcp;
  r.head = kNotReached;
  const Line& line = tcplog(r);
  EXPECT_EQ(line.kind, Kind::kFlow);
  EXPECT_EQ(line.end, End::kOk);
  EXPECT_EQ(line.server, "a/b");
  EXPECT_EQ(line.queue, milliseconds(2));
  EXPECT_EQ(line.connect, milliseconds(3));
  EXPECT_EQ(line.total, milliseconds(21));
  r.end = End::kIdleTimeout;
  r.by = By::kCoordinator;
  r.phase = Phase::kData;
  EXPECT_EQ(tcplog(r).end, End::kIdleTimeout);
}

TEST_F(AccessRecord, TextsAreBounded) {
  const std::string target(100'000, 'x');
  ASSERT_EQ(parse("1.2.3.4 - - [21/Nov/2026:23:00:01 +0000] \"GET /" + target +
                  " HTTP/1.1\" 200 1 \"-\" \"" + target + "\""),
            What::kRecord);
  EXPECT_EQ(line_.target.size(), kTargetMax);
  EXPECT_EQ(line_.user_agent.size(), kTargetMax);
}

TEST_F(AccessRecord, RetriesAreAttempts) {
  Record r = exchange();
  r.attempts = 3;
  r.tried = "c connect-refused; d connect-refused";
  EXPECT_EQ(httplog(r).attempts, 3);
}

TEST_F(AccessRecord, DroppedRecordsAreSaidInEveryFormat) {
  std::string text;
  append_syslog_message(kPrefix, "dropped 17 records of this log", {0}, clock_, text);
  EXPECT_EQ(parse(text), What::kDropped);
  EXPECT_EQ(dropped_, 17);
  EXPECT_EQ(parse("# dropped 3 records of this log"), What::kDropped);
  EXPECT_EQ(dropped_, 3);
  EXPECT_EQ(parse("I dropped 3 records of this log"), What::kUnknown);
}

TEST_F(AccessRecord, WhatIsNoLineOfOursIsNotTakenForOne) {
  for (const std::string_view line : std::initializer_list<std::string_view>{
           "", "Proxy web started.", "x [y]", " [06/Feb/2009:12:14:14.655] ",
           "10.0.1.2:3 [06/Feb/2009:12:14:14.655] f b/s 0/0/0/0/0 200 1 - - ---- 1/1/1/1/0 0/0",
           "10.0.1.2:3 [06/Feb/2009:12:14:14.655] f b/s 0/0/0/0/0 200 1 - - ?!-- 1/1/1/1/0 0/0 "
           "\"GET / HTTP/1.1\"",
           "2026/01/05 10:00:00 [error] 7#7: *1 connect() failed"}) {
    EXPECT_EQ(parse(line), What::kUnknown) << line;
  }
}

}  // namespace
}  // namespace giliran::telemetry
