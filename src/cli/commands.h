// The tables of the subcommands. Each borrows the options it fills, which must outlive it.
#pragma once

#include <string>
#include <vector>

#include "cli/check.h"
#include "cli/command.h"
#include "cli/coordinator_flags.h"
#include "client/options.h"
#include "lab/options.h"
#include "report/run.h"
#include "report/run_compare.h"
#include "server/options.h"

namespace giliran::cli {

// warnings: what is legal and probably not meant is appended.
Command coordinator_command(CoordinatorFlags& flags);
Command check_command(CheckOptions& options);
Command server_command(server::ServerOptions& options, std::vector<std::string>& warnings);
Command client_command(client::ClientOptions& options, std::vector<std::string>& warnings);
Command report_command(report::ReportOptions& options);
struct CompareFlags {
  report::CompareRun run;
  std::vector<std::string> files;  // without a flag; empty once all is parsed
};
Command compare_command(CompareFlags& flags);
Command lab_command(lab::LabOptions& options);

}  // namespace giliran::cli
