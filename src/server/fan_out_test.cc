#include "server/fan_out.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/listen.h"
#include "server/test_client.h"

namespace giliran::server {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string quote(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&' || c == '?' || c == '=' || c == '%') {
      char hex[4];
      std::snprintf(hex, sizeof hex, "%%%02X", static_cast<unsigned char>(c));
      out += hex;
    } else {
      out += c;
    }
  }
  return out;
}

TEST(FanOut, CallsOthersAtOnceAndTellsTheirTimes) {
  const TestLog log1, log2, log3;
  const auto leaf = start_server({.name = "leaf", .threads = 1, .log = log1.path()});
  const auto middle =
      start_server({.name = "middle", .threads = 1, .log = log2.path(), .allow_to = {"loopback"}});
  const auto front =
      start_server({.name = "front", .threads = 1, .log = log3.path(), .allow_to = {"loopback"}});
  const std::string slow = leaf->urls()[0] + "/?delay=100ms";
  const std::string nested = middle->urls()[0] + "/fanout?to=" + quote(leaf->urls()[0] + "/x");
  const base::SystemClock clock;
  const std::string response =
      get(front->urls()[0],
          "/fanout?to=" + quote(slow) + "&to=" + quote(slow) + "&to=" + quote(nested));
  EXPECT_THAT(response, StartsWith("HTTP/1.1 200"));
  const json report = json::parse(body_of(response));
  EXPECT_EQ(report["server"], "front");
  ASSERT_EQ(report["calls"].size(), 3U);
  EXPECT_EQ(report["calls"][0]["server"], "leaf");
  EXPECT_EQ(report["calls"][0]["status"], 200);
  EXPECT_EQ(report["calls"][0]["to"], slow);
  EXPECT_THAT(report["calls"][0]["server_timing"].get<std::string>(), HasSubstr("service;dur=1"));
  EXPECT_GE(report["total_us"].get<double>(), 100'000);
  EXPECT_LT(report["total_us"].get<double>(), report["calls"][0]["total_us"].get<double>() +
                                                  report["calls"][1]["total_us"].get<double>());
  EXPECT_EQ(report["calls"][2]["nested"]["server"], "middle");
  EXPECT_EQ(report["calls"][2]["nested"]["calls"][0]["server"], "leaf");
  stop(*front);
  stop(*middle);
  stop(*leaf);
  // One trace through all hops, each a span of its own.
  const auto at_front = log3.records("exchange");
  const auto at_middle = log2.records("exchange");
  const auto at_leaf = log1.records("exchange");
  ASSERT_EQ(at_front.size(), 1U);
  ASSERT_EQ(at_middle.size(), 1U);
  ASSERT_EQ(at_leaf.size(), 3U);
  EXPECT_EQ(at_middle[0]["parent"], at_front[0]["span"]);
  EXPECT_EQ(at_middle[0]["trace"], at_front[0]["trace"]);
  size_t from_front = 0, from_middle = 0;
  for (const auto& record : at_leaf) {
    EXPECT_EQ(record["trace"], at_front[0]["trace"]);
    from_front += record["parent"] == at_front[0]["span"] ? 1 : 0;
    from_middle += record["parent"] == at_middle[0]["span"] ? 1 : 0;
  }
  EXPECT_EQ(from_front, 2U);
  EXPECT_EQ(from_middle, 1U);
  EXPECT_GE(at_front[0]["service_us"].get<double>(), 100'000);
}

TEST(FanOut, SaysWhoFailed) {
  const auto leaf = start_server({.name = "leaf", .threads = 1});
  const auto front = start_server({.name = "front", .threads = 1, .allow_to = {"loopback"}});
  const std::string nobody = "http://127.0.0.1:" + std::to_string(*net::free_port()) + "/";
  const std::string sick = leaf->urls()[0] + "/?status=503";
  const std::string response =
      get(front->urls()[0], "/fanout?to=" + quote(leaf->urls()[0] + "/") + "&to=" + quote(nobody) +
                                "&to=" + quote(sick));
  EXPECT_THAT(response, StartsWith("HTTP/1.1 502"));
  const json report = json::parse(body_of(response));
  EXPECT_EQ(report["failed"], json::array({nobody, sick}));
  EXPECT_FALSE(report["calls"][0].contains("error"));
  EXPECT_EQ(report["calls"][1]["error"], "connect-refused");
  EXPECT_EQ(report["calls"][2]["error"], "status 503");
}

TEST(FanOut, IsOffUnlessAllowedAndBoundedInDepth) {
  const auto closed = start_server({.name = "closed", .threads = 1});
  const std::string refused = get(closed->urls()[0], "/fanout?to=http://127.0.0.1:1/");
  EXPECT_THAT(refused, StartsWith("HTTP/1.1 403"));
  EXPECT_THAT(refused, HasSubstr("--allow-to"));

  const auto front = start_server({.name = "front", .threads = 1, .allow_to = {"loopback"}});
  const std::string self = "/fanout?to=" + quote(front->urls()[0] + "/");
  EXPECT_THAT(get(front->urls()[0], self), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(get(front->urls()[0], self, "X-Giliran-Depth: 8\r\n"), StartsWith("HTTP/1.1 508"));
  EXPECT_THAT(get(front->urls()[0], self, "X-Giliran-Depth: x\r\n"), StartsWith("HTTP/1.1 508"));
}

TEST(FanOut, AClientThatLeavesGivesTheCallsUp) {
  const TestLog log;
  const auto leaf = start_server({.name = "leaf", .threads = 1, .log = log.path()});
  const auto front = start_server({.name = "front", .threads = 1, .allow_to = {"loopback"}});
  {
    TestClient leaver(front->urls()[0]);
    leaver.send("GET /fanout?to=" + quote(leaf->urls()[0] + "/?delay=50s") +
                " HTTP/1.1\r\nHost: t\r\n\r\n");
    TestClient witness(front->urls()[0]);
    witness.send("GET /health HTTP/1.1\r\nHost: t\r\n\r\n");
    witness.until("ok\n");
    leaver.reset();
  }
  stop(*front);  // would wait for the call if it were not given up
  stop(*leaf);
  for (const auto& record : log.records("exchange")) EXPECT_EQ(record["end"], "client-closed");
}

}  // namespace
}  // namespace giliran::server
