#include "lab/scenario.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "lab/built_in.h"
#include "lab/commands.h"

namespace giliran::lab {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::Not;
using testing::SizeIs;

const RunPlan& run(const Scenario& scenario, std::string_view name) {
  for (const RunPlan& plan : scenario.runs) {
    if (plan.name == name) return plan;
  }
  ADD_FAILURE() << "no run " << name;
  return scenario.runs.front();
}

TEST(Scenario, EveryNameIsBuiltInAndNoOther) {
  for (const auto name : scenario_names()) EXPECT_TRUE(built_in(name, 2)) << name;
  EXPECT_FALSE(built_in("demo2", 2));
}

TEST(Scenario, TheDemoIsTcpThenHttpOneThreadThenMany) {
  const Scenario demo = *built_in("demo", 2);
  std::vector<std::string> names;
  for (const RunPlan& plan : demo.runs) names.push_back(plan.name);
  EXPECT_THAT(names, ElementsAre("tcp-compute-1", "tcp-compute-4", "tcp-block-1", "tcp-block-16",
                                 "http-compute-1", "http-compute-4", "http-block-1",
                                 "http-block-16", "http-plain-1", "http-plain-2"));
  EXPECT_EQ(demo.runs[demo.telling].name, "http-block-16");
  EXPECT_EQ(run(demo, "http-plain-1").coordinator_threads(), 1U);
  EXPECT_EQ(run(demo, "http-plain-2").coordinator_threads(), 2U);
}

TEST(Scenario, TheDemoLeavesTimeToStartStopAndRead) {
  const Scenario demo = *built_in("demo", 2);
  base::Duration measured{};
  for (const RunPlan& plan : demo.runs) {
    EXPECT_EQ(plan.servers.size(), 3U);
    EXPECT_GE(plan.client.connections, 200U);
    measured += plan.client.duration;
  }
  EXPECT_LE(measured, std::chrono::seconds(28));
}

TEST(Scenario, ManyThreadsAreEnoughForTheCores) {
  EXPECT_EQ(run(*built_in("demo", 64), "http-compute-128").server_threads(), 128U);
  EXPECT_EQ(run(*built_in("demo", 0), "http-compute-2").server_threads(), 2U);
}

TEST(Scenario, AContrastDiffersInOneNumberOfThreads) {
  const Scenario demo = *built_in("demo", 2);
  ASSERT_THAT(demo.contrasts, SizeIs(demo.runs.size() / 2));
  std::set<size_t> seen;
  for (const Contrast& c : demo.contrasts) {
    const RunPlan& one = demo.runs[c.one];
    const RunPlan& many = demo.runs[c.many];
    EXPECT_EQ(one.scheme, many.scheme);
    EXPECT_EQ(one.work(), many.work());
    EXPECT_EQ(one.work_time(), many.work_time());
    EXPECT_EQ(one.client.duration, many.client.duration);
    const bool servers = c.of == Contrast::Of::kServerThreads;
    EXPECT_EQ(one.server_threads() < many.server_threads(), servers);
    EXPECT_EQ(one.coordinator_threads() < many.coordinator_threads(), !servers);
    EXPECT_EQ(demo.contrast_of(c.many), &c);
    EXPECT_EQ(demo.contrast_of(c.one), nullptr);
    seen.insert({c.one, c.many});
  }
  EXPECT_THAT(seen, SizeIs(demo.runs.size()));
}

TEST(Scenario, DescribesItsRuns) {
  const Scenario demo = *built_in("demo", 2);
  EXPECT_EQ(describe(run(demo, "tcp-compute-1")), "3 servers that compute 1ms, 1 thread each");
  EXPECT_EQ(describe(run(demo, "http-block-16")),
            "3 servers whose work blocks its thread for 5ms, 16 threads each");
  EXPECT_EQ(describe(run(demo, "http-plain-2")),
            "3 servers that answer at once, a coordinator of 2 threads");
}

// --- the command lines ---

const RunPlace kPlace{.program = "/bin/giliran", .folder = "out/x", .seed = 70};

TEST(Commands, AServerOfEachKind) {
  const Scenario demo = *built_in("demo", 2);
  EXPECT_THAT(server_command(run(demo, "tcp-compute-4"), kPlace, 1),
              ElementsAre("/bin/giliran", "server", "--listen", "tcp://127.0.0.1:0", "--name",
                          "server-2", "--threads", "4", "--work", "1ms", "--log",
                          "out/x/server-2.log", "--log-full", "wait", "--seed", "73"));
  EXPECT_THAT(server_command(run(demo, "http-block-16"), kPlace, 0),
              ElementsAre("/bin/giliran", "server", "--listen", "http://127.0.0.1:0", "--name",
                          "server-1", "--threads", "16", "--delay", "5ms", "--blocking", "--log",
                          "out/x/server-1.log", "--log-full", "wait", "--seed", "72"));
  EXPECT_THAT(server_command(run(demo, "http-plain-1"), kPlace, 0),
              Not(testing::Contains(testing::AnyOf("--work", "--delay"))));
}

TEST(Commands, CoordinatorAndClient) {
  const RunPlan plan = run(*built_in("demo", 2), "http-plain-2");
  EXPECT_THAT(
      coordinator_command(plan, kPlace,
                          std::vector<ServerNow>{{.address = "127.0.0.1:5", .in_pool = true},
                                                 {.address = "127.0.0.1:6", .in_pool = true}}),
      ElementsAre("/bin/giliran", "coordinator", "--listen", "http://127.0.0.1:0", "--server",
                  "127.0.0.1:5", "--server", "127.0.0.1:6", "--policy", "round-robin", "--threads",
                  "2", "--log", "out/x/coordinator.log", "--log-full", "wait"));
  EXPECT_THAT(client_command(plan, kPlace, "127.0.0.1:7", {}),
              ElementsAre("/bin/giliran", "client", "http://127.0.0.1:7/", "-c", "300", "-d",
                          "2.5s", "--log", "out/x/client.log", "--log-full", "wait", "--json",
                          "out/x/client.json", "--progress", "json", "--seed", "71"));
}

TEST(Commands, AFanOutCallsTheLeavesInTurnWithTheWorkInTheCall) {
  RunPlan plan{.name = "x",
               .servers = {{.name = "front"},
                           {.name = "l1", .role = Role::kLeaf},
                           {.name = "l2", .role = Role::kLeaf}}};
  plan.client.fan_out = 3;
  plan.client.delay = *base::Distribution::parse("lognormal(5ms,p99=50ms)");
  plan.client.work = *base::Distribution::parse("1ms");
  const std::vector<std::string> servers = {"h:1", "h:2", "h:3"};
  const std::string call = "/%3Fdelay={{dist:lognormal(5ms,p99=50ms)}}%26work={{dist:1ms}}";
  EXPECT_EQ(
      client_command(plan, kPlace, "h:9", servers)[2],
      "http://h:9/fanout?to=http://h:2" + call + "&to=http://h:3" + call + "&to=http://h:2" + call);
  EXPECT_THAT(server_command(plan, kPlace, 0), testing::Contains("loopback"));
  EXPECT_THAT(server_command(plan, kPlace, 1), Not(testing::Contains("--allow-to")));
  EXPECT_THAT(coordinator_command(plan, kPlace, at_the_beginning(plan, servers)),
              AllOf(testing::Contains("h:1"), Not(testing::Contains("h:2"))));
}

TEST(Commands, TheLoadOfAnOpenLoop) {
  RunPlan plan{.name = "x"};
  plan.client = {.rate = 50, .arrivals = Arrivals::kPoisson, .warmup = std::chrono::seconds(1)};
  plan.client.duration = std::chrono::seconds(9);
  const auto text = [&] { return shell_text(client_command(plan, kPlace, "h:1", {})); };
  EXPECT_THAT(text(), testing::HasSubstr("-d 9s -R 50 --arrivals poisson --warmup 1s"));
  plan.timeline = {{.at = std::chrono::seconds(4), .action = Action::kRate, .rate = 80},
                   {.at = std::chrono::seconds(6), .action = Action::kRate, .rate = 20}};
  EXPECT_EQ(stages_text(plan), "3s:=50,2s:=80,4s:=20") << "after the warm-up";
  EXPECT_THAT(text(), testing::HasSubstr("--stages 3s:=50,2s:=80,4s:=20 -R 50"));
  plan.timeline.clear();
  plan.client.stages = {{.length = std::chrono::seconds(2), .rate = 70},
                        {.length = std::chrono::seconds(1), .rate = 5, .jump = true}};
  EXPECT_EQ(stages_text(plan), "2s:70,1s:=5");
}

TEST(Commands, FilesAreThereWhereFlagsDoNotSayItAll) {
  RunPlan plan{.name = "x", .servers = RunPlan::equal_servers(2)};
  EXPECT_FALSE(needs_coordinator_file(plan));
  plan.coordinator.pools.front().queue_max = 3;
  EXPECT_TRUE(needs_coordinator_file(plan));
  EXPECT_THAT(coordinator_command(plan, kPlace, {}),
              ElementsAre("/bin/giliran", "coordinator", "-c", "out/x/coordinator.toml"));
  plan.timeline = {{.action = Action::kDrain, .servers = {1}},
                   {.action = Action::kWeight, .servers = {0}, .weight = 5},
                   {.action = Action::kChange, .servers = {0}, .character = {.slowdown = 9}}};
  EXPECT_TRUE(needs_server_file(plan, 0));
  EXPECT_FALSE(needs_server_file(plan, 1));
  EXPECT_THAT(server_command(plan, kPlace, 0, "127.0.0.1:77"),
              testing::IsSupersetOf({"-c", "out/x/server-1.toml", "http://127.0.0.1:77"}));
  const std::vector<std::string> addresses = {"h:1", "h:2"};
  auto now = at_the_beginning(plan, addresses);
  EXPECT_THAT(coordinator_toml(plan, kPlace, now), testing::HasSubstr("\"h:2\""));
  for (const Event& event : plan.timeline) apply(event, now);
  const std::string file = coordinator_toml(plan, kPlace, now);
  EXPECT_THAT(file, AllOf(testing::HasSubstr("\"h:1=5\""), Not(testing::HasSubstr("h:2"))));
  EXPECT_THAT(server_toml(now[0].character), testing::HasSubstr("slowdown = 9"));
}

TEST(Commands, SeedsAreNeverZero) {
  const RunPlace place{.program = "g", .folder = "f", .seed = UINT64_MAX};
  EXPECT_EQ(client_command({}, place, "h:1", {}).back(), "1");
}

TEST(Commands, ForAShell) {
  EXPECT_EQ(shell_text({"/a/giliran", "client", "http://[::1]:7/", "it's", ""}),
            "/a/giliran client 'http://[::1]:7/' 'it'\\''s' ''");
}

TEST(Commands, LogsOfEveryProcess) {
  EXPECT_THAT(logs_of({.name = "x", .servers = RunPlan::equal_servers(2)}, "d"),
              ElementsAre("d/client.log", "d/coordinator.log", "d/server-1.log", "d/server-2.log"));
}

}  // namespace
}  // namespace giliran::lab
