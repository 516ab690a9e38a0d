// A scenario file: TOML to lab::Scenario and back. docs/scenarios.md describes it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "config/toml_value.h"
#include "lab/scenario.h"

namespace giliran::lab {

constexpr uint64_t kRunsMax = 1000;  // of one scenario, repetitions included

// What a scenario is checked against.
struct ScenarioCheck {
  std::span<const std::string_view> policies{};  // names; empty: not checked
  uint32_t cores = 1;                            // of this machine
  uint64_t descriptors = 0;                      // that a process may open; 0: not checked
};

// Of this machine and this process.
ScenarioCheck check_here(std::span<const std::string_view> policies);

// Whether a TOML file is meant to be a scenario: it has a key `scenario`.
bool is_scenario(const config::Value& root);

// An error is a line "FILE:LINE:COLUMN: key 'x': bad value 'y': expected ..." for each problem.
base::Result<Scenario> parse_scenario(std::string_view text, std::string_view file,
                                      const ScenarioCheck& check = {});
base::Result<Scenario> load_scenario(const std::string& path, const ScenarioCheck& check = {});

// Expanded: each point as a [[run]] with all it is made of, defaults included, as a file that
// parses to the same runs.
std::string print_scenario(const Scenario& scenario);

// The scenario's own text with this seed in it: what DIR/scenario.toml is, so that
// load_scenario("DIR/scenario.toml") and its seed are all that a rerun needs.
std::string saved_text(const Scenario& scenario, uint64_t seed);

}  // namespace giliran::lab
