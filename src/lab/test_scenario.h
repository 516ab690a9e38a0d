// For tests: what a text comes to as a scenario, or what is said of it.
#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "lab/commands.h"
#include "lab/scenario_toml.h"

namespace giliran::lab {

inline constexpr std::string_view kTestPolicies[] = {"round-robin", "least-requests"};

inline base::Result<Scenario> parse_test(std::string_view text) {
  return parse_scenario(text, "t.toml",
                        {.policies = kTestPolicies, .cores = 2, .descriptors = 20000});
}

inline Scenario parsed(std::string_view text) {
  auto scenario = parse_test(text);
  if (scenario) return std::move(*scenario);
  ADD_FAILURE() << scenario.error().message << "\n" << text;
  return {};
}

// The only run of a scenario; `rest` follows its name.
inline RunPlan run_of(const std::string& rest) {
  Scenario scenario = parsed("scenario = \"x\"\n" + rest);
  EXPECT_EQ(scenario.runs.size(), 1U) << rest;
  return scenario.runs.empty() ? RunPlan{} : std::move(scenario.runs.front());
}

// What is wrong with "scenario = "x"" and what follows, less "t.toml:"; line 1 is the name.
inline std::string problems_of(const std::string& rest) {
  const auto scenario = parse_test("scenario = \"x\"\n" + rest);
  if (scenario) return "";
  std::string text;
  std::string_view left = scenario.error().message;
  while (!left.empty()) {
    const size_t end = std::min(left.find('\n'), left.size());
    std::string_view line = left.substr(0, end);
    EXPECT_TRUE(line.starts_with("t.toml:")) << line;
    line.remove_prefix(std::min<size_t>(line.size(), 7));
    text += (text.empty() ? "" : "\n") + std::string(line);
    left.remove_prefix(std::min(end + 1, left.size()));
  }
  return text;
}

// What a run is made of, as text.
inline std::string whole(const RunPlan& run) {
  const RunPlace place{.program = "g", .folder = "f", .seed = 1};
  const std::vector<std::string> addresses(run.servers.size(), "h:1");
  auto now = at_the_beginning(run, addresses);
  std::string text = shell_text(client_command(run, place, "h:2", addresses)) + "\n";
  for (size_t i = 0; i < run.servers.size(); ++i) {
    text += shell_text(server_command(run, place, i)) + server_toml(now[i].character) + "\n";
  }
  text += coordinator_toml(run, place, now);
  for (const Event& event : run.timeline) {
    apply(event, now);
    text += fmt::format("{} {} {}\n", event.at.count(), name(event.action),
                        coordinator_toml(run, place, now));
    for (const ServerNow& server : now) text += server_toml(server.character);
  }
  return text + fmt::format("{}", fmt::join(run.expect, ","));
}

inline void expect_prints_as_itself(const Scenario& scenario) {
  const std::string printed = print_scenario(scenario);
  const Scenario again = parsed(printed);
  ASSERT_EQ(again.runs.size(), scenario.runs.size()) << printed;
  for (size_t i = 0; i < scenario.runs.size(); ++i) {
    EXPECT_EQ(again.runs[i].name, scenario.runs[i].name);
    EXPECT_EQ(whole(again.runs[i]), whole(scenario.runs[i]));
  }
  EXPECT_EQ(again.telling, scenario.telling);
  EXPECT_EQ(print_scenario(again), printed);
}

}  // namespace giliran::lab
