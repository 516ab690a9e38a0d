#include "lab/built_in.h"

#include <algorithm>

#include "base/assert.h"
#include "lab/scenario_toml.h"

namespace giliran::lab {

std::vector<std::string_view> scenario_names() {
  std::vector<std::string_view> names;
  for (const ScenarioText& each : scenario_texts()) names.push_back(each.name);
  return names;
}

std::optional<Scenario> built_in(std::string_view name, uint32_t cores) {
  const auto texts = scenario_texts();
  const auto found = std::ranges::find(texts, name, &ScenarioText::name);
  if (found == texts.end()) return std::nullopt;
  auto scenario = parse_scenario(found->text, found->name, {.cores = std::max(cores, 1U)});
  GILIRAN_ASSERT(scenario.has_value());  // tests read them all
  return std::move(*scenario);
}

}  // namespace giliran::lab
