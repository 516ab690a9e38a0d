#include "lab/scaling.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "lab/result.h"
#include "lab/scenario_toml.h"
#include "lab/summary_parts.h"
#include "lab/threads.h"
#include "report/table.h"

namespace giliran::lab {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

Scenario threads(const ThreadsPlan& plan) {
  auto scenario = parse_scenario(threads_scenario(plan), "threads", {.cores = 2});
  EXPECT_TRUE(scenario) << scenario.error().message;
  return scenario ? std::move(*scenario) : Scenario{};
}

// As if each run had answered rate(threads).
LabResult ran(const ThreadsPlan& plan, auto rate) {
  LabResult result{.scenario = threads(plan), .cores = 2};
  for (size_t i = 0; i < result.scenario.runs.size(); ++i) {
    const RunPlan& run = result.scenario.runs[i];
    const uint32_t count =
        plan.of == ThreadsPlan::Of::kServers ? run.server_threads() : run.coordinator_threads();
    RunResult one{.index = i};
    one.client.rate = static_cast<double>(rate(count)) + static_cast<double>(run.repetition);
    one.client.elapsed = std::chrono::seconds(2);
    one.client.answered = 1000;
    result.runs.push_back(std::move(one));
  }
  return result;
}

TEST(Threads, AreAScenarioOfTheirOwn) {
  const Scenario scenario = threads({});
  ASSERT_THAT(scenario.runs, SizeIs(15));
  EXPECT_THAT(scenario.points(), SizeIs(5));
  EXPECT_EQ(scenario.repetitions, 3U);
  EXPECT_EQ(scenario.runs[0].work(), Work::kBlocks);
  EXPECT_NE(scenario.runs[0].server_threads(), scenario.runs[1].server_threads()) << "interleaved";
  const Scenario coordinator = threads({.of = ThreadsPlan::Of::kCoordinator, .threads = {1, 2}});
  ASSERT_THAT(coordinator.runs, SizeIs(6));
  EXPECT_EQ(coordinator.runs[0].work(), Work::kNone);
  EXPECT_EQ(coordinator.runs[0].coordinator_threads(), 1U);
}

TEST(Scaling, OfFivePointsHasTheLaw) {
  // Exactly the law with alpha 0.05 and beta 0.001: peak at sqrt(0.95 / 0.001) = 30.8.
  const auto rate = [](double n) { return 1000 * n / (1 + 0.05 * (n - 1) + 0.001 * n * (n - 1)); };
  const LabResult result = ran({.repetitions = 1}, rate);
  const auto scalings = scalings_of(result);
  ASSERT_THAT(scalings, SizeIs(1));
  const Scaling& scaling = scalings[0];
  EXPECT_EQ(scaling.of, "servers");
  ASSERT_THAT(scaling.points, SizeIs(5));
  EXPECT_EQ(scaling.points[4].threads, 16U);
  EXPECT_NEAR(scaling.points[4].speed_up, rate(16) / rate(1), 1e-9);
  EXPECT_NEAR(scaling.points[4].efficiency, rate(16) / rate(1) / 16, 1e-9);
  ASSERT_TRUE(scaling.usl);
  EXPECT_NEAR(scaling.usl->alpha, 0.05, 1e-6);
  EXPECT_NEAR(scaling.usl->beta, 0.001, 1e-7);
  EXPECT_THAT(scaling_text(scaling), AllOf(HasSubstr("Universal Scalability Law"),
                                           HasSubstr("at 30.8 threads, which is beyond")));
}

TEST(Scaling, IsOfServersAndCoordinatorAlone) {
  LabResult result = ran({.threads = {1, 2, 4}}, [](double n) { return 100 * n; });
  for (RunPlan& run : result.scenario.runs) run.labels.front().key = "client.threads";
  for (Axis& axis : result.scenario.axes) axis.key = "client.threads";
  EXPECT_THAT(scalings_of(result), SizeIs(0));
}

TEST(Scaling, TheTextFitsATerminal) {
  const auto rate = [](double n) { return 123456 * n / (1 + 0.05 * (n - 1)); };
  std::istringstream lines(scaling_text(scalings_of(ran({}, rate))[0]));
  for (std::string line; std::getline(lines, line);) EXPECT_LE(report::width(line), 80U) << line;
}

TEST(Scaling, OfFewerHasTheSpeedUpOnly) {
  const LabResult result = ran({.threads = {1, 2, 4}}, [](double n) { return 100 * n; });
  const auto scalings = scalings_of(result);
  ASSERT_THAT(scalings, SizeIs(1));
  EXPECT_FALSE(scalings[0].usl);
  EXPECT_EQ(scalings[0].points[0].rate.count, 3U);
  EXPECT_EQ(scalings[0].points[0].rate.value, 101) << "the median of three";
  EXPECT_THAT(scaling_text(scalings[0]),
              AllOf(HasSubstr("Speed-up only"), Not(HasSubstr("coherency"))));
  EXPECT_THAT(scalings_text(result), HasSubstr("4 threads answer 4.0x what 1 thread does"));
}

TEST(Scaling, SaysWhereOneIsAsGoodAsMany) {
  LabResult result = ran({.work = ThreadsPlan::Work::kComputes}, [](double) { return 500; });
  for (RunResult& run : result.runs) run.cpu.servers = std::chrono::milliseconds(3900);
  EXPECT_THAT(scalings_of(result)[0].words,
              AllOf(HasSubstr("1 thread is as good as many"), HasSubstr("of 2 cores were busy")));
}

TEST(Scaling, OfOneNumberOrWithoutAnswersIsNone) {
  EXPECT_THAT(scalings_of(ran({.threads = {4}}, [](double n) { return n; })), SizeIs(0));
  EXPECT_THAT(scalings_of(ran({.repetitions = 1}, [](double) { return 0; })), SizeIs(0));
}

TEST(Scaling, ThePlotFitsATerminal) {
  const LabResult result = ran({}, [](double n) { return 100 * n; });
  const std::string plot = speed_up_plot(scalings_of(result)[0]);
  EXPECT_THAT(plot, HasSubstr("*"));
  EXPECT_THAT(plot, HasSubstr("16 threads"));
  std::istringstream lines(plot);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(report::width(line), 72U) << line;
}

TEST(Points, AreMediansOfTheirRepetitions) {
  const LabResult result = ran({.threads = {1, 2}}, [](double n) { return 100 * n; });
  const auto points = points_of(result);
  ASSERT_THAT(points, SizeIs(2));
  EXPECT_THAT(points[0].runs, SizeIs(3));
  EXPECT_EQ(points[0].rate.value, 101);
  EXPECT_EQ(points[0].rate.low, 100);
  EXPECT_EQ(points[0].rate.high, 102);
  EXPECT_EQ(label_of(points[1].labels, "servers.threads"), "2");
  EXPECT_THAT(points_text(result), HasSubstr("requests/s"));
}

}  // namespace
}  // namespace giliran::lab
