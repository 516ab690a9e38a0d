#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/setters.h"

namespace giliran::cli {
namespace {

constexpr std::string_view kExamples =
    "  giliran lab                   the built-in demo, results in giliran-demo/\n"
    "  giliran lab list              the built-in scenarios\n"
    "  giliran lab show demo         what it runs\n"
    "  giliran lab demo --out results --seed 7\n";

base::Result<void> read_word(const std::string& word, lab::LabOptions& o) {
  const bool first = o.command == lab::LabCommand::kRun && o.scenario.empty();
  if (first && word == "list") {
    o.command = lab::LabCommand::kList;
  } else if (first && word == "show") {
    o.command = lab::LabCommand::kShow;
  } else if (o.scenario.empty() && o.command != lab::LabCommand::kList) {
    o.scenario = word;
  } else {
    return base::fail(fmt::format("unexpected argument '{}'", word));
  }
  return {};
}

}  // namespace

Command lab_command(lab::LabOptions& o) {
  Command command{.name = "lab",
                  .summary =
                      "A whole experiment on this machine: servers, coordinator and clients, "
                      "their logs and what they say.",
                  .arguments = "[NAME | list | show NAME]",
                  .examples = kExamples,
                  .arguments_max = 2};
  command.argument = [&o](const std::string& text) { return read_word(text, o); };
  command.flags = {
      {"--out", "DIR", "where the results go; default: giliran-demo", set_text(o.out)},
      {"--seed", "N", "default: a random one, told at the start",
       set_number(o.seed, 1, UINT64_MAX)},
      {"-q,--quiet", "", "nothing but what went wrong", set_true(o.quiet)},
  };
  command.finish = [&o]() -> base::Result<void> {
    if (o.command == lab::LabCommand::kShow && o.scenario.empty()) {
      return base::fail("show: expected the name of a scenario (giliran lab list)");
    }
    return {};
  };
  return command;
}

}  // namespace giliran::cli
