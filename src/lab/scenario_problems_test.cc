// What is said of scenario files that are not good.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "lab/scenario_toml.h"
#include "lab/test_scenario.h"

namespace giliran::lab {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

TEST(Problems, HaveLineColumnAndWhatWasExpected) {
  EXPECT_EQ(problems_of("[client]\nconnections = -1"),
            "3:15: key 'client.connections': bad value '-1': expected 1 to 1000000");
  EXPECT_EQ(problems_of("[client]\nconections = 1"),
            "3:1: unknown key 'client.conections'; did you mean 'connections'?");
  EXPECT_EQ(problems_of("clint = {}"), "2:1: unknown key 'clint'; did you mean 'client'?");
  EXPECT_THAT(problems_of("connections = 5"), HasSubstr("it belongs into [client]"));
  EXPECT_THAT(problems_of("client = 5"), StartsWith("2:10: key 'client': bad value '5'"));
  EXPECT_THAT(problems_of("a = = 1"), StartsWith("2:5: not TOML"));
  EXPECT_THAT(problems_of("repetitions = 0"), HasSubstr("expected 1 to 100"));
  EXPECT_THAT(problems_of("repetitions = 101"), HasSubstr("expected 1 to 100"));
  EXPECT_THAT(problems_of("about = \"a\\nb\""), HasSubstr("expected one line"));
}

TEST(Problems, TheNameIsRequiredAndPlain) {
  EXPECT_EQ(parse_scenario("about = \"x\"", "t.toml").error().message,
            "t.toml:1:1: key 'scenario': is missing, such as scenario = \"two-servers\"");
  EXPECT_THAT(parse_scenario("scenario = \"../x\"", "t.toml").error().message,
              HasSubstr("lower-case letters, digits and -"));
  EXPECT_THAT(load_scenario("no/such.toml").error().message, HasSubstr("no/such.toml"));
}

TEST(Problems, OfTheClient) {
  const auto client = [](const std::string& keys) {
    return problems_of("client = { " + keys + " }");
  };
  EXPECT_THAT(client("rate = 0"), HasSubstr("expected a rate above 0"));
  EXPECT_THAT(client("arrivals = \"poisson\""), HasSubstr("is of an open loop"));
  EXPECT_THAT(client("arrivals = \"posson\", rate = 1"), HasSubstr("expected constant or poisson"));
  EXPECT_THAT(client("stages = [\"5s\"]"), HasSubstr("TIME:RATE"));
  EXPECT_THAT(client("stages = [\"5s:1\"], duration = \"5s\""), HasSubstr("the stages say"));
  EXPECT_THAT(client("stages = [\"5s:1\"], requests = 5"), HasSubstr("the stages say"));
  EXPECT_THAT(client("stages = [\"5s:1\"], warmup = \"1s\""), HasSubstr("give client.rate too"));
  EXPECT_THAT(client("requests = 5, duration = \"5s\""), HasSubstr("not both"));
  EXPECT_THAT(client("duration = \"0s\""), HasSubstr("above zero"));
  EXPECT_THAT(client("threads = 4, connections = 2"), HasSubstr("as many as connections (2)"));
  EXPECT_THAT(client("path = \"x\""), HasSubstr("begins with '/'"));
  EXPECT_THAT(client("headers = [\"x\"]"), HasSubstr("Name: value"));
  EXPECT_THAT(client("method = \"a b\""), HasSubstr("letters"));
  EXPECT_THAT(client("delay = \"5\""), HasSubstr("client.delay"));
  EXPECT_THAT(client("message = \"x\""), HasSubstr("is of tcp"));
  EXPECT_THAT(client("fan_out = 2"), HasSubstr("role = \"leaf\""));
  EXPECT_THAT(client("fan_out = 17"), HasSubstr("expected 0, or 1 to 16"));
  EXPECT_THAT(problems_of("protocol = \"tcp\"\nclient = { path = \"/\" }"),
              HasSubstr("3:19: key 'client.path': bad value '/': is of http"));
  EXPECT_THAT(client("connections = 20000"),
              HasSubstr("a process may have 20000 file descriptors here"));
  EXPECT_EQ(client("connections = 7000"), "");
}

TEST(Problems, OfServers) {
  EXPECT_THAT(problems_of("servers = [{ name = \"a\" }, { name = \"a\" }]"),
              HasSubstr("2:37: key 'servers.name': bad value 'a': there are two servers 'a'"));
  EXPECT_THAT(problems_of("servers = { count = 101 }"), HasSubstr("expected 1 to 100"));
  EXPECT_THAT(problems_of("servers = [{ count = 100 }, { name = \"a\" }]"),
              HasSubstr("that are 101 servers"));
  EXPECT_THAT(problems_of("servers = { role = \"spare\" }"), HasSubstr("no server is in the pool"));
  EXPECT_THAT(problems_of("servers = [{}, { role = \"leaf\" }]"), HasSubstr("nobody calls"));
  EXPECT_THAT(problems_of("servers = { role = \"lead\" }"), HasSubstr("balanced, spare or leaf"));
  EXPECT_THAT(problems_of("servers = { name = \"A b\" }"), HasSubstr("lower-case"));
  EXPECT_THAT(problems_of("servers = { threads = \"2cores\" }"), HasSubstr("servers.threads"));
  for (const char* const name : {"client", "coordinator"}) {
    EXPECT_THAT(problems_of(fmt::format("servers = {{ name = \"{}\" }}", name)),
                HasSubstr("what the logs call another process"));
  }
  EXPECT_THAT(problems_of("servers = { slowdown = 0 }"), HasSubstr("above 0"));
}

TEST(Problems, OfTheCoordinatorAreThoseOfItsOwnFile) {
  EXPECT_EQ(problems_of("[coordinator]\npolicy = \"least-request\""),
            "3:10: key 'coordinator.policy': bad value 'least-request': did you mean "
            "'least-requests'?");
  EXPECT_THAT(problems_of("coordinator.timeouts.connect_time = \"1s\""),
              HasSubstr("did you mean 'connect_timeout'?"));
  EXPECT_THAT(problems_of("[coordinator.timeouts]\nbackoff_first = \"20s\""),
              HasSubstr("3:17: key 'coordinator.timeouts.backoff_first'"));
  EXPECT_THAT(problems_of("[coordinator]\nservers = \"a:1\""), HasSubstr("unknown key"));
  EXPECT_THAT(problems_of("[coordinator.listener]\naddress = \":1\""), HasSubstr("unknown key"));
  EXPECT_THAT(problems_of("[[coordinator.listener.route]]\npool = \"other\""),
              HasSubstr("there is no such pool"));
}

std::string event_problem(const std::string& events) {
  return problems_of(
      "client = { rate = 10, duration = \"10s\", warmup = \"1s\" }\n"
      "servers = [{ count = 2 }, { name = \"new\", role = \"spare\" }]\n"
      "timeline = [" +
      events + "]");
}

TEST(Problems, OfTheTimeline) {
  EXPECT_EQ(event_problem("{ at = \"5s\", do = \"kill\", server = \"server-3\" }"),
            "4:48: key 'timeline.server': bad value 'server-3': there is no server 'server-3', "
            "did you mean 'server-1'?");
  EXPECT_THAT(event_problem("{ at = \"5s\", do = \"kill\" }"), HasSubstr("is missing: who?"));
  EXPECT_THAT(event_problem("{ at = \"5s\", do = \"kill\", server = [] }"),
              HasSubstr("is missing: who?"));
  EXPECT_THAT(event_problem("{ at = \"11s\", do = \"kill\", server = \"new\" }"),
              HasSubstr("the run is over by then: it takes 11s"));
  EXPECT_THAT(event_problem("{ do = \"kill\", server = \"new\" }"),
              HasSubstr("key 'timeline.at': is missing"));
  EXPECT_THAT(event_problem("{ at = \"5s\", server = \"new\" }"),
              HasSubstr("key 'timeline.do': is missing"));
  EXPECT_THAT(event_problem("{ at = \"5s\", do = \"explode\" }"),
              HasSubstr("expected kill, start"));
  EXPECT_THAT(event_problem("{ at = \"5s\", do = \"kill\", server = \"new\", weight = 2 }"),
              HasSubstr("is only for do = \"weight\""));
  EXPECT_THAT(event_problem("{ at = \"5s\", do = \"weight\", server = \"new\" }"),
              HasSubstr("timeline.weight': is missing"));
  EXPECT_THAT(event_problem("{ at = \"5s\", do = \"change\", server = \"new\" }"),
              HasSubstr("what changes?"));
  EXPECT_THAT(event_problem("{ at = \"5s\", do = \"rate\" }"),
              HasSubstr("'timeline.rate': is missing"));
  EXPECT_THAT(event_problem("{ at = \"500ms\", do = \"rate\", rate = 5 }"), HasSubstr("warm-up"));
  EXPECT_THAT(problems_of("timeline = { at = \"1s\", do = \"rate\", rate = 5 }"),
              HasSubstr("needs client.rate"));
}

TEST(Problems, WhatCannotHappenToAServer) {
  const auto twice = [](std::string_view first, std::string_view second,
                        std::string_view who = "server-1") {
    return event_problem(
        fmt::format("{{ at = \"5s\", do = \"{}\", server = \"{}\" }}, "
                    "{{ at = \"6s\", do = \"{}\", server = \"{}\" }}",
                    first, who, second, who));
  };
  EXPECT_EQ(twice("kill", "start"), "");
  EXPECT_EQ(twice("stop", "continue"), "");
  EXPECT_EQ(twice("add", "drain", "new"), "");
  EXPECT_THAT(twice("kill", "kill"), HasSubstr("is dead already"));
  EXPECT_THAT(twice("kill", "stop"), HasSubstr("does not run"));
  EXPECT_THAT(twice("start", "kill"), HasSubstr("was not killed"));
  EXPECT_THAT(twice("continue", "stop"), HasSubstr("was not stopped"));
  EXPECT_THAT(twice("stop", "stop"), HasSubstr("does not run"));
  EXPECT_THAT(twice("drain", "drain"), HasSubstr("is not in the pool"));
  EXPECT_THAT(twice("add", "drain"), HasSubstr("is in the pool already"));
}

TEST(Problems, OfWhatVaries) {
  EXPECT_EQ(problems_of("vary = { \"client.conections\" = [1, 2] }"),
            "2:10: unknown key 'client.conections'; did you mean 'connections'?");
  EXPECT_THAT(problems_of("vary = { \"clent.rate\" = [1] }"),
              HasSubstr("unknown key 'clent'; did you mean 'client'?"));
  EXPECT_THAT(problems_of("vary = { \"client.rate\" = [] }"), HasSubstr("at least one value"));
  EXPECT_THAT(problems_of("vary = { \"client.rate\" = 5 }"), HasSubstr("expected a list"));
  EXPECT_THAT(problems_of("vary = { \"client.rate\" = [[1]] }"), HasSubstr("expected a list"));
  EXPECT_THAT(problems_of("vary = { \"client..rate\" = [1] }"), HasSubstr("path of a key"));
  EXPECT_THAT(problems_of("vary = 5"), HasSubstr("expected a table"));
  EXPECT_EQ(problems_of("vary = { \"client.connections\" = [1, 0] }"),
            "2:37: key 'client.connections': bad value '0': expected 1 to 1000000")
      << "at the value, and once";
  EXPECT_THAT(problems_of("vary = { \"client.connections\" = [1, 1] }"),
              HasSubstr("two runs would be called 'connections-1'"));
}

TEST(Problems, TooManyRuns) {
  std::string list = "[1";
  for (int i = 2; i <= 40; ++i) list += fmt::format(", {}", i);
  list += "]";
  EXPECT_EQ(problems_of(fmt::format("repetitions = 2\nvary = {{ \"servers.threads\" = {}, "
                                    "\"client.connections\" = {} }}",
                                    list, list)),
            "3:8: key 'vary': that makes 3200 runs, repetitions included; expected at most 1000");
  std::string vary = "[vary]\n";
  for (int i = 0; i < 20; ++i) vary += fmt::format("\"client.a{}\" = {}\n", i, list);
  EXPECT_THAT(problems_of(vary), HasSubstr("more than 10^19 runs"));
}

TEST(Problems, OfRuns) {
  EXPECT_THAT(problems_of("run = [{}]"), HasSubstr("run.name': is missing"));
  EXPECT_THAT(problems_of("run = []"), HasSubstr("at least one"));
  EXPECT_THAT(problems_of("run = 5"), HasSubstr("[[run]]"));
  EXPECT_THAT(problems_of("run = [{ name = \"a\" }, { name = \"a\" }]"),
              HasSubstr("has this name already"));
  EXPECT_THAT(problems_of("run = [{ name = \"a\", clients = 1 }]"),
              HasSubstr("did you mean 'client'?"));
  EXPECT_THAT(problems_of("telling = \"runn\""), HasSubstr("did you mean 'run'?"));
}

TEST(Problems, OfExpectations) {
  EXPECT_THAT(problems_of("expect = [\"p99<10\"]"), HasSubstr("expect"));
  EXPECT_THAT(problems_of("expect = [\"q99<10ms\"]"), HasSubstr("q99"));
  EXPECT_THAT(problems_of("expect = [\"p99 of rum < 10ms\"]"),
              HasSubstr("there is no run 'rum'; did you mean 'run'?"));
  EXPECT_THAT(problems_of("expect = [\"p99 of run\"]"), HasSubstr("expected such as"));
  EXPECT_EQ(problems_of("expect = [\"p99 of run < 10ms\", \"p99<10ms\"]"), "");
}

TEST(Problems, AreSaidOnceHoweverManyRunsTheyAreIn) {
  EXPECT_EQ(problems_of("client = { connections = 0 }\nrepetitions = 9\n"
                        "vary = { \"servers.threads\" = [1, 2, 3] }"),
            "2:26: key 'client.connections': bad value '0': expected 1 to 1000000");
}

}  // namespace
}  // namespace giliran::lab
