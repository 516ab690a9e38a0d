#include "lab/summary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "lab/built_in.h"
#include "lab/screen.h"
#include "report/table.h"

namespace giliran::lab {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

report::Comparison same(telemetry::Kind kind, telemetry::Tier left, telemetry::Tier right,
                        uint64_t count) {
  return {.kind = kind,
          .left = left,
          .right = right,
          .left_count = count,
          .right_count = count,
          .left_out = 9,
          .right_in = 9,
          .left_in = 7,
          .right_out = 7};
}

RunResult finished(size_t index, double rate) {
  RunResult run{.index = index};
  run.client = {.rate = rate,
                .elapsed = milliseconds(2000),
                .issued = 3000,
                .answered = 3000,
                .p50 = milliseconds(160),
                .p90 = milliseconds(170),
                .p99 = milliseconds(1234),
                .p999 = milliseconds(250)};
  run.cpu = {
      .client = milliseconds(90), .coordinator = milliseconds(150), .servers = milliseconds(3000)};
  run.evidence.turns = {{"server-1", 1000}, {"server-2", 1000}, {"server-3", 1000}};
  run.evidence.log_bytes = 1 << 20;
  using enum telemetry::Tier;
  run.evidence.conservation.comparisons = {
      same(telemetry::Kind::kExchange, kClient, kCoordinator, 3000),
      same(telemetry::Kind::kExchange, kCoordinator, kServer, 3000)};
  return run;
}

LabResult whole() {
  LabResult result{
      .scenario = *built_in("demo", 2), .cores = 2, .seed = 42, .folder = "giliran-demo"};
  result.elapsed = milliseconds(31500);
  for (size_t i = 0; i < result.scenario.runs.size(); ++i) {
    result.runs.push_back(finished(i, i % 2 == 0 ? 1000 : 2500));
  }
  return result;
}

TEST(Summary, HoldsEveryPart) {
  const LabResult result = whole();
  const std::string text = summary_text(result);
  EXPECT_THAT(text, StartsWith("Giliran lab \"demo\": 10 of 10 runs, 31.5 s on 2 cores."));
  EXPECT_THAT(text, HasSubstr("run             requests/s"));
  EXPECT_THAT(text, HasSubstr("tcp-compute-4        2,500"));
  EXPECT_THAT(text, HasSubstr("2.50x\n"));
  EXPECT_THAT(text, HasSubstr("http-block-16: 2.50x the rate of"));
  EXPECT_THAT(text, HasSubstr("server-1  server-2  server-3  to within 1"));
  EXPECT_THAT(text, HasSubstr("Conservation: 30,000 exchanges, as many at the client,"));
  EXPECT_THAT(text, HasSubstr("Logs (10.0 MiB) in giliran-demo/"));
  EXPECT_THAT(text, HasSubstr("giliran-demo/http-block-16/coordinator.log"));
  EXPECT_THAT(text, Not(HasSubstr("FAILED")));
  EXPECT_EQ(result.exit_status(), 0);
}

TEST(Summary, FitsATerminalAndHoldsNoControlCharacters) {
  std::istringstream lines(summary_text(whole()));
  for (std::string line; std::getline(lines, line);) {
    EXPECT_LE(report::width(line), 80U) << line;
    for (const char c : line) EXPECT_GE(static_cast<unsigned char>(c), 0x20) << line;
  }
}

TEST(Summary, CpuOfATierIsOfARequest) {
  EXPECT_THAT(summary_text(whole()),
              HasSubstr("tcp-compute-1     30.0 µs      50.0 µs  1.00 ms   1.08 ms   1.62 of 2"));
}

TEST(Summary, TellsWhenTheMachineWasBusyWithSomethingElse) {
  LabResult result = whole();
  EXPECT_THAT(summary_text(result), Not(HasSubstr("Other programs")));
  result.runs[4].others_busy = 1.25;
  EXPECT_THAT(summary_text(result), HasSubstr("Other programs kept up to 1.2 of 2 cores busy"));
}

TEST(Summary, UnevenTurnsFailTheLab) {
  LabResult result = whole();
  result.runs[3].evidence.turns[1].count += 2;
  EXPECT_EQ(result.exit_status(), 1);
  EXPECT_THAT(summary_text(result), HasSubstr("NOT EVEN"));
  EXPECT_THAT(run_line(result, result.runs[3]), EndsWith("TURNS NOT EVEN"));
}

TEST(Summary, WhatHasNoNameFailsTheLab) {
  LabResult result = whole();
  result.runs[1].evidence.conservation.comparisons[1].named = {
      {.name = "answered but not recorded", .detail = "x", .count = 3, .accounted = false}};
  EXPECT_EQ(result.exit_status(), 1);
  EXPECT_THAT(conservation_text(result),
              AllOf(StartsWith("Conservation: NOT conserved."), HasSubstr("tcp-compute-4:"),
                    HasSubstr("answered but not recorded")));
}

TEST(Summary, WhatHasANameDoesNot) {
  LabResult result = whole();
  result.runs[1].evidence.conservation.comparisons[1].named = {
      {.name = "answered too late", .detail = "client-closed", .count = 3}};
  EXPECT_EQ(result.exit_status(), 0);
  EXPECT_THAT(conservation_text(result),
              AllOf(HasSubstr("what differs between the tiers has a name"),
                    HasSubstr("answered too late")));
}

TEST(Summary, AProcessThatFailedHasTheLastWord) {
  LabResult result = whole();
  result.runs.resize(1);
  result.failure = "tcp-compute-4: server-2 was ended by signal 9";
  result.last_words = {"what\x1b[31m it said"};
  EXPECT_EQ(result.exit_status(), 1);
  EXPECT_THAT(summary_text(result),
              EndsWith("\nFAILED: tcp-compute-4: server-2 was ended by signal 9\n"
                       "  | what?[31m it said\n"));
  EXPECT_EQ(result.speed_up(result.scenario.contrasts[0]), 0);
}

TEST(Summary, AnInterruptedLab) {
  LabResult result = whole();
  result.runs.clear();
  result.interrupted = true;
  EXPECT_EQ(result.exit_status(), 130);
  EXPECT_THAT(summary_text(result), HasSubstr("Interrupted"));
}

TEST(Summary, FoldsAtSpaces) {
  EXPECT_EQ(folded("one two  three four", 2, 10), "  one two\n  three\n  four\n");
  EXPECT_EQ(folded("toolongforthis a", 0, 5), "toolongforthis\na\n");
  EXPECT_EQ(folded("", 2, 10), "");
}

TEST(ResultJson, HoldsTheNumbers) {
  const json object = json::parse(result_json(whole()));
  EXPECT_EQ(object["format"], "giliran-lab/1");
  EXPECT_TRUE(object["finished"].get<bool>());
  EXPECT_EQ(object["planned"].size(), 10U);
  EXPECT_EQ(object["exit_status"], 0);
  const json& run = object["runs"][7];
  EXPECT_EQ(run["name"], "http-block-16");
  EXPECT_EQ(run["plan"]["server_threads"], 16);
  EXPECT_EQ(run["measured"]["p99_us"], 1234e3);
  EXPECT_EQ(run["cpu"]["coordinator"]["us_per_request"], 50);
  EXPECT_EQ(run["turns"]["servers"]["server-3"], 1000);
  EXPECT_TRUE(run["turns"]["even"].get<bool>());
  EXPECT_TRUE(run["conservation"]["conserved"].get<bool>());
  EXPECT_EQ(object["speed_ups"][0]["speed_up"], 2.5);
}

TEST(ClientResult, IsReadFromItsJson) {
  const auto result = parse_client_result(
      R"({"rate":12.5,"elapsed_s":2,"totals":{"issued":30,"answered":28,"failed":2,"bad_status":1},
          "round_trip":{"count":28,"p50_us":1.5,"p90_us":2,"p99_us":3,"p99_9_us":4}})");
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->rate, 12.5);
  EXPECT_EQ(result->answered, 28U);
  EXPECT_EQ(result->errors, 3U);
  EXPECT_EQ(result->p50.count(), 1500);
  EXPECT_EQ(result->p999.count(), 4000);
}

TEST(ClientResult, WithoutAnAnswerThereAreNoPercentiles) {
  const auto result = parse_client_result(R"({"totals":{"failed":2},"round_trip":{"count":0}})");
  ASSERT_TRUE(result);
  EXPECT_EQ(result->p99.count(), 0);
  EXPECT_EQ(result->errors, 2U);
}

TEST(ClientResult, WhatIsNotOneIsAnError) {
  EXPECT_FALSE(parse_client_result(""));
  EXPECT_FALSE(parse_client_result("{}"));
  EXPECT_FALSE(parse_client_result("[1]"));
  EXPECT_FALSE(parse_client_progress("12 requests in 3 s"));
}

TEST(Progress, ShowsSharesOfTheServers) {
  const auto progress = parse_client_progress(
      R"({"t_s":1.001,"requests":3,"rate":612.0,"p50_us":480000.0,"p99_us":null,"errors":1,
          "servers":{"server-1":1,"server-2":2,"server-3":1}})");
  ASSERT_TRUE(progress) << progress.error().message;
  EXPECT_EQ(progress_text("[ 3/10] run", *progress),
            "[ 3/10] run  612/s  p50 480 ms  p99 0  1 error  25/50/25%");
}

}  // namespace
}  // namespace giliran::lab
