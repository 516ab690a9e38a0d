// What people and programs are shown: summary, progress, result file.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <nlohmann/json.hpp>

#include "client/progress.h"
#include "client/run_result.h"
#include "report/table.h"

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
  result.plan.targets = {Target{.url = "http://127.0.0.1:8080/"}};
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
            "                     p50      p90      p99    p99.9      max     mean\n"
            "  response time   150 µs   350 µs   350 µs   350 µs   350 µs   209 µs\n"
            "  service time    100 µs   300 µs   300 µs   300 µs   300 µs   159 µs\n"
            "  connect        80.0 µs  80.0 µs  80.0 µs  80.0 µs  80.0 µs  80.0 µs\n"
            "\n"
            "  response time  from when a client's turn came, connecting included\n"
            "  service time   from the actual send to the last byte of the answer\n"
            "  A closed loop asks less while servers are slow: -R RATE shows what users wait.\n"
            "\n"
            "  server  answers  share  service p50     p99  400 or more\n"
            "  a            60  62.5%       100 µs  100 µs            0\n"
            "  b            36  37.5%       300 µs  300 µs            6\n"
            "\n"
            "  status: 2xx 90, 5xx 6\n"
            "  failed: server-timeout 4\n"
            "  connections: 1 opened, 0 failed\n"
            "  bytes: 9.4 KiB sent, 18.8 KiB received\n"
            "  this client: 0.00 s of CPU, 10.0 µs a request\n"
            "\n"
            "target: ERRORS, of 100 requests, 4 failed, 6 had a status of 400 or more (10%)\n"
            "measurement: VALID, this client kept up; the numbers tell of the servers\n");
}

size_t widest(const std::string& text) {
  size_t most = 0;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    most = std::max(most, report::width(std::string_view(text).substr(begin, end - begin)));
    begin = end + 1;
  }
  return most;
}

// A stall as a server of an open loop shows it: what waited is in the response time only.
RunResult stalled() {
  RunResult result = sample();
  result.totals = Recorder(false, true);
  Recorder& totals = result.totals;
  totals.begin_slices(base::Instant{} + std::chrono::seconds(100), std::chrono::seconds(1));
  const base::Instant begin = base::Instant{} + std::chrono::seconds(100);
  TierTimes tiers;
  tiers.clear();
  tiers.add(totals.tier("work"), 80'000);
  for (int i = 0; i < 10'000; ++i) {
    const base::Instant due = begin + std::chrono::milliseconds(i);
    const bool waited = i >= 3000 && i < 4400;
    const auto wait = waited ? std::chrono::milliseconds(4400 - i) : std::chrono::milliseconds(0);
    totals.due(due, due, true);
    totals.issued(due + wait);
    totals.ended({.status = 200,
                  .server = totals.server(i % 2 == 0 ? "a" : "b"),
                  .at = due + wait,
                  .service = microseconds(100),
                  .response = wait + microseconds(100),
                  .wait = wait,
                  .tiers = &tiers});
  }
  result.plan.loop = Loop::kOpen;
  result.plan.rate = 1000;
  result.elapsed = result.issuing = std::chrono::seconds(10);
  result.answered_issuing = 10'000;
  return result;
}

TEST(Summary, AStallIsNotHiddenByTheServiceTime) {
  const std::string text = summary_text(stalled());
  EXPECT_THAT(text, HasSubstr("open loop: 1,000/s planned"));
  EXPECT_THAT(text,
              HasSubstr("JUDGE BY THE RESPONSE TIME: its p99 is 1.30 s, that of the service"));
  EXPECT_THAT(text, HasSubstr("response p99  |"));
  EXPECT_THAT(text, HasSubstr("where the time went"));
  EXPECT_THAT(text, HasSubstr("wait"));
  EXPECT_LE(widest(text), 80u) << text;
}

TEST(Summary, ThresholdsAndVerdictComeLast) {
  RunResult result = stalled();
  result.expected = report::judge(report::Expectation::parse_list("p99<10ms,errors<1%").value(),
                                  result.measured());
  result.verdict = {.valid = false,
                    .reasons = {"a thread of the client used all of its processor and some more "
                                "words follow so that this line has to be broken"},
                    .notes = {"something else"}};
  const std::string text = summary_text(result);
  EXPECT_THAT(text, HasSubstr("  p99<10ms     1.30 s  NOT MET\n"));
  EXPECT_THAT(text, HasSubstr("  errors<1%        0%  met\n"));
  EXPECT_THAT(text, HasSubstr("\ntarget: NO ERRORS, 10,000 requests answered"));
  EXPECT_THAT(text, HasSubstr("\nmeasurement: CLIENT-LIMITED, "));
  EXPECT_THAT(text, HasSubstr("  Note: something else.\n"));
  EXPECT_LE(widest(text), 80u) << text;
}

TEST(Summary, NeverHidesWhatTheLogLost) {
  RunResult result = sample();
  result.logged = true;
  result.log = {.written = 90, .dropped = 10};
  result.interrupted_by = SIGINT;
  EXPECT_THAT(summary_text(result), AllOf(HasSubstr("log: 90 records, 10 DROPPED"),
                                          HasSubstr("\nCUT by SIGINT, 2.0 s after its start\n")));
  result.plan.requests = 0;
  result.plan.duration = std::chrono::seconds(10);
  EXPECT_THAT(summary_text(result), HasSubstr("2.0 s after its start; planned were 10 s\n"));
}

TEST(Summary, TheTargetsColourIsNotTheMeasurements) {
  const std::string bad = summary_text(sample(), true);
  EXPECT_THAT(bad, HasSubstr("target: \x1b[1;31mERRORS\x1b[0m, "));
  EXPECT_THAT(bad, HasSubstr("measurement: \x1b[1mVALID\x1b[0m, "));
  EXPECT_THAT(summary_text(stalled(), true), HasSubstr("target: \x1b[32mNO ERRORS\x1b[0m, "));
  EXPECT_THAT(summary_text(sample()), Not(HasSubstr("\x1b")));
  RunResult many = sample();
  for (int i = 0; i < 20'000; ++i) answer(many.totals, "c", 503, 50);
  many.verdict.valid = false;
  EXPECT_LE(widest(summary_text(many)), 80u) << summary_text(many);
}

TEST(Summary, OfSeveralAddressesEachIsTold) {
  RunResult result = sample();
  result.plan.addresses.push_back(base::Address::loopback(8081));
  result.totals.tell_addresses_apart(2);
  result.totals.connected(microseconds(80), 0);
  result.totals.connect_failed(1);
  result.totals.issued({});
  result.totals.ended({.status = 200, .address = 0, .service = microseconds(100)});
  result.totals.issued({});
  result.totals.ended({.end = End::kConnectRefused, .address = 1, .sent = false});
  EXPECT_THAT(
      summary_text(result),
      HasSubstr("  address         connections  not made  answers  errors  service p50     p99\n"
                "  127.0.0.1:8080            1         0        1       0       100 µs  100 µs\n"
                "  127.0.0.1:8081            0         1        0       1            -       -\n"));
  const json addresses = json::parse(result_json(result))["addresses"];
  ASSERT_EQ(addresses.size(), 2u);
  EXPECT_EQ(addresses[0]["answers"], 1);
  EXPECT_EQ(addresses[1]["failed"], 1);
  EXPECT_EQ(addresses[1]["connect_failures"], 1);
}

// The gap between the two times is the client's own lateness.
TEST(Summary, ALateClientIsNotCalledTheServersResponseTime) {
  RunResult result = sample();
  result.totals = Recorder(false, true);
  result.plan.loop = Loop::kOpen;
  result.plan.rate = 1000;
  const base::Duration lag = std::chrono::milliseconds(20);
  const base::Instant due = base::Instant{} + std::chrono::seconds(100);
  for (int i = 0; i < 1000; ++i) {
    result.totals.due(due, due + lag, true);
    result.totals.issued(due + lag);
    result.totals.ended({.status = 200,
                         .at = due + lag + microseconds(100),
                         .service = microseconds(100),
                         .response = lag + microseconds(100),
                         .lag = lag});
  }
  const std::string text = summary_text(result);
  EXPECT_THAT(text, HasSubstr("THIS CLIENT WAS LATE"));
  EXPECT_THAT(text, Not(HasSubstr("JUDGE BY THE RESPONSE TIME")));
  EXPECT_LE(widest(text), 80u) << text;
}

TEST(QuietLines, SayOfAMissedThresholdThatTheClientWasTheLimit) {
  RunResult result = stalled();
  result.verdict.valid = false;
  result.verdict.reasons = {"requests set out late"};
  EXPECT_THAT(quiet_lines(result), testing::IsEmpty());
  result.expected = {{.text = "p99<1ms", .measured = "1.30 s", .met = false}};
  EXPECT_THAT(quiet_lines(result), testing::ElementsAre("NOT MET p99<1ms: 1.30 s",
                                                        "CLIENT-LIMITED: requests set out late"));
}

TEST(QuietLines, HideNoError) {
  RunResult result = stalled();
  EXPECT_THAT(quiet_lines(result), testing::IsEmpty());
  result = sample();
  EXPECT_THAT(
      quiet_lines(result),
      testing::ElementsAre("ERRORS, of 100 requests, 4 failed, 6 had a status of 400 or more (10%)",
                           "failed: server-timeout 4"));
  result.interrupted_by = SIGTERM;
  result.log.dropped = 3;
  result.expected =
      report::judge(report::Expectation::parse_list("errors<1%").value(), result.measured());
  EXPECT_THAT(quiet_lines(result), testing::IsSupersetOf({"CUT by SIGTERM, 2.0 s after its start",
                                                          "3 records of the log were DROPPED",
                                                          "NOT MET errors<1%: 10%"}));
}

TEST(Summary, FitsEightyColumnsAndLeavesTheWarmupOut) {
  RunResult result = sample();
  result.warmup = std::chrono::milliseconds(500);
  result.interrupted_by = SIGINT;
  result.logged = true;
  result.log = {.written = 90'000, .dropped = 10'000, .write_errors = 10'000};
  result.totals.add(stalled().totals);
  for (int i = 0; i < 20'000; ++i) {
    result.totals.issued(base::Instant{} + std::chrono::seconds(1));
    result.totals.ended({.status = 503, .at = base::Instant{} + std::chrono::seconds(1)});
  }
  EXPECT_THAT(summary_text(result), HasSubstr("30,100 requests in 1.50 s"));
  EXPECT_LE(widest(summary_text(result)), 80u) << summary_text(result);
}

TEST(Summary, TheWarmupsRequestsHaveTheirShareOfTheCpuTime) {
  RunResult result = stalled();
  const base::Instant at = base::Instant{} + std::chrono::seconds(110);
  for (int i = 0; i < 10'000; ++i) {
    result.totals.issued(at, false);
    result.totals.ended({.status = 200, .at = at, .measured = false});
  }
  result.cpu = std::chrono::milliseconds(200);
  EXPECT_THAT(summary_text(result), HasSubstr("0.20 s of CPU, 10.0 µs a request"));
}

TEST(Summary, OfNothing) {
  EXPECT_THAT(summary_text(RunResult{}), HasSubstr("0 requests in 0.00 s"));
}

TEST(ResultJson, HasWhatItsFormatSays) {
  const json object = json::parse(result_json(sample()));
  EXPECT_EQ(object["format"], "giliran-client/2");
  EXPECT_EQ(object["plan"]["loop"], "closed");
  EXPECT_FALSE(object["plan"].contains("rate"));
  EXPECT_EQ(object["plan"]["targets"][0]["method"], "GET");
  EXPECT_EQ(object["verdict"]["text"], "VALID");
  EXPECT_EQ(object["verdict"]["judged"], true);
  EXPECT_EQ(object["target"]["text"], "ERRORS");
  EXPECT_EQ(object["target"]["good"], false);
  EXPECT_EQ(object["addresses"], json::array());
  EXPECT_EQ(object["expected"], json::array());
  EXPECT_EQ(object["marks"], json::array());
  EXPECT_GT(object["machine"]["cores"], 0);
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

TEST(ResultJson, IntervalsAddUpToTheTotals) {
  RunResult result = stalled();
  result.expected =
      report::judge(report::Expectation::parse_list("p99<10ms").value(), result.measured());
  const json object = json::parse(result_json(result));
  EXPECT_EQ(object["plan"]["rate"], 1000.0);
  EXPECT_EQ(object["plan"]["arrivals"], "constant");
  EXPECT_EQ(object["interval_s"], 1.0);
  ASSERT_EQ(object["intervals"].size(), 10u);
  uint64_t answered = 0, due = 0, of_a = 0, buckets = 0;
  for (const json& interval : object["intervals"]) {
    answered += interval["answered"].get<uint64_t>();
    due += interval["due"].get<uint64_t>();
    if (interval["servers"].contains("a")) of_a += interval["servers"]["a"].get<uint64_t>();
    if (!interval["response_time"].contains("buckets")) continue;
    for (const json& bucket : interval["response_time"]["buckets"]) {
      buckets += bucket[2].get<uint64_t>();
    }
  }
  EXPECT_EQ(answered, 10'000u);
  EXPECT_EQ(due, 10'000u);
  EXPECT_EQ(of_a, 5'000u);
  EXPECT_EQ(buckets, 10'000u);
  EXPECT_EQ(object["intervals"][4]["t_s"], 4.0);
  EXPECT_EQ(object["intervals"][4]["for_s"], 1.0);
  EXPECT_FALSE(object["intervals"][0].contains("warmup"));
  EXPECT_NEAR(object["intervals"][4]["tiers"]["work"].get<double>(), 80, 0.1);
  EXPECT_EQ(object["tiers"][0]["name"], "work");
  EXPECT_EQ(object["tiers"][0]["count"], 10'000);
  EXPECT_EQ(object["totals"]["due"], 10'000);
  EXPECT_EQ(object["lag"]["count"], 10'000);
  EXPECT_GT(object["wait"]["p99_us"], 1e6);
  EXPECT_EQ(object["expected"][0],
            json({{"text", "p99<10ms"}, {"measured", "1.30 s"}, {"met", false}}));
}

TEST(ResultJson, TheWarmUpIsMarked) {
  RunResult result = stalled();
  result.warmup = std::chrono::seconds(2);
  const json object = json::parse(result_json(result));
  EXPECT_EQ(object["intervals"][1]["warmup"], true);
  EXPECT_FALSE(object["intervals"][2].contains("warmup"));
}

TEST(ResultJson, OddServerNamesStayJson) {
  RunResult result = sample();
  answer(result.totals, "\xff\"\n", 200, 1);
  EXPECT_EQ(json::parse(result_json(result))["servers"].size(), 3u);
}

std::string shown(const std::vector<LiveLine>& lines) {
  std::string text;
  for (const LiveLine& line : lines) text += line.text + "\n";
  return text;
}

TEST(Progress, BlockAndJsonTellTheInterval) {
  Recorder recorder(true);
  Plan plan;
  plan.duration = std::chrono::seconds(10);
  plan.loop = Loop::kOpen;
  plan.profile = RateProfile::constant(60);
  ProgressMeter meter(plan);
  for (int i = 0; i < 100; ++i) answer(recorder, "a", 200, 100);
  Live first;
  first.add(recorder.take_live());
  meter.look(std::move(first), std::chrono::seconds(1));
  for (int i = 0; i < 50; ++i) answer(recorder, "b", 500, 2000);
  Live second;
  second.add(recorder.take_live());
  meter.look(std::move(second), std::chrono::seconds(2));
  const std::string block = shown(meter.block(80, 20));
  EXPECT_THAT(block, HasSubstr("50.0/s of 60.0/s planned   2.0 s, 8 s left"));
  EXPECT_THAT(block, HasSubstr("150 answered   50 errors"));
  EXPECT_THAT(block, HasSubstr("response time, now        2.05 ms"));
  EXPECT_THAT(block, HasSubstr("  b                    100.0%  ██████████████████████████████\n"));
  EXPECT_THAT(block, HasSubstr("  a                      0.0%  \n"));
  EXPECT_LE(widest(block), 80u);
  EXPECT_EQ(meter.block(80, 3).size(), 3u);
  const json object = json::parse(meter.json());
  EXPECT_EQ(object["t_s"], 2.0);
  EXPECT_EQ(object["left_s"], 8.0);
  EXPECT_EQ(object["requests"], 150);
  EXPECT_EQ(object["rate"], 50.0);
  EXPECT_EQ(object["rate_planned"], 60.0);
  EXPECT_NEAR(object["p50_us"].get<double>(), 2050, 20);  // of the second interval only
  EXPECT_NEAR(object["service_p50_us"].get<double>(), 2000, 20);
  EXPECT_NEAR(object["total_p50_us"].get<double>(), 150, 2);
  EXPECT_EQ(object["errors"], 50);
  EXPECT_EQ(object["servers"], json({{"a", 100}, {"b", 50}}));
  EXPECT_THAT(meter.json(), Not(HasSubstr("\n{")));
}

TEST(Progress, WithoutABoundInTimeThereIsNoTimeLeft) {
  Plan plan;
  plan.requests = 100;
  ProgressMeter meter(plan);
  meter.look({}, std::chrono::seconds(1));
  const json object = json::parse(meter.json());
  EXPECT_TRUE(object["left_s"].is_null());
  EXPECT_TRUE(object["rate_planned"].is_null());
  EXPECT_THAT(shown(meter.block(80, 20)), HasSubstr("1.0 s, 0.0% of the requests"));
}

TEST(Progress, AnIntervalWithoutAnswersHasNoPercentiles) {
  ProgressMeter meter;
  meter.look({}, std::chrono::seconds(1));
  EXPECT_TRUE(json::parse(meter.json())["p50_us"].is_null());
}

}  // namespace
}  // namespace giliran::client
