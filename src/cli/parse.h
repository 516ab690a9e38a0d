// The command line: arguments in, options of one subcommand out.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.h"
#include "cli/check.h"
#include "client/options.h"
#include "control/coordinator.h"
#include "lab/options.h"
#include "report/run.h"
#include "report/run_compare.h"
#include "server/options.h"

namespace giliran::cli {

struct Text {
  std::string text;  // --help or --version: to be printed on standard output
};

struct Parsed {
  std::variant<Text, control::CoordinatorOptions, server::ServerOptions, client::ClientOptions,
               report::ReportOptions, report::CompareRun, lab::LabOptions, CheckOptions>
      what;
  std::vector<std::string> warnings{};  // one line each, with the program's name
};

// args: without the program's own name. An error is one line, with the program's name, and where a
// configuration file is not good one for each problem behind it: exit 2.
base::Result<Parsed> parse(std::span<const std::string> args);

}  // namespace giliran::cli
