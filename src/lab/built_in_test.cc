#include "lab/built_in.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <sstream>

#include "balance/policy.h"
#include "lab/listing.h"
#include "lab/scenario_toml.h"

namespace giliran::lab {
namespace {

using testing::HasSubstr;

TEST(BuiltIn, EveryFileOfTheFolderIsOne) {
  std::set<std::string> files;
  const auto folder = std::filesystem::path(__FILE__).parent_path() / "scenarios";
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    files.insert(entry.path().stem().string());
  }
  const auto names = scenario_names();
  EXPECT_EQ(files, std::set<std::string>(names.begin(), names.end()))
      << "the list is in CMakeLists.txt";
}

TEST(BuiltIn, EachIsGoodOnAnyMachineAndTakesAMinuteAtMost) {
  const auto policies = balance::policy_names();
  for (const ScenarioText& each : scenario_texts()) {
    for (const uint32_t cores : {1U, 2U, 3U, 64U}) {
      const auto scenario =
          parse_scenario(each.text, each.name, {.policies = policies, .cores = cores});
      ASSERT_TRUE(scenario) << scenario.error().message;
      EXPECT_EQ(scenario->name, each.name);
      EXPECT_LE(estimated_time(*scenario), std::chrono::seconds(60)) << each.name;
      EXPECT_FALSE(scenario->about.empty());
      const auto lines = 1 + std::ranges::count(scenario->look_for, '\n');
      EXPECT_TRUE(lines >= 3 && lines <= 12) << each.name << " " << lines;
    }
    EXPECT_FALSE(each.text.find('\t') != std::string_view::npos) << each.name;
    std::istringstream text{std::string(each.text)};
    for (std::string line; std::getline(text, line);) EXPECT_LE(line.size(), 105U) << line;
  }
}

TEST(BuiltIn, AllButTheDemoSayWhatMustBeTrue) {
  for (const auto name : scenario_names()) {
    const Scenario scenario = *built_in(name, 2);
    const bool expects = !scenario.claims.empty() || !scenario.runs.front().expect.empty();
    EXPECT_EQ(expects, name != "demo") << name;
  }
}

TEST(BuiltIn, TheSlowServerMeetsEveryPolicy) {
  std::set<std::string> policies;
  for (const RunPlan& run : built_in("slow-server", 2)->runs) policies.insert(run.policy());
  const auto all = balance::policy_names();
  EXPECT_EQ(policies, std::set<std::string>(all.begin(), all.end()))
      << "src/lab/scenarios/slow-server.toml has to name them";
}

TEST(BuiltIn, TheListNamesThemAll) {
  const std::string text = list_text(2);
  for (const auto name : scenario_names()) EXPECT_THAT(text, HasSubstr(name));
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 80U) << line;
}

TEST(BuiltIn, WhatIsShownIsAScenarioFileWithItsCommands) {
  for (const auto name : scenario_names()) {
    const Scenario scenario = *built_in(name, 2);
    const std::string shown = show_text(scenario);
    const auto again = parse_scenario(shown, "shown", {.cores = 2});
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(print_scenario(*again), print_scenario(scenario));
    EXPECT_THAT(shown, HasSubstr("#   giliran server --listen"));
    EXPECT_THAT(shown, HasSubstr("#   giliran coordinator "));
    EXPECT_THAT(shown, HasSubstr("#   giliran client "));
  }
  EXPECT_THAT(show_text(*built_in("failover", 2)), HasSubstr("#   at 3 s: kill server-2"));
}

}  // namespace
}  // namespace giliran::lab
