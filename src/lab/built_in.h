// The scenarios that come with giliran.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "lab/scenario.h"

namespace giliran::lab {

std::vector<std::string_view> scenario_names();
// A built-in scenario for a machine of so many cores (at least 1).
std::optional<Scenario> built_in(std::string_view name, uint32_t cores);

}  // namespace giliran::lab
