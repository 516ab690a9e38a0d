// The scenarios that come with giliran: the files of src/lab/scenarios.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "lab/scenario.h"

namespace giliran::lab {

struct ScenarioText {
  std::string_view name;
  std::string_view text;  // the file
};
// In the order in which they teach.
std::span<const ScenarioText> scenario_texts();

std::vector<std::string_view> scenario_names();
// A built-in scenario for a machine of so many cores (at least 1).
std::optional<Scenario> built_in(std::string_view name, uint32_t cores);

}  // namespace giliran::lab
