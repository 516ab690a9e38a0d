#include "telemetry/access_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "telemetry/combined_line.h"
#include "telemetry/haproxy_line.h"
#include "telemetry/sample_records.h"
#include "telemetry/time_zone.h"

namespace giliran::telemetry {
namespace {

constexpr int64_t kMs = 1'000'000;

AccessLine httplog(std::string_view line) {
  AccessLine out;
  EXPECT_TRUE(parse_httplog(line, out)) << line;
  return out;
}

AccessLine combined(std::string_view line) {
  AccessLine out;
  EXPECT_TRUE(parse_combined(line, out)) << line;
  return out;
}

bool is_httplog(std::string_view line) {
  AccessLine out;
  return parse_httplog(line, out);
}

bool is_combined(std::string_view line) {
  AccessLine out;
  return parse_combined(line, out);
}

// HAProxy's manual, 8.2.3.
constexpr std::string_view kDocumented =
    R"(haproxy[14389]: 10.0.1.2:33317 [06/Feb/2009:12:14:14.655] http-in static/srv1 )"
    R"(10/0/30/69/109 200 2750 - - ---- 1/1/1/1/0 0/0 {1wt.eu} {} "GET /index.html HTTP/1.1")";

TEST(AccessLine, HaproxysOwnExample) {
  const AccessLine line = httplog(kDocumented);
  EXPECT_EQ(line.when.ns, 1'233'922'454'655 * kMs);
  EXPECT_EQ(line.method, "GET");
  EXPECT_EQ(line.target, "/index.html");
  EXPECT_EQ(line.proto, "HTTP/1.1");
  EXPECT_EQ(line.status, 200);
  EXPECT_EQ(line.bytes_out, 2750u);
}

TEST(AccessLine, HttplogOfOtherShapes) {
  // With syslog's prefix, TLS, logasap, a server that was not reached, IPv6.
  EXPECT_EQ(
      httplog("Nov 22 09:00:00 host haproxy[7]: ::1:4711 [22/Nov/2026:09:00:00.001] web~ "
              "web/<NOSRV> 0/-1/-1/-1/+5 503 +217 - - SC-- 1/1/0/0/+2 0/0 \"POST /a HTTP/2.0\"")
          .method,
      "POST");
  EXPECT_EQ(httplog("1.2.3.4:5 [01/Mar/2024:00:00:00.000] f b/s 0/0/0/0/0 -1 0 - - CC-- 1/1/0/0/0 "
                    "0/0 \"GET /#22q#22?a=#23 HTTP/1.1\"")
                .target,
            "/\"q\"?a=#");
}

TEST(AccessLine, WhatIsNoHttplog) {
  for (const std::string_view line : std::initializer_list<std::string_view>{
           "",
           "[",
           " [",
           "x [y]",
           "Proxy web started.",
           " [06/Feb/2009:12:14:14.655]",
           " [06/Feb/2009:12:14:14.655] ",
           // A tcplog line, a refused request, a line that syslog cut.
           "10.0.1.2:33313 [06/Feb/2009:12:12:51.443] fnt bck/srv1 0/0/5007 212 -- 0/0/0/0/3 0/0",
           "1.2.3.4:5 [01/Mar/2024:00:00:00.000] f f/<NOSRV> -1/-1/-1/-1/9 400 0 - - PR-- "
           "1/1/0/0/0 "
           "0/0 \"<BADREQ>\"",
           "1.2.3.4:5 [01/Mar/2024:00:00:00.000] f b/s 0/0/0/0/0 200 0 - - ---- 1/1/0/0/0 0/0 "
           "\"GET /a",
           "1.2.3.4:5 [31/Feb/2024:00:00:00.000] f b/s 0/0/0/0/0 200 0 - - ---- 1/1/0/0/0 0/0 "
           "\"GET /a "
           "HTTP/1.1\"",
       }) {
    EXPECT_FALSE(is_httplog(line)) << line;
  }
}

TEST(AccessLine, CombinedAsNginxAndApacheWriteIt) {
  const AccessLine line = combined(
      "198.51.100.7 - - [21/Nov/2026:23:00:01 +0000] \"GET /cart?id=7 HTTP/1.1\" 200 612 "
      "\"https://shop.example/\" \"curl/8.5.0\"");
  EXPECT_EQ(line.when.ns, 1'795'302'001'000 * kMs);
  EXPECT_EQ(line.method, "GET");
  EXPECT_EQ(line.target, "/cart?id=7");
  EXPECT_EQ(line.status, 200);
  EXPECT_EQ(line.bytes_out, 612u);
  // Apache's manual: the common format, an offset, no bytes, an escaped quote.
  EXPECT_EQ(combined("127.0.0.1 - frank [10/Oct/2000:13:55:36 -0700] \"GET /apache_pb.gif "
                     "HTTP/1.0\" 200 2326")
                .when.ns,
            971'211'336'000 * kMs);
  EXPECT_EQ(combined("::1 - - [10/Oct/2000:13:55:36 +0130] \"HEAD /a\\\"b HTTP/1.0\" 304 -").target,
            "/a\\\"b");
  EXPECT_EQ(
      combined("::1 - - [10/Oct/2000:13:55:36 +0000] \"GET /\\x22\\xC3\\xA9 HTTP/1.0\" 200 1 x")
          .target,
      "/\"\xc3\xa9");
}

TEST(AccessLine, WhatIsNotCombined) {
  for (const std::string_view line : std::initializer_list<std::string_view>{
           "",
           " [",
           kDocumented,
           "1.2.3.4 - - [21/Nov/2026:23:00:01 +0000] \"-\" 400 0 \"-\" \"-\"",
           "1.2.3.4 - - [21/Nov/2026:23:00:01 +0000] \"\\x16\\x03\\x01\" 400 157 \"-\" \"-\"",
           "1.2.3.4 - - [21/Nov/2026:23:00:01 +0000] \"GET / HTTP/1.1",
           "1.2.3.4 - - [21/Nov/2026:23:00:01 +0000] \"GET / HTTP/1.1\\",
           "1.2.3.4 - - [21/Nov/2026:23:00:01 +0000] \"GET / HTTP/1.1\" 200",
           "1.2.3.4 - - [21/Nov/2026:23:00:01 +0000] \"GET / HTTP/1.1\" x 1",
           "1.2.3.4 - - [21/Foo/2026:23:00:01 +0000] \"GET / HTTP/1.1\" 200 1",
           "1.2.3.4 - - [21/Nov/2026:24:00:01 +0000] \"GET / HTTP/1.1\" 200 1",
           "1.2.3.4 - - [21/Nov/0026:23:00:01 +0000] \"GET / HTTP/1.1\" 200 1",
           "1.2.3.4 - - [21/Nov/2262:23:00:01 +0000] \"GET / HTTP/1.1\" 200 1",
           "1.2.3.4 - - [21/Nov/2026:23:00:01 0000 ] \"GET / HTTP/1.1\" 200 1",
       }) {
    EXPECT_FALSE(is_combined(line)) << line;
  }
  EXPECT_FALSE(is_httplog("::1 - - [10/Oct/2000:13:55:36 +0000] \"GET / HTTP/1.0\" 200 1"));
}

Record exchange(std::string_view target) {
  Record r;
  r.arrived = {1'795'301'999'900'000'000};
  r.total = r.head = r.queue = std::chrono::milliseconds(0);
  r.peer = *base::Address::parse("198.51.100.7:4711");
  r.process_name = "web";
  r.method = "PUT";
  r.target = target;
  r.status = 201;
  r.body_out = 10;
  r.down_out = 300;
  return r;
}

TEST(AccessLine, WhatWeWriteIsReadBack) {
  const TimeZone zone("UTC0");
  LocalClock clock;
  std::string every = "/";
  for (int c = 1; c < 256; ++c) every += static_cast<char>(c);
  for (const std::string& target : {std::string("/a?b=c"), std::string("/a b \"c\""), every}) {
    std::string line;
    append_httplog(exchange(target), "host giliran[1]: ", clock, line);
    line.pop_back();
    const AccessLine one = httplog(line);
    EXPECT_EQ(one.target, target);
    EXPECT_EQ(one.method, "PUT");
    EXPECT_EQ(one.status, 201);
    EXPECT_EQ(one.bytes_out, 300u);
    EXPECT_EQ(one.when.ns, 1'795'301'999'900 * kMs);
    line.clear();
    append_combined(exchange(target), clock, line);
    line.pop_back();
    const AccessLine two = combined(line);
    EXPECT_EQ(two.target, target);
    EXPECT_EQ(two.status, 201);
    EXPECT_EQ(two.bytes_out, 10u);
    EXPECT_EQ(two.when.ns, 1'795'301'999'000 * kMs);
  }
}

}  // namespace
}  // namespace giliran::telemetry
