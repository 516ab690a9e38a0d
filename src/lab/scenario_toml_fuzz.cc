// Any text is a scenario or a list of problems; what is a scenario prints as one with equal runs.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/assert.h"
#include "lab/commands.h"
#include "lab/listing.h"
#include "lab/scenario_toml.h"

namespace giliran::lab {
namespace {

constexpr size_t kRunsLookedAt = 8;

base::Result<Scenario> parse_any(std::string_view text) {
  return parse_scenario(text, "f", {.cores = 3, .descriptors = 20000});
}

// Whatever a scenario holds, there are command lines for it.
void make_commands(const RunPlan& run) {
  const RunPlace place{.program = "g", .folder = "f", .seed = seed_of(run, 7)};
  const std::vector<std::string> addresses(run.servers.size(), "127.0.0.1:1");
  auto now = at_the_beginning(run, addresses);
  for (size_t i = 0; i < run.servers.size(); ++i) server_command(run, place, i);
  coordinator_command(run, place, now);
  client_command(run, place, "127.0.0.1:2", addresses);
  for (const Event& event : run.timeline) {
    for (const size_t index : event.servers) GILIRAN_ASSERT(index < run.servers.size());
    apply(event, now);
  }
  coordinator_toml(run, place, now);
}

void fuzz(std::string_view text) {
  const auto scenario = parse_any(text);
  if (!scenario) {
    GILIRAN_ASSERT(!scenario.error().message.empty());
    return;
  }
  GILIRAN_ASSERT(!scenario->runs.empty() && scenario->runs.size() <= kRunsMax);
  for (size_t i = 0; i < std::min(scenario->runs.size(), kRunsLookedAt); ++i) {
    make_commands(scenario->runs[i]);
  }
  const auto saved = parse_any(saved_text(*scenario, 42));
  GILIRAN_ASSERT(saved.has_value() && saved->seed == 42);
  if (scenario->runs.size() > 4 * kRunsLookedAt) return;  // the rest takes its time
  const std::string printed = print_scenario(*scenario);
  const auto again = parse_any(printed);
  GILIRAN_ASSERT(again.has_value());
  GILIRAN_ASSERT(again->runs.size() == scenario->runs.size());
  GILIRAN_ASSERT(print_scenario(*again) == printed);
}

}  // namespace
}  // namespace giliran::lab

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  giliran::lab::fuzz({reinterpret_cast<const char*>(data), size});
  return 0;
}
