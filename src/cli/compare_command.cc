#include "base/parse.h"
#include "cli/commands.h"
#include "cli/setters.h"

namespace giliran::cli {
namespace {

constexpr std::string_view kExamples =
    "  giliran compare before.json after.json\n"
    "  giliran compare --a a1.json --a a2.json --b b1.json --b b2.json --html ab.html\n"
    "  giliran compare --merge client1.json client2.json --json both.json\n";

base::Result<void> sort_files(report::CompareRun& run, std::vector<std::string>& files) {
  const bool named = !run.a.empty() || !run.b.empty();
  if (run.merge) {
    if (named) return base::fail("--merge takes files without --a and --b");
    if (files.size() < 2) return base::fail("--merge: give two results of giliran client or more");
    run.a = std::move(files);
    return {};
  }
  if (named) {
    if (!files.empty()) return base::fail("give either two files, or --a and --b");
    if (run.a.empty() || run.b.empty()) return base::fail("--a and --b: give both");
    return {};
  }
  if (files.size() != 2) {
    return base::fail("give two results of giliran client --json: giliran compare A.json B.json");
  }
  run.a = {files[0]};
  run.b = {files[1]};
  return {};
}

}  // namespace

Command compare_command(CompareFlags& o) {
  Command command{.name = "compare",
                  .summary =
                      "Says whether B is better or worse than A, or merges results of several "
                      "clients. Exit status 3: worse.",
                  .arguments = "A.json B.json",
                  .examples = kExamples,
                  .arguments_max = SIZE_MAX};
  command.argument = add_text(o.files);
  command.flags = {
      {"--a", "PATH", "a result of A, where there are several", add_text(o.run.a), true},
      {"--b", "PATH", "a result of B, where there are several", add_text(o.run.b), true},
      {"--threshold", "SHARE", "a smaller change is no difference; default: 5%",
       [&o](const std::string& text) -> base::Result<void> {
         o.run.options.threshold = GILIRAN_TRY(base::parse_fraction(text));
         return {};
       }},
      {"--merge", "", "one result of several clients' that ran at the same time",
       set_true(o.run.merge)},
      {"--json", "PATH", "the comparison, or the merged result; -: standard output",
       set_text(o.run.json_path)},
      {"--html", "PATH", "the same as a page; -: standard output", set_text(o.run.html_path)},
      {"--seed", "N", "of the resampling; default: 1",
       set_number(o.run.options.seed, 1, UINT64_MAX)},
  };
  command.finish = [&o]() -> base::Result<void> {
    if (o.run.json_path == "-" && o.run.html_path == "-") {
      return base::fail("--json and --html: only one of them can go to standard output");
    }
    return sort_files(o.run, o.files);
  };
  return command;
}

}  // namespace giliran::cli
