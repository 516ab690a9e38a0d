#include "telemetry/text_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <ctime>

#include "telemetry/log_format.h"
#include "telemetry/time_zone.h"

namespace giliran::telemetry {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

Record get() {
  Record r;
  r.arrived = {1'795'338'063'121'700'000};  // 2026-11-22T09:01:03.121700Z
  r.peer = base::Address::loopback(41000);
  r.server = "s2";
  r.method = "GET";
  r.target = "/orders";
  r.status = 200;
  r.head = microseconds(2);
  r.queue = microseconds(1);
  r.connect = base::Duration(0);
  r.send = microseconds(20);
  r.wait = microseconds(1310);
  r.data = microseconds(60);
  r.total = microseconds(1393);
  return r;
}

std::string line(const Record& r) {
  const TimeZone zone("UTC");
  LocalClock clock;
  std::string out;
  append_text(r, clock, out);
  return out;
}

TEST(TextLine, SaysWhenWhoWhatAndWhereTheTimeWent) {
  EXPECT_EQ(
      line(get()),
      "09:01:03.123 127.0.0.1 → s2  GET /orders 200  1.4 ms (queue 0, connect 0, wait 1.3)\n");
}

TEST(TextLine, OnEveryTierTheOneWhoAsksComesFirst) {
  Record r = get();
  r.tier = Tier::kServer;
  r.process_name = "mine";
  EXPECT_THAT(line(r), testing::HasSubstr(" 127.0.0.1 → mine  GET"));
  r.tier = Tier::kClient;
  r.local = base::Address::loopback(40000);
  r.peer = {};
  EXPECT_THAT(line(r), testing::HasSubstr(" 127.0.0.1 → s2  GET"));
}

TEST(TextLine, OtherPhasesShowWhereTheyAreLong) {
  Record r = get();
  r.head = milliseconds(120);
  r.data = milliseconds(5020);
  r.total = milliseconds(5200);
  EXPECT_THAT(line(r), testing::HasSubstr(" 5200 ms (queue 0, connect 0, wait 1.3, data 5020)\n"));
}

TEST(TextLine, TimesHaveTheirDigits) {
  const auto total = [](base::Duration d) {
    Record r = get();
    r.total = d;
    const std::string text = line(r);
    const size_t begin = text.find("200  ") + 5;
    return text.substr(begin, text.find(" ms") - begin);
  };
  EXPECT_EQ(total(std::chrono::nanoseconds(0)), "0");
  EXPECT_EQ(total(microseconds(4)), "0");
  EXPECT_EQ(total(microseconds(5)), "0.01");
  EXPECT_EQ(total(microseconds(87)), "0.09");
  EXPECT_EQ(total(microseconds(994)), "0.99");
  EXPECT_EQ(total(microseconds(996)), "1.0");
  EXPECT_EQ(total(microseconds(9'940)), "9.9");
  EXPECT_EQ(total(microseconds(9'960)), "10");
  EXPECT_EQ(total(milliseconds(123'456)), "123456");
}

TEST(TextLine, AFailureSaysHowItEndedAndWhatWasTried) {
  Record r = get();
  r.end = End::kServerTimeout;
  r.by = By::kServer;
  r.phase = Phase::kWait;
  r.status = 504;
  r.reason = "ETIMEDOUT";
  r.tried = "s1 connect-refused";
  EXPECT_THAT(line(r),
              testing::EndsWith("  server-timeout in wait: ETIMEDOUT  tried s1 connect-refused\n"));
}

TEST(TextLine, WhatNobodyAnsweredHasNoServer) {
  Record r = get();
  r.server = {};
  r.status = 0;
  r.queue = r.connect = r.wait = r.send = r.data = kNotReached;
  r.end = End::kClientClosed;
  r.phase = Phase::kRequest;
  r.target = {};
  r.method = {};
  EXPECT_EQ(line(r), "09:01:03.123 127.0.0.1 → -  - -  1.4 ms  client-closed in request\n");
}

TEST(TextLine, AFlowHasItsBytes) {
  Record r = get();
  r.kind = Kind::kFlow;
  r.proto = Proto::kTcp;
  r.connect = microseconds(200);
  r.total = milliseconds(5032);
  r.wait = kNotReached;
  r.down_in = 412;
  r.down_out = 2750;
  EXPECT_EQ(
      line(r),
      "09:01:08.153 127.0.0.1 → s2  tcp  5032 ms (connect 0.20), 412 bytes there, 2750 back\n");
}

// Whoever asks must not be able to move the operator's cursor, or to forge a line.
TEST(TextLine, HoldsNoControlCharacterWhateverTheTextsAre) {
  Record r = get();
  std::string all;
  for (int c = 0; c < 256; ++c) all += static_cast<char>(c);
  const std::string hostile = "\x1b[2J\xe2\x80\xae\r\n" + all;
  r.method = r.target = r.server = r.reason = r.tried = r.upgrade = hostile;
  r.end = End::kInternal;
  const std::string text = line(r);
  ASSERT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
  std::string rest = text.substr(0, text.size() - 1);
  rest.erase(rest.find("→"), std::string_view("→").size());
  for (const char c : rest) ASSERT_TRUE(c >= ' ' && c <= '~') << text;
}

TEST(TextLine, LongTextsAreCut) {
  Record r = get();
  const std::string huge(100'000, '\x01');
  r.method = r.target = r.server = r.reason = r.tried = r.upgrade = huge;
  EXPECT_LT(line(r).size(), 10'000);
}

TEST(TextLine, DroppedRecordsAreSaid) {
  const TimeZone zone("UTC");
  LineEncoder encoder(LogFormat::kText, {});
  std::string out;
  encoder.append_dropped(Tier::kCoordinator, 17, {1'795'338'063'121'700'000}, out);
  EXPECT_EQ(out, "09:01:03.121 dropped 17 records of this log\n");
}

}  // namespace
}  // namespace giliran::telemetry
