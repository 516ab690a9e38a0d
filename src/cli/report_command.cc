#include "cli/commands.h"
#include "cli/setters.h"

namespace giliran::cli {
namespace {

constexpr std::string_view kExamples =
    "  giliran report coordinator.log\n"
    "  giliran report client.log coordinator.log s1.log s2.log --complete\n"
    "  giliran report *.log --json > report.json\n";

}  // namespace

Command report_command(report::ReportOptions& o) {
  Command command{.name = "report",
                  .summary =
                      "Reads the logs of clients, coordinators and servers and says where "
                      "the time went and what was lost.",
                  .arguments = "LOG...",
                  .examples = kExamples,
                  .arguments_max = SIZE_MAX};
  command.argument = add_text(o.paths);
  command.flags = {
      {"--json", "", "the findings as JSON", set_true(o.json)},
      {"--slowest", "N", "how many of the slowest to show; default: 10",
       [&o](const std::string& text) -> base::Result<void> {
         uint64_t value = 0;
         const auto set = set_number(value, 0, 100'000)(text);
         if (!set) return set;
         o.slowest = value;
         return {};
       }},
      {"--complete", "", "the logs of every process are here: what is missing is lost",
       set_true(o.complete)},
  };
  command.finish = [&o]() -> base::Result<void> {
    if (o.paths.empty()) return base::fail("no log: giliran report LOG..., such as client.log");
    return {};
  };
  return command;
}

}  // namespace giliran::cli
