#include "cli/commands.h"
#include "cli/setters.h"

namespace giliran::cli {
namespace {

constexpr std::string_view kExamples =
    "  giliran check giliran.toml           good, or all that is wrong and where\n"
    "  giliran check --print giliran.toml   with the defaults, as a file\n"
    "  giliran check my-scenario.toml       a scenario, told by its key 'scenario'\n"
    "  giliran check - < giliran.toml       from a pipe\n";

Setter set_what(CheckOptions& o, CheckWhat what) {
  return [&o, what](const std::string&) -> base::Result<void> {
    if (o.what != CheckWhat::kCheck)
      return base::fail("give one of --print, --keys and --scenario-keys");
    o.what = what;
    return {};
  };
}

}  // namespace

Command check_command(CheckOptions& o) {
  Command command{
      .name = "check",
      .summary =
          "Reads the file of a coordinator or a server, or a scenario of the lab, and says what is "
          "wrong with it. Starts nothing.",
      .arguments = "FILE",
      .examples = kExamples,
      .arguments_max = 1};
  command.argument = set_text(o.file);
  command.flags = {
      {"--print", "", "the effective configuration, defaults included, as a file",
       set_what(o, CheckWhat::kPrint)},
      {"--keys", "", "every key there is, as Markdown; takes no file",
       set_what(o, CheckWhat::kKeys)},
      {"--scenario-keys", "", "every key of a scenario, as Markdown; takes no file",
       set_what(o, CheckWhat::kScenarioKeys)},
  };
  command.finish = [&o]() -> base::Result<void> {
    const bool keys = o.what == CheckWhat::kKeys || o.what == CheckWhat::kScenarioKeys;
    if (keys && !o.file.empty()) return base::fail("--keys and --scenario-keys take no file");
    if (!keys && o.file.empty()) {
      return base::fail("no file: giliran check FILE, such as giliran.toml; - reads a pipe");
    }
    return {};
  };
  return command;
}

}  // namespace giliran::cli
