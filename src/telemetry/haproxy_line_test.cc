#include "telemetry/haproxy_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/rng.h"
#include "telemetry/log_format.h"
#include "telemetry/sample_records.h"
#include "telemetry/time_zone.h"

namespace giliran::telemetry {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

class HaproxyLine : public testing::Test {
 protected:
  std::string http(const Record& r) {
    std::string out;
    append_httplog(r, "localhost haproxy[14389]: ", clock_, out);
    return out;
  }
  std::string tcp(const Record& r) {
    std::string out;
    append_tcplog(r, "localhost haproxy[14389]: ", clock_, out);
    return out;
  }
  // What stands at field `n` of a line, from 1.
  static std::string field(const std::string& line, size_t n) {
    std::istringstream in(line);
    std::string word;
    for (size_t i = 0; i < n; ++i) in >> word;
    return word;
  }
  std::string timers(const Record& r) { return field(http(r), 10); }

  TimeZone zone_{"UTC0"};
  LocalClock clock_;
};

// The example of HAProxy's manual, 8.2.3, without what it captured.
Record documented() {
  Record r;
  r.arrived = {1'233'922'454'655'000'000};
  r.peer = *base::Address::parse("10.0.1.2:33317");
  r.process_name = "http-in";
  r.pool = "static";
  r.server = "srv1";
  r.attempts = 1;
  r.head = milliseconds(10);
  r.queue = milliseconds(0);
  r.connect = milliseconds(30);
  r.send = milliseconds(9);
  r.wait = milliseconds(60);
  r.data = milliseconds(0);
  r.total = milliseconds(109);
  r.status = 200;
  r.down_out = 2750;
  r.gauges = {.connections = 1,
              .listener_connections = 1,
              .pool_in_flight = 1,
              .server_in_flight = 1,
              .queued_server = 0,
              .queued_pool = 0};
  r.gauges_known = true;
  r.method = "GET";
  r.target = "/index.html";
  return r;
}

Record failed(End end, Phase phase) {
  Record r = documented();
  r.end = end;
  r.phase = phase;
  r.status = 503;
  return r;
}

TEST_F(HaproxyLine, TheDocumentedHttplog) {
  EXPECT_EQ(http(documented()),
            "Feb  6 12:14:14 localhost haproxy[14389]: 10.0.1.2:33317 [06/Feb/2009:12:14:14.655] "
            "http-in static/srv1 10/0/30/69/109 200 2750 - - ---- 1/1/1/1/0 0/0 "
            "\"GET /index.html HTTP/1.1\"\n");
}

// The example of 8.2.2.
TEST_F(HaproxyLine, TheDocumentedTcplog) {
  Record r;
  r.kind = Kind::kFlow;
  r.proto = Proto::kTcp;
  r.arrived = {1'233'922'331'443'000'000};
  r.peer = *base::Address::parse("10.0.1.2:33313");
  r.process_name = "fnt";
  r.pool = "bck";
  r.server = "srv1";
  r.attempts = 4;
  r.tried = "srv1 connection-was-dead; srv1 connection-was-dead; srv1 connection-was-dead";
  r.queue = milliseconds(0);
  r.connect = milliseconds(0);
  r.data = r.total = milliseconds(5007);
  r.down_out = 212;
  EXPECT_EQ(tcp(r),
            "Feb  6 12:12:16 localhost haproxy[14389]: 10.0.1.2:33313 [06/Feb/2009:12:12:11.443] "
            "fnt bck/srv1 0/0/5007 212 -- 0/0/0/0/3 0/0\n");
}

TEST_F(HaproxyLine, TimersOfWhatWasNotReached) {
  Record none;  // the client never finished its head
  none.end = End::kClientClosed;
  none.phase = Phase::kRequest;
  none.total = milliseconds(8490);
  EXPECT_EQ(timers(none), "-1/-1/-1/-1/8490");
  EXPECT_THAT(http(none), HasSubstr(" -/<NOSRV> -1/-1/-1/-1/8490 -1 0 - - CR-- 0/0/0/0/0 0/0 "
                                    "\"<BADREQ>\"\n"));
  Record denied = failed(End::kDenied, Phase::kRequest);
  denied.queue = denied.connect = denied.wait = kNotReached;
  EXPECT_EQ(timers(denied), "10/-1/-1/-1/109");
  Record no_server = failed(End::kNoServer, Phase::kQueue);
  EXPECT_EQ(timers(no_server), "10/-1/-1/-1/109");
  EXPECT_EQ(timers(failed(End::kQueueFull, Phase::kQueue)), "10/-1/-1/-1/109");
  // What the record says of a phase that it did not end well is no time of HAProxy's.
  EXPECT_EQ(timers(failed(End::kConnectRefused, Phase::kConnect)), "10/0/-1/-1/109");
  EXPECT_EQ(timers(failed(End::kServerTimeout, Phase::kWait)), "10/0/30/-1/109");
  EXPECT_EQ(timers(failed(End::kClientTimeout, Phase::kSend)), "10/0/30/-1/109");
  EXPECT_EQ(timers(failed(End::kServerClosed, Phase::kData)), "10/0/30/69/109");
}

TEST_F(HaproxyLine, TimeInTheQueue) {
  Record r = failed(End::kQueueTimeout, Phase::kQueue);
  r.attempts = 0;
  r.server = {};
  r.total = milliseconds(5'010);
  r.queue = r.connect = r.send = r.wait = r.data = kNotReached;
  r.gauges.queued_pool = 9;
  EXPECT_THAT(http(r), HasSubstr(" static/<NOSRV> 10/5000/-1/-1/5010 503 2750 - - sQ-- 1/1/1/1/0 "
                                 "0/9 "));
  r.queue = milliseconds(4'321);
  EXPECT_EQ(timers(r), "10/4321/-1/-1/5010");
  r.end = End::kClientClosed;
  EXPECT_EQ(timers(r), "10/4321/-1/-1/5010");
}

// The answer came before the request was over: the phases overlap, and sending is no part of Tr.
TEST_F(HaproxyLine, AnEarlyAnswer) {
  Record r = documented();
  r.wait = milliseconds(20);
  r.send = milliseconds(55);
  r.data = milliseconds(49);
  EXPECT_EQ(timers(r), "10/0/30/20/109");
}

TEST_F(HaproxyLine, TriedElsewhere) {
  Record r = documented();
  r.tried = "srv1 connect-refused";  // and no other was left
  EXPECT_THAT(http(r), HasSubstr(" 1/1/1/1/0 0/0 "));
  r.attempts = 2;
  r.tried = "srv0 connect-refused";
  EXPECT_THAT(http(r), HasSubstr(" 1/1/1/1/+1 0/0 "));
  r.tried = "srv1 connection-was-dead";
  EXPECT_THAT(http(r), HasSubstr(" 1/1/1/1/1 0/0 "));
  r.attempts = 3;
  r.tried = "srv1 connection-was-dead; srv1 connect-timeout";
  EXPECT_THAT(http(r), HasSubstr(" 1/1/1/1/+2 0/0 "));
}

TEST_F(HaproxyLine, Clients) {
  Record r = documented();
  const auto client = [&](const char* address) {
    r.peer = *base::Address::parse(address);
    return field(http(r), 6);
  };
  EXPECT_EQ(client("[2001:db8::7]:51000"), "2001:db8::7:51000");
  EXPECT_EQ(client("[fe80::1%2]:80"), "fe80::1:80");
  EXPECT_EQ(client("unix:/run/x"), "unix:0");
  r.client = *base::Address::parse("198.51.100.7:4711");
  EXPECT_EQ(client("127.0.0.1:80"), "198.51.100.7:4711");
}

TEST_F(HaproxyLine, EscapesAsHaproxyDoes) {
  Record r = documented();
  r.target = "/a\"b#c\x01\x7f\xc3\xa9{|}'\\d";
  EXPECT_THAT(http(r), testing::EndsWith(" \"GET /a#22b#23c#01#7F#C3#A9{|}'\\d HTTP/1.1\"\n"));
  r.pool = "a b/c";
  r.server = "unix:/run/app one.sock";
  EXPECT_EQ(field(http(r), 9), "a#20b#2Fc/unix:/run/app#20one.sock");
}

TEST_F(HaproxyLine, CutsTheRequestLineAsHaproxyDoes) {
  Record r = documented();
  const std::string target = "/" + std::string(1'100, 'x');
  r.target = target;
  EXPECT_THAT(http(r), testing::EndsWith(" \"GET " + target.substr(0, 1'023 - 4) + "\"\n"));
  r.target = std::string_view(target).substr(0, 1'023 - 4 - 4);
  EXPECT_THAT(http(r), testing::EndsWith("xx HTT\"\n"));
}

TEST_F(HaproxyLine, TheDatesAreLocalAndTheLinesIsItsEnd) {
  const TimeZone zone("XST-5:30");
  LocalClock clock;
  Record r = documented();
  r.arrived = {1'233'922'454'000'000'000};
  r.total = std::chrono::hours(24 * 4);
  std::string out;
  append_httplog(r, "h p[1]: ", clock, out);
  EXPECT_THAT(out, testing::StartsWith("Feb 10 17:44:14 h p[1]: 10.0.1.2:33317 "
                                       "[06/Feb/2009:17:44:14.000] "));
}

// What halog looks at: fields between single spaces, after the one it skips.
void expect_halog_reads(const std::string& line, bool http) {
  ASSERT_EQ(line.find('\n'), line.size() - 1) << line;
  std::vector<std::string> fields;
  const size_t quote = line.find('"');
  std::istringstream in(line.substr(0, quote));
  for (std::string word; in >> word;) fields.push_back(word);
  ASSERT_EQ(fields.size(), http ? 17 : 14) << line;
  EXPECT_THAT(fields[4], testing::MatchesRegex("giliran.[0-9]+.:"));
  EXPECT_THAT(fields[5], testing::MatchesRegex("[0-9a-f.:]+:[0-9]+|unix:0"));
  EXPECT_THAT(fields[6], testing::MatchesRegex(".[0-3][0-9]/[A-Z][a-z][a-z]/[0-9]+:[0-9]+:[0-9]+:"
                                               "[0-9]+.[0-9][0-9][0-9]."));
  EXPECT_NE(fields[8].find('/'), std::string::npos) << line;
  const std::string number = "-?[0-9]+";
  EXPECT_THAT(fields[9], testing::MatchesRegex(http ? "-?[0-9]+/-?[0-9]+/-?[0-9]+/-?[0-9]+/[0-9]+"
                                                    : "-?[0-9]+/-?[0-9]+/[0-9]+"));
  if (!http) return;
  EXPECT_THAT(fields[10], testing::MatchesRegex("-1|[1-9][0-9]*"));
  EXPECT_THAT(fields[11], testing::MatchesRegex("[0-9]+"));
  EXPECT_EQ(fields[12] + fields[13], "--");
  EXPECT_THAT(fields[14], testing::MatchesRegex("[-CSPLRIKcs][-RQCHD]--"));
  EXPECT_THAT(fields[15], testing::MatchesRegex("[0-9]+/[0-9]+/[0-9]+/[0-9]+/[+]?[0-9]+"));
  EXPECT_THAT(fields[16], testing::MatchesRegex("[0-9]+/[0-9]+"));
  EXPECT_EQ(std::count(line.begin(), line.end(), '"'), 2);
  EXPECT_TRUE(line.ends_with("\"\n"));
}

TEST_F(HaproxyLine, AnyRecordGivesALineThatHalogReads) {
  base::Rng rng(5);
  for (int round = 0; round < 3'000; ++round) {
    Record r = sample_records()[rng.below(sample_records().size())].record;
    std::array<std::string, 6> texts;
    for (std::string& text : texts) {
      text.resize(rng.below(rng.below(8) == 0 ? 3'000 : 40));
      for (char& c : text) c = static_cast<char>(rng.next());
    }
    size_t i = 0;
    for (std::string_view* s :
         {&r.process_name, &r.pool, &r.server, &r.method, &r.target, &r.tried}) {
      if (rng.below(4) != 0) *s = texts[i++];
    }
    r.end = static_cast<End>(rng.below(static_cast<size_t>(End::kInternal) + 1));
    r.phase = static_cast<Phase>(rng.below(7));
    r.total = base::Duration(static_cast<int64_t>(rng.next() >> (8 + rng.below(56))));
    r.arrived.ns = static_cast<int64_t>(rng.next() >> 3);
    r.attempts = static_cast<uint16_t>(rng.next());
    r.down_out = rng.next();
    for (const LogFormat format : {LogFormat::kHttplog, LogFormat::kTcplog}) {
      LineEncoder encoder(format, {.host = "h", .id = 7});
      std::string out;
      ASSERT_TRUE(encoder.append(r, out));
      expect_halog_reads(out, format == LogFormat::kHttplog && r.kind == Kind::kExchange);
      if (HasFailure()) return;
    }
  }
}

TEST(LineEncoder, WhatWasDroppedHalogSkips) {
  const TimeZone zone("UTC0");
  LineEncoder encoder(LogFormat::kHttplog, {.host = "two words", .id = 77});
  std::string out;
  encoder.append_dropped(Tier::kCoordinator, 17, {1'795'338'000'000'000'000}, out);
  // Its seventh field is no date.
  EXPECT_EQ(out, "Nov 22 09:00:00 two_words giliran[77]: dropped 17 records of this log\n");
}

}  // namespace
}  // namespace giliran::telemetry
