// What people and programs are shown: summary, progress, result file.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "client/progress.h"
#include "client/run_result.h"

namespace giliran::client {
namespace {

using nlohmann::json;
using std::chrono::microseconds;
using telemetry::End;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

void answer(Recorder& recorder, std::string_view server, uint16_t status, int64_t us) {
  recorder.issued({});
  recorder.ended({.status = status,
                  .server = recorder.server(server),
                  .service = microseconds(us),
                  .response = microseconds(us + 50),
                  .bytes_out = 100,
                  .bytes_in = 200,
                  .body_bytes = 50});
}

RunResult sample() {
  RunResult result;
  result.plan.url = "http://127.0.0.1:8080/";
  result.plan.method = "GET";
  result.plan.addresses = {base::Address::loopback(8080)};
  result.plan.connections = 2;
  result.plan.threads = 1;
  result.plan.requests = 100;
  result.plan.timeout = std::chrono::seconds(30);
  result.plan.seed = 7;
  for (int i = 0; i < 60; ++i) answer(result.totals, "a", 200, 100);
  for (int i = 0; i < 30; ++i) answer(result.totals, "b", 200, 300);
  for (int i = 0; i < 6; ++i) answer(result.totals, "b", 503, 50);
  for (int i = 0; i < 4; ++i) {
    result.totals.issued({});
    result.totals.ended({.end = End::kServerTimeout});
  }
  result.totals.connected(microseconds(80));
  result.elapsed = std::chrono::seconds(2);
  result.issuing = std::chrono::seconds(2);
  result.answered_issuing = 96;
  result.cpu = std::chrono::milliseconds(1);
  return result;
}

TEST(Summary, SaysWhatHappened) {
  EXPECT_EQ(summary_text(sample()),
            "100 requests in 2.00 s, 48.0/s: 96 answered, 4 failed, 6 with status 400 or more\n"
            "\n"
            "                 count      p50      p90      p99    p99.9      max     mean\n"
            "  connect            1  80.0 µs  80.0 µs  80.0 µs  80.0 µs  80.0 µs  80.0 µs\n"
            "  service time      96   100 µs   300 µs   300 µs   300 µs   300 µs   159 µs\n"
            "  response time     96   150 µs   350 µs   350 µs   350 µs   350 µs   209 µs\n"
            "\n"
            "  server  answers  share     p50     p99  400 or more\n"
            "  a            60  62.5%  100 µs  100 µs            0\n"
            "  b            36  37.5%  300 µs  300 µs            6\n"
            "\n"
            "  status: 2xx 90, 5xx 6\n"
            "  failed: server-timeout 4\n"
            "  connections: 1 opened, 0 failed\n"
            "  bytes: 9.4 KiB sent, 18.8 KiB received\n"
            "  this client: 0.00 s of CPU, 10.0 µs a request\n");
}

TEST(Summary, NeverHidesWhatTheLogLost) {
  RunResult result = sample();
  result.logged = true;
  result.log = {.written = 90, .dropped = 10};
  result.interrupted = true;
  EXPECT_THAT(summary_text(result),
              AllOf(HasSubstr("log: 90 records, 10 DROPPED"), HasSubstr("(interrupted)")));
}

TEST(Summary, OfNothing) {
  EXPECT_THAT(summary_text(RunResult{}), HasSubstr("0 requests in 0.00 s"));
}

TEST(ResultJson, HasWhatItsFormatSays) {
  const json object = json::parse(result_json(sample()));
  EXPECT_EQ(object["format"], "giliran-client/1");
  EXPECT_EQ(object["plan"]["url"], "http://127.0.0.1:8080/");
  EXPECT_EQ(object["plan"]["requests"], 100);
  EXPECT_FALSE(object["plan"].contains("duration_s"));
  EXPECT_EQ(object["totals"]["issued"], 100);
  EXPECT_EQ(object["totals"]["answered"], 96);
  EXPECT_EQ(object["totals"]["failed"], 4);
  EXPECT_EQ(object["totals"]["bad_status"], 6);
  EXPECT_EQ(object["errors"], json({{"server-timeout", 4}}));
  EXPECT_EQ(object["statuses"], json({{"2xx", 90}, {"5xx", 6}}));
  EXPECT_EQ(object["rate"], 48.0);
  EXPECT_EQ(object["servers"].size(), 2u);
  EXPECT_EQ(object["servers"][1]["name"], "b");
  EXPECT_EQ(object["servers"][1]["answers"], 36);
  EXPECT_FALSE(object.contains("log"));
}

TEST(ResultJson, BucketsHoldEveryAnswer) {
  const json times = json::parse(result_json(sample()))["service_time"];
  EXPECT_EQ(times["count"], 96);
  EXPECT_EQ(times["max_us"], 300.0);
  uint64_t sum = 0;
  double before = -1;
  for (const json& bucket : times["buckets"]) {
    EXPECT_LE(bucket[0].get<double>(), bucket[1].get<double>());
    EXPECT_GT(bucket[0].get<double>(), before);
    before = bucket[1].get<double>();
    sum += bucket[2].get<uint64_t>();
  }
  EXPECT_EQ(sum, 96u);
}

TEST(ResultJson, OddServerNamesStayJson) {
  RunResult result = sample();
  answer(result.totals, "\xff\"\n", 200, 1);
  EXPECT_EQ(json::parse(result_json(result))["servers"].size(), 3u);
}

TEST(Progress, LineAndJsonTellTheInterval) {
  Recorder recorder(true);
  ProgressMeter meter;
  for (int i = 0; i < 100; ++i) answer(recorder, "a", 200, 100);
  Live first;
  first.add(recorder.take_live());
  meter.look(std::move(first), std::chrono::seconds(1));
  for (int i = 0; i < 50; ++i) answer(recorder, "b", 500, 2000);
  Live second;
  second.add(recorder.take_live());
  meter.look(std::move(second), std::chrono::seconds(2));
  EXPECT_EQ(meter.line(200), "2.0 s  50.0/s  p50 151 µs  p99 2.05 ms  50 errors");
  EXPECT_EQ(meter.line(8), "2.0 s  …");
  const json object = json::parse(meter.json());
  EXPECT_EQ(object["t_s"], 2.0);
  EXPECT_EQ(object["requests"], 150);
  EXPECT_EQ(object["rate"], 50.0);
  EXPECT_NEAR(object["p50_us"].get<double>(), 2050, 20);  // of the second interval only
  EXPECT_EQ(object["errors"], 50);
  EXPECT_EQ(object["servers"], json({{"a", 100}, {"b", 50}}));
  EXPECT_THAT(meter.json(), Not(HasSubstr("\n{")));
}

TEST(Progress, AnIntervalWithoutAnswersHasNoPercentiles) {
  ProgressMeter meter;
  meter.look({}, std::chrono::seconds(1));
  EXPECT_TRUE(json::parse(meter.json())["p50_us"].is_null());
}

}  // namespace
}  // namespace giliran::client
