#include "lab/summary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "lab/built_in.h"
#include "lab/screen.h"
#include "lab/summary_parts.h"
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
                .response = {.p50 = milliseconds(160),
                             .p90 = milliseconds(170),
                             .p99 = milliseconds(1234),
                             .p999 = milliseconds(250)}};
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

TEST(Summary, CpuOfARequestCountsThoseOfTheWarmUpToo) {
  LabResult result = whole();
  for (RunResult& run : result.runs) run.client.answered_in_all = 6000;
  EXPECT_THAT(summary_text(result),
              HasSubstr("tcp-compute-1     15.0 µs      25.0 µs   500 µs    540 µs   1.62 of 2"));
}

TEST(Summary, TheLineOfARunFitsATerminal) {
  LabResult result = whole();
  RunResult& run = result.runs[9];
  run.client.valid = false;
  run.client.verdict = "CLIENT-LIMITED";
  run.little = report::Little{.checked = true, .holds = false};
  run.expected = {{.text = "p99<10ms", .measured = "12 ms", .met = false}};
  std::istringstream lines(run_line(result, run));
  for (std::string line; std::getline(lines, line);) EXPECT_LE(report::width(line), 80U) << line;
  EXPECT_THAT(run_line(result, run), EndsWith("LITTLE'S LAW VIOLATED  NOT MET"));
}

TEST(Summary, TellsWhenTheMachineWasBusyWithSomethingElse) {
  LabResult result = whole();
  EXPECT_THAT(summary_text(result), Not(HasSubstr("Other programs")));
  result.runs[4].others_busy = 1.25;
  EXPECT_THAT(summary_text(result), HasSubstr("Other programs kept up to 1.2 of 2 cores busy"));
}

TEST(Summary, SaysWhichLogsAreKeptAndHowToRemoveAll) {
  LabResult result = whole();
  result.folder = "my lab";
  for (RunResult& run : result.runs) run.logs_kept = run.index == result.scenario.telling;
  EXPECT_THAT(summary_text(result),
              AllOf(HasSubstr("Logs (1.0 MiB) in my lab/, for example\n"
                              "  my lab/http-block-16/coordinator.log\n"),
                    HasSubstr("The logs of 9 runs (9.0 MiB) were read and removed;"),
                    HasSubstr("giliran report 'my lab/http-block-16'/*.log\n"),
                    HasSubstr("--keep-logs"), HasSubstr("rm -r 'my lab'\n")));
  result.runs.resize(1);  // one that is not kept
  EXPECT_THAT(summary_text(result), Not(HasSubstr("coordinator.log")));
}

TEST(Summary, EndsWithTheVerdict) {
  LabResult result = whole();
  EXPECT_THAT(summary_text(result), EndsWith("\nFINISHED: No expectation was set.\n"));
  result.claims = {{.text = "rate of a > rate of b", .measured = "2/s > 1/s", .met = true}};
  EXPECT_THAT(summary_text(result), EndsWith("\nAS EXPECTED: 1 of 1 expectation met.\n"));
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

TEST(Summary, ExpectationsThatAreNotMetEndWithThree) {
  LabResult result = whole();
  result.runs[2].expected = {{.text = "p99<10ms", .measured = "12 ms", .met = false},
                             {.text = "errors<1%", .measured = "0 %", .met = true}};
  EXPECT_EQ(result.exit_status(), 3);
  EXPECT_THAT(summary_text(result), AllOf(HasSubstr("Expected: 1 of 2 met"),
                                          HasSubstr("NOT MET: tcp-block-1: p99<10ms: 12 ms")));
  result.runs[2].expected.clear();
  result.claims = {{.text = "rate of a > rate of b", .measured = "1 > 2", .met = false}};
  EXPECT_EQ(result.exit_status(), 3);
  EXPECT_THAT(summary_text(result), HasSubstr("NOT MET: rate of a > rate of b: 1 > 2"));
  result.failure = "x";
  EXPECT_EQ(result.exit_status(), 1) << "what failed comes first";
}

TEST(Summary, DoubtsAreTold) {
  LabResult result = whole();
  EXPECT_EQ(doubts_text(result), "");
  result.runs[0].client.valid = false;
  result.runs[0].client.verdict = "CLIENT-LIMITED";
  result.runs[0].measured.verdict.reasons = {"its CPU was used up"};
  result.runs[1].little =
      report::Little{.checked = true, .holds = false, .text = "Little's law does not hold: so"};
  result.runs[2].marks = {{.t_s = 2, .planned_s = 1, .text = "kill server-1", .late = true},
                          {.t_s = 3, .planned_s = 3, .text = "start server-1"}};
  result.runs[3].missed = {"drain server-2"};
  EXPECT_THAT(doubts_text(result),
              AllOf(HasSubstr("tcp-compute-1: CLIENT-LIMITED. its CPU was used up"),
                    HasSubstr("tcp-compute-4: Little's law does not hold"),
                    HasSubstr("\"kill server-1\" came late, at 2.00 s instead of 1.00 s"),
                    HasSubstr("tcp-block-16: \"drain server-2\" did not happen"),
                    Not(HasSubstr("start server-1"))));
  EXPECT_THAT(timeline_text(result),
              HasSubstr("tcp-block-1: 2.00 s kill server-1; 3.00 s start server-1"));
  EXPECT_THAT(run_line(result, result.runs[0]), EndsWith("CLIENT-LIMITED"));
  EXPECT_EQ(result.exit_status(), 0);
}

TEST(Summary, WhatTheTimelineDisturbsIsNotHeldAgainstIt) {
  LabResult result = whole();
  result.runs[3].turns_judged = false;
  result.runs[3].evidence.turns[1].count += 20;
  result.runs[3].killed = {"server-2"};
  result.runs[3].evidence.conservation.comparisons[1].named = {{.name = "answered but not recorded",
                                                                .detail = "no server record",
                                                                .count = 3,
                                                                .accounted = false}};
  EXPECT_EQ(result.exit_status(), 0);
  EXPECT_THAT(summary_text(result), Not(HasSubstr("NOT EVEN")));
  EXPECT_THAT(summary_text(result), Not(HasSubstr("NOT conserved")));
  EXPECT_THAT(conservation_text(result), HasSubstr("answered but not recorded (no server record)"));
  EXPECT_THAT(conservation_text(result), HasSubstr("the timeline killed server-2"));
  EXPECT_EQ(json::parse(result_json(result))["runs"][3]["conservation"]["judged"], false);
  result.runs[3].evidence.accounts = {{}, {.answered = 9, .recorded = 6}, {}};
  EXPECT_EQ(result.exit_status(), 0);
  result.runs[3].evidence.accounts[2] = {.answered = 9, .recorded = 8};
  EXPECT_EQ(result.exit_status(), 1) << "server-3 was not killed";
  EXPECT_THAT(conservation_text(result), HasSubstr("NOT conserved"));
  EXPECT_EQ(json::parse(result_json(result))["runs"][3]["conservation"]["judged"], true);
  result.runs[3].evidence.accounts.clear();
  std::swap(result.runs[3].evidence.conservation.comparisons[0].named,
            result.runs[3].evidence.conservation.comparisons[1].named);
  EXPECT_EQ(result.exit_status(), 1) << "between client and coordinator nothing may be lost";
}

TEST(Turns, MustBeEvenWhereNothingElseDecides) {
  RunPlan plan;
  EXPECT_TRUE(turns_must_be_even(plan));
  plan.timeline = {{.action = Action::kRate, .rate = 5}};
  EXPECT_TRUE(turns_must_be_even(plan));
  plan.timeline = {{.action = Action::kStop, .servers = {0}}};
  EXPECT_FALSE(turns_must_be_even(plan));
  plan.timeline.clear();
  plan.servers[1].weight = 2;
  EXPECT_FALSE(turns_must_be_even(plan));
  plan.servers[1].weight = 1;
  plan.coordinator.pools.front().policy = "least-requests";
  EXPECT_FALSE(turns_must_be_even(plan));
}

TEST(Summary, FoldsAtSpaces) {
  EXPECT_EQ(folded("one two  three four", 2, 10), "  one two\n  three\n  four\n");
  EXPECT_EQ(folded("toolongforthis a", 0, 5), "toolongforthis\na\n");
  EXPECT_EQ(folded("", 2, 10), "");
}

TEST(ResultJson, HoldsTheNumbers) {
  const json object = json::parse(result_json(whole()));
  EXPECT_EQ(object["format"], "giliran-lab/2");
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
  std::vector<std::string> names;
  for (const json& scaling : object["scaling"]) names.push_back(scaling["name"]);
  EXPECT_THAT(names, testing::ElementsAre("tcp-compute", "tcp-block", "http-compute", "http-block",
                                          "http-plain"))
      << "each is told from all others";
  EXPECT_EQ(object["scaling"][3]["points"][1]["point"], "http-block-16");
  EXPECT_EQ(object["telling"], "http-block-16");
}

report::ClientResult client_of(uint64_t answers, double mean_ms, double rate) {
  report::ClientResult client;
  client.plan = {{"loop", "closed"}};
  client.rate = rate;
  client.elapsed_s = client.issuing_s = 10;
  client.totals.issued = client.totals.answered = answers;
  client.response_time.record(static_cast<uint64_t>(mean_ms * 1e6), answers);
  client.service_time.record(static_cast<uint64_t>(mean_ms * 1e6), answers);
  return client;
}

TEST(ClientResult, IsSummedUp) {
  report::ClientResult client = client_of(28, 3, 12.5);
  client.totals.failed = 2;
  client.totals.bad_status = 1;
  client.intervals.resize(2);
  client.intervals[0].warmup = true;
  client.intervals[0].answered = 7;
  client.intervals[1].answered = 28;
  const ClientResult result = summed_up(client);
  EXPECT_EQ(result.answered_in_all, 35U);
  EXPECT_EQ(result.rate, 12.5);
  EXPECT_EQ(result.answered, 28U);
  EXPECT_EQ(result.errors, 3U);
  EXPECT_NEAR(base::to_us(result.response.p50), 3000, 3);
  EXPECT_NEAR(base::to_us(result.service.p999), 3000, 3);
  EXPECT_TRUE(result.valid);
  EXPECT_EQ(summed_up(report::ClientResult()).response.p99.count(), 0) << "without an answer";
}

TEST(ClientResult, MarksGoIntoItsJsonAndBucketsOfIntervalsOutOfIt) {
  const std::string text =
      R"({"format":"giliran-client/2","response_time":{"count":1,"buckets":[[1,2,1]]},
          "intervals":[{"t_s":0,"response_time":{"count":1,"buckets":[[1,2,1]]}}],"marks":[]})";
  const auto marked = with_marks(text, {{.t_s = 1.5, .text = "kill \"a\""}});
  ASSERT_TRUE(marked);
  EXPECT_EQ(json::parse(*marked)["marks"], json::parse(R"([{"t_s":1.5,"text":"kill \"a\""}])"));
  const auto small = without_interval_buckets(*marked);
  ASSERT_TRUE(small);
  const json object = json::parse(*small);
  EXPECT_FALSE(object["intervals"][0]["response_time"].contains("buckets"));
  EXPECT_EQ(object["intervals"][0]["response_time"]["count"], 1);
  EXPECT_TRUE(object["response_time"].contains("buckets"));
  EXPECT_FALSE(with_marks("12 requests in 3 s", {}));
  EXPECT_FALSE(without_interval_buckets(""));
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
