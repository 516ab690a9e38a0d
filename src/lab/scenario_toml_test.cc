#include "lab/scenario_toml.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <set>

#include "lab/commands.h"
#include "lab/test_scenario.h"

namespace giliran::lab {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::SizeIs;

std::vector<std::string> names_of(const Scenario& scenario) {
  std::vector<std::string> names;
  for (const RunPlan& run : scenario.runs) names.push_back(run.name);
  return names;
}

// --- what it comes to ---

TEST(ScenarioToml, ANameIsEnough) {
  const Scenario scenario = parsed("scenario = \"x\"");
  ASSERT_THAT(scenario.runs, SizeIs(1));
  const RunPlan& run = scenario.runs.front();
  EXPECT_EQ(run.name, "run");
  EXPECT_EQ(run.servers.size(), 3U);
  EXPECT_EQ(run.policy(), "round-robin");
  EXPECT_EQ(run.client.loop(), Loop::kClosed);
  EXPECT_EQ(scenario.repetitions, 1U);
  EXPECT_EQ(scenario.source, "scenario = \"x\"");
}

TEST(ScenarioToml, ReadsTheHead) {
  const Scenario scenario = parsed(R"toml(
scenario = "two"
about = "of two"
look_for = """
first
second"""
repetitions = 3
seed = 7
telling = "b"
run = [{ name = "a" }, { name = "b" }]
)toml");
  EXPECT_EQ(scenario.name, "two");
  EXPECT_EQ(scenario.about, "of two");
  EXPECT_EQ(scenario.look_for, "first\nsecond");
  EXPECT_EQ(scenario.repetitions, 3U);
  EXPECT_EQ(scenario.seed, 7U);
  EXPECT_EQ(scenario.runs[scenario.telling].name, "b-r1");
}

TEST(ScenarioToml, ReadsTheClient) {
  const ClientPlan c = run_of(R"toml(
[client]
connections = "1k"
threads = 2
rate = "50/1s"
arrivals = "poisson"
duration = "4s"
warmup = "1s"
new_connection = true
method = "PUT"
path = "/a?b={{seq}}"
headers = ["A: b", "C: d"]
body = "x"
timeout = "2s"
delay = "exp(5ms)"
work = "1ms"
)toml")
                           .client;
  EXPECT_EQ(c.connections, 1000U);
  EXPECT_EQ(c.threads, 2U);
  EXPECT_EQ(c.rate, 50);
  EXPECT_EQ(c.arrivals, Arrivals::kPoisson);
  EXPECT_EQ(c.duration, seconds(4));
  EXPECT_EQ(c.warmup, seconds(1));
  EXPECT_TRUE(c.new_connection);
  EXPECT_EQ(c.method, "PUT");
  EXPECT_EQ(c.path, "/a?b={{seq}}");
  EXPECT_THAT(c.headers, ElementsAre("A: b", "C: d"));
  EXPECT_EQ(c.body, "x");
  EXPECT_EQ(c.timeout, seconds(2));
  EXPECT_EQ(c.delay.text(), "exp(5ms)");
  EXPECT_EQ(c.work.text(), "1ms");
}

TEST(ScenarioToml, StagesAreAnOpenLoopThatTakesTheirTime) {
  const RunPlan run = run_of("client = { rate = 100, stages = [\"2s:1k\", \"1s:=0\"] }");
  EXPECT_EQ(run.client.loop(), Loop::kOpen);
  EXPECT_EQ(run.asking_time(), seconds(3));
  ASSERT_THAT(run.client.stages, SizeIs(2));
  EXPECT_TRUE(run.client.stages[1].jump);
}

TEST(ScenarioToml, ReadsServersAndTheirNames) {
  const RunPlan run = run_of(R"toml(
[[servers]]
threads = 4
delay = "uniform(1ms,9ms)"
blocking = true
[[servers]]
name = "slow"
count = 2
slowdown = 10
weight = 3
in_flight_max = 8
work = "2ms"
fail = "1%:503"
body = "1KiB"
[[servers]]
name = "late"
role = "spare"
)toml");
  std::vector<std::string> names;
  for (const ServerPlan& server : run.servers) names.push_back(server.name);
  EXPECT_THAT(names, ElementsAre("server-1", "server-2", "server-3", "slow-1", "slow-2", "late"));
  EXPECT_EQ(run.servers[0].threads, 4U);
  EXPECT_TRUE(run.servers[2].character.blocking);
  EXPECT_EQ(run.servers[2].character.delay.text(), "uniform(1ms,9ms)");
  const ServerPlan& slow = run.servers[4];
  EXPECT_EQ(slow.character.slowdown, 10);
  EXPECT_EQ(slow.character.work.text(), "2ms");
  EXPECT_EQ(slow.character.fail.text(), "1%:503");
  EXPECT_EQ(slow.character.body_bytes, 1024U);
  EXPECT_EQ(slow.weight, 3U);
  EXPECT_EQ(slow.in_flight_max, 8U);
  EXPECT_EQ(run.servers[5].role, Role::kSpare);
  EXPECT_EQ(run.work(), Work::kMixed);
}

TEST(ScenarioToml, ReadsTheCoordinatorWithItsOwnKeys) {
  const config::Coordinator c = run_of(R"toml(
[coordinator]
policy = "least-requests"
threads = "auto"
in_flight_max = 4
queue_max = 5
queue_timeout = "200ms"
[coordinator.timeouts]
response_timeout = "1s"
backoff_max = "2s"
[coordinator.limits]
fields_max = 64
[coordinator.listener]
server_timing = true
)toml")
                                    .coordinator;
  EXPECT_EQ(c.pools.front().policy, "least-requests");
  EXPECT_EQ(c.threads, 2U) << "the cores";
  EXPECT_EQ(c.pools.front().in_flight_max, 4U);
  EXPECT_EQ(c.pools.front().queue_max, 5U);
  EXPECT_EQ(c.pools.front().queue_timeout, milliseconds(200));
  EXPECT_EQ(c.timeouts.response_timeout, seconds(1));
  EXPECT_EQ(c.backoff_max, seconds(2));
  EXPECT_EQ(c.limits.fields_max, 64U);
  EXPECT_TRUE(c.listeners.front().server_timing);
}

TEST(ScenarioToml, ReadsTheTimelineByTime) {
  const RunPlan run = run_of(R"toml(
client = { rate = 100, duration = "10s" }
servers = [
  { count = 2 },
  { name = "new", role = "spare" },
  { name = "pair", count = 2, delay = "1ms" },
]
timeline = [
  { at = "9s", do = "rate", rate = "1k" },
  { at = "1s", do = "kill", server = "server-1" },
  { at = "2s", do = "start", server = ["server-1"] },
  { at = "3s", do = "stop", server = "server-2" },
  { at = "4s", do = "continue", server = "server-2" },
  { at = "5s", do = "add", server = "new" },
  { at = "6s", do = "drain", server = "pair" },
  { at = "7s", do = "weight", server = "new", weight = 5 },
  { at = "8s", do = "change", server = "pair", slowdown = 10, fail = "1%" },
]
)toml");
  std::vector<std::string> texts;
  for (const Event& event : run.timeline) texts.push_back(event.text);
  EXPECT_THAT(texts, ElementsAre("kill server-1", "start server-1", "stop server-2",
                                 "continue server-2", "add new", "drain pair", "weight new: 5",
                                 "change pair-1: fail 1%, slowdown 10",
                                 "change pair-2: fail 1%, slowdown 10", "rate 1000/s"));
  EXPECT_THAT(run.timeline[5].servers, ElementsAre(3, 4));
  const Event& change = run.timeline[7];
  EXPECT_THAT(change.servers, ElementsAre(3));
  EXPECT_EQ(change.character.slowdown, 10);
  EXPECT_EQ(change.character.delay.text(), "1ms") << "what is not given stays";
  EXPECT_EQ(run.timeline[6].weight, 5U);
  EXPECT_EQ(run.timeline[9].rate, 1000);
}

TEST(ScenarioToml, AChangeBuildsOnTheOneBefore) {
  const RunPlan run = run_of(R"toml(
timeline = [
  { at = "1s", do = "change", server = "server-1", delay = "5ms" },
  { at = "2s", do = "change", server = "server-1", fail = "1%" },
]
)toml");
  ASSERT_THAT(run.timeline, SizeIs(2));
  EXPECT_EQ(run.timeline[1].character.delay.text(), "5ms");
  EXPECT_EQ(run.timeline[1].character.fail.text(), "1%:500");
}

// --- what varies ---

TEST(Expansion, EveryCombinationIsARun) {
  const Scenario s = parsed(R"toml(
scenario = "x"
[vary]
"servers.threads" = [1, 4]
"coordinator.policy" = ["round-robin", "least-requests"]
"client.connections" = [5, 10, 20]
)toml");
  EXPECT_THAT(s.runs, SizeIs(12));
  EXPECT_EQ(s.runs.front().name, "threads-1-round-robin-connections-5");
  EXPECT_EQ(s.runs.back().name, "threads-4-least-requests-connections-20");
  std::set<std::string> names;
  for (const RunPlan& run : s.runs) {
    names.insert(run.name);
    EXPECT_THAT(run.labels, SizeIs(3));
    EXPECT_EQ(std::to_string(run.server_threads()), run.labels[0].value);
    EXPECT_EQ(run.policy(), run.labels[1].value);
    EXPECT_EQ(std::to_string(run.client.connections), run.labels[2].value);
  }
  EXPECT_THAT(names, SizeIs(12));
  ASSERT_THAT(s.axes, SizeIs(3));
  EXPECT_EQ(s.axes[2].key, "client.connections");
  EXPECT_THAT(s.axes[2].values, ElementsAre("5", "10", "20"));
  EXPECT_THAT(s.contrasts, SizeIs(6)) << "1 thread against 4, all else equal";
  for (const Contrast& c : s.contrasts) {
    EXPECT_EQ(s.runs[c.one].server_threads(), 1U);
    EXPECT_EQ(s.runs[c.many].server_threads(), 4U);
    EXPECT_EQ(s.runs[c.one].client.connections, s.runs[c.many].client.connections);
    EXPECT_EQ(s.runs[c.one].policy(), s.runs[c.many].policy());
  }
}

TEST(Expansion, RunsHaveWhatTheyGiveInsteadOfWhatTheFileHas) {
  const Scenario s = parsed(R"toml(
scenario = "x"
client = { connections = 7, duration = "1s" }
[[servers]]
count = 2
[[servers]]
name = "slow"
[[run]]
name = "a"
client = { duration = "2s" }
[[run]]
name = "b"
servers = { threads = 9 }
vary = { "servers.slow.delay" = ["1ms", "2ms"] }
[[run]]
name = "c"
servers = [{ count = 1 }]
)toml");
  EXPECT_THAT(names_of(s), ElementsAre("a", "b-1ms", "b-2ms", "c"));
  EXPECT_EQ(s.runs[0].client.connections, 7U) << "what it does not give is the file's";
  EXPECT_EQ(s.runs[0].client.duration, seconds(2));
  EXPECT_EQ(s.runs[1].client.duration, seconds(1));
  for (const ServerPlan& server : s.runs[1].servers) EXPECT_EQ(server.threads, 9U);
  EXPECT_EQ(s.runs[2].servers[2].character.delay.text(), "2ms");
  EXPECT_TRUE(s.runs[2].servers[0].character.delay.zero());
  EXPECT_THAT(s.runs[3].servers, SizeIs(1)) << "a list stands instead of a list";
}

TEST(Expansion, OfCores) {
  const Scenario s = parsed(
      "scenario = \"x\"\nservers = { threads = \"cores\" }\n"
      "vary = { \"coordinator.threads\" = [1, \"3*cores\"] }");
  ASSERT_THAT(s.runs, SizeIs(2));
  EXPECT_EQ(s.runs[1].server_threads(), 2U);
  EXPECT_EQ(s.runs[1].coordinator_threads(), 6U);
  EXPECT_EQ(s.runs[1].name, "threads-6");
}

TEST(Expansion, RepetitionsAreInterleavedAndNoPointIsAlwaysFirst) {
  for (uint32_t repetitions = 2; repetitions <= 5; ++repetitions) {
    const Scenario s =
        parsed(fmt::format("scenario = \"x\"\nrepetitions = {}\n"
                           "vary = {{ \"servers.threads\" = [1, 2, 4, 8, 16] }}",
                           repetitions));
    ASSERT_THAT(s.runs, SizeIs(5 * repetitions));
    EXPECT_THAT(s.points(), SizeIs(5));
    std::set<std::string> names, firsts;
    for (uint32_t r = 0; r < repetitions; ++r) {
      std::set<std::string> points;
      for (size_t i = 0; i < 5; ++i) {
        const RunPlan& run = s.runs[r * 5 + i];
        EXPECT_EQ(run.repetition, r) << "all points once before any comes again";
        points.insert(run.point);
        names.insert(run.name);
      }
      EXPECT_THAT(points, SizeIs(5));
      firsts.insert(s.runs[r * 5].point);
    }
    EXPECT_THAT(names, SizeIs(5 * repetitions));
    EXPECT_THAT(firsts, SizeIs(repetitions));
    for (const std::string& point : s.points()) {
      const auto runs = s.runs_of(point);
      ASSERT_THAT(runs, SizeIs(repetitions));
      for (uint32_t r = 0; r < repetitions; ++r) EXPECT_EQ(s.runs[runs[r]].repetition, r);
    }
  }
}

TEST(Expansion, SeedsAreThoseOfTheRepetition) {
  const Scenario s = parsed(
      "scenario = \"x\"\nrepetitions = 3\n"
      "vary = { \"coordinator.policy\" = [\"round-robin\", \"least-requests\"] }");
  std::set<uint64_t> seeds;
  for (const std::string& point : s.points()) {
    for (const size_t index : s.runs_of(point)) {
      const RunPlan& run = s.runs[index];
      EXPECT_EQ(seed_of(run, 42), seed_of(s.runs[run.repetition * 2], 42));
      seeds.insert(seed_of(run, 42));
    }
  }
  EXPECT_THAT(seeds, SizeIs(3));
  EXPECT_EQ(seed_of({}, 0), 1U);
}

// Identical work: what clients are told differs in nothing but where they ask.
TEST(Expansion, PoliciesGetTheSameRequests) {
  const Scenario s = parsed(R"toml(
scenario = "x"
client = { rate = 100, arrivals = "poisson", delay = "exp(5ms)" }
vary = { "coordinator.policy" = ["round-robin", "least-requests"] }
)toml");
  const auto command = [&](size_t i) {
    const RunPlace place{.program = "g", .folder = "f", .seed = seed_of(s.runs[i], 9)};
    return client_command(s.runs[i], place, "h:1", {});
  };
  EXPECT_EQ(command(0), command(1));
  EXPECT_THAT(command(0), testing::Contains("http://h:1/?delay={{dist:exp(5ms)}}"));
}

// --- printed and saved ---

TEST(Printed, ParsesToTheSameRuns) {
  expect_prints_as_itself(parsed("scenario = \"x\""));
  expect_prints_as_itself(parsed(R"toml(
scenario = "x"
about = "a \"b\""
look_for = "c\nd"
repetitions = 2
seed = 5
expect = ["p99<10ms", "rate of a-1 < 2 * rate of a-4"]
protocol = "http"
servers = [{ count = 2, delay = "1ms" }, { name = "s", role = "spare", fail = "1%:reset" }]
client = { rate = 50, arrivals = "poisson", headers = ["A: b"], body = "x" }
timeline = [
  { at = "1s", do = "add", server = "s" },
  { at = "2s", do = "change", server = "s", body = 7 },
  { at = "2s", do = "weight", server = "s", weight = 2 },
  { at = "2s", do = "rate", rate = 9 },
]
[coordinator]
queue_max = 3
[[coordinator.listener.route]]
path = "/x"
pool = "servers"
[[run]]
name = "a"
vary = { "servers.threads" = [1, 4] }
[[run]]
name = "b"
client = { stages = ["1s:50", "2s:=70"] }
timeline = []
)toml"));
}

TEST(Saved, HasTheSeed) {
  const Scenario without = parsed("scenario = \"x\"\nrepetitions = 2 # two\n");
  EXPECT_EQ(saved_text(without, 42), "seed = 42\n" + without.source);
  EXPECT_EQ(parsed(saved_text(without, 42)).seed, 42U);
  const Scenario marked = parsed("\xef\xbb\xbfscenario = \"x\"");
  EXPECT_EQ(parsed(saved_text(marked, UINT64_MAX)).seed, UINT64_MAX);
  const Scenario with = parsed("scenario = \"x\"\n  seed = 7 # mine\nrepetitions = 2\n");
  EXPECT_EQ(saved_text(with, UINT64_MAX),
            "scenario = \"x\"\n  seed = \"18446744073709551615\" # mine\nrepetitions = 2\n");
  EXPECT_EQ(parsed(saved_text(with, UINT64_MAX)).seed, UINT64_MAX);
}

TEST(Saved, IsScenario) {
  EXPECT_TRUE(is_scenario(*config::read_toml("scenario = \"x\"")));
  EXPECT_FALSE(is_scenario(*config::read_toml("[[pool]]\nname = \"scenario\"")));
}

TEST(ScenarioToml, AnEventOfAGroupIsOfItsServersAlone) {
  const RunPlan run = run_of(
      "servers = [{ name = \"s\", count = 2 }, { name = \"s-x\" }]\n"
      "timeline = { at = \"1s\", do = \"kill\", server = \"s\" }");
  ASSERT_EQ(run.timeline.size(), 1U);
  EXPECT_THAT(run.timeline[0].servers, testing::ElementsAre(0U, 1U));
}

}  // namespace
}  // namespace giliran::lab
