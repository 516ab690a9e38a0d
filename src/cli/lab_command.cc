#include <fmt/format.h>

#include <set>

#include "balance/policy.h"
#include "base/parse.h"
#include "cli/commands.h"
#include "cli/setters.h"

namespace giliran::cli {
namespace {

constexpr uint64_t kThreadsMax = 1024;

constexpr std::string_view kExamples =
    "  giliran lab                   the built-in demo, results in giliran-demo/\n"
    "  giliran lab list              the built-in scenarios\n"
    "  giliran lab show demo         what it runs\n"
    "  giliran lab demo --out results --seed 7\n"
    "  giliran lab my.toml           a scenario of one's own (docs/scenarios.md)\n"
    "  giliran lab rerun results     the same again, same seed, into results-2\n"
    "  giliran lab threads           1 to 16 threads: speed-up, and what limits it\n"
    "  giliran lab threads --of coordinator --threads 1,2 --repeat 5\n";

base::Result<void> read_word(const std::string& word, lab::LabOptions& o) {
  const bool first = o.command == lab::LabCommand::kRun && o.scenario.empty();
  if (first && word == "list") {
    o.command = lab::LabCommand::kList;
  } else if (first && word == "run") {
    // Many tools want it in front of a name.
  } else if (first && word == "show") {
    o.command = lab::LabCommand::kShow;
  } else if (first && word == "rerun") {
    o.command = lab::LabCommand::kRerun;
  } else if (first && word == "threads") {
    o.command = lab::LabCommand::kThreads;
  } else if (o.scenario.empty() && o.command != lab::LabCommand::kList &&
             o.command != lab::LabCommand::kThreads) {
    o.scenario = word;
  } else {
    return base::fail(fmt::format(
        "unexpected argument '{}'; one thing at a time, giliran lab --help says which", word));
  }
  return {};
}

Setter set_of(lab::ThreadsPlan& plan) {
  return [&plan](const std::string& text) -> base::Result<void> {
    if (text != "servers" && text != "coordinator") {
      return base::fail(fmt::format("'{}': expected servers or coordinator", text));
    }
    plan.of =
        text == "servers" ? lab::ThreadsPlan::Of::kServers : lab::ThreadsPlan::Of::kCoordinator;
    return {};
  };
}

Setter set_work(lab::ThreadsPlan& plan) {
  return [&plan](const std::string& text) -> base::Result<void> {
    using enum lab::ThreadsPlan::Work;
    if (text != "block" && text != "compute" && text != "none") {
      return base::fail(fmt::format("'{}': expected block, compute or none", text));
    }
    plan.work = text == "block" ? kBlocks : text == "compute" ? kComputes : kNone;
    return {};
  };
}

// Different numbers, in order whatever the order given.
Setter set_threads(lab::ThreadsPlan& plan) {
  return [&plan](const std::string& text) -> base::Result<void> {
    std::set<uint32_t> counts;
    for (size_t at = 0; at <= text.size();) {
      const size_t comma = std::min(text.find(',', at), text.size());
      const auto count = base::parse_uint(text.substr(at, comma - at), kThreadsMax);
      if (!count || *count == 0 || !counts.insert(static_cast<uint32_t>(*count)).second) {
        return base::fail(fmt::format(
            "'{}': expected different numbers from 1 to {}, such as 1,2,4,8", text, kThreadsMax));
      }
      at = comma + 1;
    }
    plan.threads.assign(counts.begin(), counts.end());
    return {};
  };
}

}  // namespace

Command lab_command(lab::LabOptions& o) {
  Command command{.name = "lab",
                  .summary =
                      "A whole experiment on this machine: servers, coordinator and clients, "
                      "their logs and what they say.",
                  .arguments = "[NAME | FILE.toml | list | show NAME | rerun DIR | threads]",
                  .examples = kExamples,
                  .arguments_max = 2};
  command.argument = [&o](const std::string& text) { return read_word(text, o); };
  command.flags = {
      {"--out", "DIR", "where the results go; default: giliran-NAME, for a rerun DIR-2",
       set_text(o.out)},
      {"--seed", "N", "default: the scenario's, or a random one, told at the start",
       set_number(o.seed, 1, UINT64_MAX)},
      {"--of", "servers|coordinator", "threads: whose number of threads varies; default: servers",
       set_of(o.threads)},
      {"--work", "block|compute|none",
       "threads: what a request costs; default: block, none for the coordinator",
       set_work(o.threads)},
      {"--threads", "LIST", "threads: how many to try; default: 1,2,4,8,16",
       set_threads(o.threads)},
      {"--repeat", "N", "threads: runs of each; default: 3",
       set_number(o.threads.repetitions, 1, 100)},
      {"--duration", "TIME", "threads: of each run; default: 2s", set_duration(o.threads.duration)},
      {"--keep-logs", "", "keep the logs of every run, not only of the one to look closer at",
       set_true(o.keep_logs)},
      {"-q,--quiet", "", "nothing but what went wrong", set_true(o.quiet)},
  };
  command.first = {"--out", "--seed", "--quiet"};
  command.finish = [&o]() -> base::Result<void> {
    if (o.command == lab::LabCommand::kShow && o.scenario.empty()) {
      return base::fail("show: expected the name of a scenario (giliran lab list)");
    }
    if (o.command == lab::LabCommand::kRerun && o.scenario.empty()) {
      return base::fail("rerun: expected the folder of a lab, such as giliran-demo");
    }
    if (o.command != lab::LabCommand::kThreads && o.threads != lab::ThreadsPlan()) {
      return base::fail(
          "--of, --work, --threads, --repeat and --duration are of giliran lab threads");
    }
    o.policies = balance::policy_names();
    return {};
  };
  return command;
}

}  // namespace giliran::cli
