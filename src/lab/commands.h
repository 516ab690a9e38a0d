// The command lines of a run's processes: giliran's own subcommands, nothing private.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "lab/scenario.h"

namespace giliran::lab {

// Where and how a run takes place.
struct RunPlace {
  std::string program;  // path of giliran
  std::string folder;   // of the run; exists
  uint64_t seed = 1;    // of this run, not 0
};

using Command = std::vector<std::string>;

std::string server_name(uint32_t number);  // from 1: "server-1"
std::string coordinator_log(const std::string& folder);
std::string client_log(const std::string& folder);
std::string client_json(const std::string& folder);
std::string server_log(const std::string& folder, uint32_t number);
// Client, coordinator, servers.
std::vector<std::string> logs_of(const RunPlan& plan, const std::string& folder);

Command server_command(const RunPlan& plan, const RunPlace& place, uint32_t number);
// servers: HOST:PORT of each.
Command coordinator_command(const RunPlan& plan, const RunPlace& place,
                            std::span<const std::string> servers);
// coordinator: HOST:PORT.
Command client_command(const RunPlan& plan, const RunPlace& place, const std::string& coordinator);

// As it can be pasted into a shell.
std::string shell_text(const Command& command);

}  // namespace giliran::lab
