#include "telemetry/combined_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/rng.h"
#include "telemetry/log_format.h"
#include "telemetry/sample_records.h"
#include "telemetry/time_zone.h"

namespace giliran::telemetry {
namespace {

using testing::HasSubstr;

class CombinedLine : public testing::Test {
 protected:
  std::string line(const Record& r) {
    std::string out;
    append_combined(r, clock_, out);
    return out;
  }
  TimeZone zone_{"UTC0"};
  LocalClock clock_;
};

Record typical() {
  Record r;
  r.arrived = {1'795'301'999'900'000'000};
  r.total = std::chrono::milliseconds(1'200);
  r.peer = *base::Address::parse("198.51.100.7:4711");
  r.attempts = 1;
  r.method = "GET";
  r.target = "/cart?id=7";
  r.status = 200;
  r.body_out = 612;
  r.referer = "https://shop.example/";
  r.user_agent = "curl/8.5.0";
  return r;
}

TEST_F(CombinedLine, EveryField) {
  EXPECT_EQ(line(typical()),
            "198.51.100.7 - - [21/Nov/2026:23:00:01 +0000] \"GET /cart?id=7 HTTP/1.1\" 200 612 "
            "\"https://shop.example/\" \"curl/8.5.0\"\n");
}

TEST_F(CombinedLine, WhatIsAbsent) {
  Record r = typical();
  r.referer = r.user_agent = {};
  r.proto = Proto::kHttp10;
  EXPECT_THAT(line(r), testing::EndsWith(" \"GET /cart?id=7 HTTP/1.0\" 200 612 \"-\" \"-\"\n"));
}

TEST_F(CombinedLine, OffsetsOfBothSigns) {
  const auto at = [&](const char* name) {
    const TimeZone zone(name);
    LocalClock clock;
    std::string out;
    append_combined(typical(), clock, out);
    return out.substr(18, 26);
  };
  EXPECT_EQ(at("IST-5:30"), "22/Nov/2026:04:30:01 +0530");
  EXPECT_EQ(at("NST3:30"), "21/Nov/2026:19:30:01 -0330");
}

TEST_F(CombinedLine, Clients) {
  Record r = typical();
  r.client = *base::Address::parse("[2001:db8::7]:51000");
  EXPECT_THAT(line(r), testing::StartsWith("2001:db8::7 - - ["));
  r.client = *base::Address::parse("unix:/run/x");
  EXPECT_THAT(line(r), testing::StartsWith("unix: - - ["));
}

TEST_F(CombinedLine, EscapesAsNginxDoes) {
  Record r = typical();
  r.target = "/a\"b\\c\x01\x7f\xc3\xa9#{|}'";
  r.user_agent = "x\"y\t";
  EXPECT_THAT(line(r), HasSubstr(R"("GET /a\x22b\x5Cc\x01\x7F\xC3\xA9#{|}' HTTP/1.1")"));
  EXPECT_THAT(line(r), HasSubstr(R"("x\x22y\x09")"));
}

TEST_F(CombinedLine, RequestsThatCouldNotBeRead) {
  Record r = typical();
  r.end = End::kBadRequest;
  r.method = {};
  r.target = "GET / HTTP/9.9";
  r.status = 400;
  EXPECT_THAT(line(r), HasSubstr("\"GET / HTTP/9.9\" 400 "));
  r.target = {};
  EXPECT_THAT(line(r), HasSubstr("\"-\" 400 "));
}

TEST_F(CombinedLine, StatusWhereNoneWasSent) {
  Record r = typical();
  r.status = 0;
  const auto status = [&](End end, By by) {
    r.end = end;
    r.by = by;
    return line(r).substr(line(r).find("1.1\" ") + 5, 3);
  };
  EXPECT_EQ(status(End::kClientClosed, By::kClient), "499");
  EXPECT_EQ(status(End::kClientTimeout, By::kClient), "408");
  EXPECT_EQ(status(End::kShutdown, By::kCoordinator), "000");
}

TEST_F(CombinedLine, AnyRecordGivesOneLineOfItsFields) {
  base::Rng rng(9);
  LineEncoder encoder(LogFormat::kCombined, {});
  for (int round = 0; round < 3'000; ++round) {
    Record r = sample_records()[rng.below(sample_records().size())].record;
    std::array<std::string, 4> texts;
    for (std::string& text : texts) {
      text.resize(rng.below(rng.below(8) == 0 ? 3'000 : 40));
      for (char& c : text) c = static_cast<char>(rng.next());
    }
    size_t i = 0;
    for (std::string_view* s : {&r.method, &r.target, &r.user_agent, &r.referer}) *s = texts[i++];
    r.body_out = rng.next();
    r.arrived.ns = static_cast<int64_t>(rng.next() >> 3);
    std::string out;
    ASSERT_EQ(encoder.append(r, out), r.kind == Kind::kExchange);
    if (out.empty()) continue;
    ASSERT_EQ(out.find('\n'), out.size() - 1);
    ASSERT_EQ(std::count(out.begin(), out.end(), '"'), 6) << out;
    ASSERT_TRUE(std::all_of(out.begin(), out.end() - 1, [](char c) { return c >= ' ' && c < 127; }))
        << out;
  }
}

TEST(LineEncoder, WhatWasDroppedIsACommentOfCombined) {
  LineEncoder encoder(LogFormat::kCombined, {});
  std::string out;
  encoder.append_dropped(Tier::kCoordinator, 17, {}, out);
  EXPECT_EQ(out, "# dropped 17 records of this log\n");
}

}  // namespace
}  // namespace giliran::telemetry
