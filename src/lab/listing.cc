#include "lab/listing.h"

#include <fmt/format.h>

#include <algorithm>

#include "lab/built_in.h"
#include "lab/commands.h"
#include "lab/summary.h"

namespace giliran::lab {
namespace {

std::string load_text(const ClientPlan& client) {
  if (!client.stages.empty()) return "stages of load, at most ";
  if (client.rate) return fmt::format("{} requests a second over at most ", *client.rate);
  return "";
}

std::string run_text(const RunPlan& run) {
  const RunPlace place{.program = "giliran", .folder = run.name};
  std::string text =
      fmt::format("\n# {}: {}{} client{} over {}, {}\n", run.name, load_text(run.client),
                  run.client.connections, run.client.connections == 1 ? "" : "s",
                  config::name(run.scheme), describe(run));
  const auto line = [&](const Command& command) {
    text += fmt::format("#   {}\n", shell_text(command));
  };
  std::vector<std::string> addresses;
  for (size_t i = 0; i < run.servers.size(); ++i) {
    line(server_command(run, place, i));
    addresses.push_back(fmt::format("127.0.0.1:PORT{}", i + 1));
  }
  line(coordinator_command(run, place, at_the_beginning(run, addresses)));
  line(client_command(run, place, "127.0.0.1:PORT", addresses));
  for (const Event& event : run.timeline) {
    text += fmt::format("#   at {:g} s: {}\n", base::to_seconds(event.at), event.text);
  }
  return text;
}

}  // namespace

std::string extent_text(const Scenario& scenario) {
  return fmt::format("{} run{}, about {:.0f} s", scenario.runs.size(),
                     scenario.runs.size() == 1 ? "" : "s",
                     base::to_seconds(estimated_time(scenario)));
}

std::string list_text(uint32_t cores) {
  std::string text;
  for (const std::string_view name : scenario_names()) {
    const auto scenario = built_in(name, cores);
    text += fmt::format("{:<12} {}\n{}", name, extent_text(*scenario), folded(scenario->about, 13));
  }
  return text + "\nRun one: giliran lab NAME. Its file: giliran lab show NAME.\n";
}

std::string show_text(const Scenario& scenario) {
  std::string text = scenario.source;
  if (!text.ends_with('\n')) text += '\n';
  text += fmt::format("\n# That makes {}.\n", extent_text(scenario));
  for (const RunPlan& run : scenario.runs) {
    if (run.repetition == 0) text += run_text(run);
  }
  return text;
}

}  // namespace giliran::lab
