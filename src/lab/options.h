// What `giliran lab` is asked to do.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lab/threads.h"

namespace giliran::lab {

enum class LabCommand : uint8_t {
  kRun,     // giliran lab [NAME | FILE.toml]
  kList,    // giliran lab list: the built-in scenarios
  kShow,    // giliran lab show NAME: its runs, and the commands they are made of
  kRerun,   // giliran lab rerun DIR: what was run there, with the same seed
  kThreads  // giliran lab threads
};

struct LabOptions {
  LabCommand command = LabCommand::kRun;
  // Name of a built-in scenario, or a file (it ends with .toml or has a '/'); empty: "demo". With
  // kRerun the folder.
  std::string scenario{};
  std::string out{};       // --out; empty: giliran-SCENARIO or DIR-2, see below
  uint64_t seed = 0;       // --seed; 0: the scenario's, or a random one, told at the start
  bool keep_logs = false;  // --keep-logs: of every run; else of those that are worth it (runs.h)
  bool quiet = false;  // --quiet: nothing but what went wrong; the files are written all the same
  ThreadsPlan threads{};
  std::vector<std::string_view> policies{};  // that there are; empty: not checked
  std::string program{};  // the binary whose subcommands are run; empty: this one
};

// A folder that is absent, empty, or was written by an earlier lab (it has a result.json of ours,
// or the mark of a lab that did not finish) is used, and what the earlier lab wrote there is
// removed first. Anything else is never touched: a folder that was named with `out` is then an
// error (2), and where none was named giliran-demo-2, giliran-demo-3, … is taken. A rerun takes the
// first of DIR-2, DIR-3, … that is absent or empty.
//
// Runs to the end. Exit status: 0; 1 where something failed at run time, the logs do not account
// for everything or a round robin was not even; 2 for bad usage or a scenario that is not good; 3
// where an expectation was not met; 130 where SIGINT or SIGTERM ended it. Blocks; reads signals, so
// that it must be called before any thread is started. No process of its own and no port is left
// behind, whatever happens.
int run_lab(const LabOptions& options);

}  // namespace giliran::lab
