// The command lines and files of a run's processes: giliran's own subcommands, nothing private.
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
  uint64_t seed = 1;    // of this run, not 0: seed_of()
};

using Command = std::vector<std::string>;

std::string coordinator_log(const std::string& folder);
std::string client_log(const std::string& folder);
std::string client_json(const std::string& folder);
std::string report_file(const std::string& folder);  // FOLDER/report.txt
std::string server_log(const std::string& folder, const std::string& name);
// Client, coordinator, servers.
std::vector<std::string> logs_of(const RunPlan& plan, const std::string& folder);

// Of the servers, in the plan's order: where they are and what they are told now.
struct ServerNow {
  std::string address{};  // HOST:PORT
  uint32_t weight = 1;
  bool in_pool = false;
  server::Character character{};
};
std::vector<ServerNow> at_the_beginning(const RunPlan& plan,
                                        std::span<const std::string> addresses);
// What the files of coordinator and servers say after the event; nothing where it is no matter of
// files.
void apply(const Event& event, std::vector<ServerNow>& servers);

// Files that must be there before the process is started, and are written anew before HUP. Where
// they are not needed, flags say everything.
bool needs_coordinator_file(const RunPlan& plan);
bool needs_server_file(const RunPlan& plan, size_t server);
std::string coordinator_file(const std::string& folder);  // FOLDER/coordinator.toml
std::string server_file(const std::string& folder, const std::string& name);
std::string coordinator_toml(const RunPlan& plan, const RunPlace& place,
                             std::span<const ServerNow> servers);
std::string server_toml(const server::Character& character);

// server: index. listen: HOST:PORT; port 0 at first, its own when it is started again.
Command server_command(const RunPlan& plan, const RunPlace& place, size_t server,
                       const std::string& listen = "127.0.0.1:0");
Command coordinator_command(const RunPlan& plan, const RunPlace& place,
                            std::span<const ServerNow> servers);
// coordinator: HOST:PORT. servers: HOST:PORT of each, in the plan's order.
Command client_command(const RunPlan& plan, const RunPlace& place, const std::string& coordinator,
                       std::span<const std::string> servers);

// What follows the client's rate (-R) and warm-up, as --stages takes it, events of kind kRate
// included; empty where there is nothing.
std::string stages_text(const RunPlan& plan);

// As it can be pasted into a shell.
std::string shell_text(const Command& command);

}  // namespace giliran::lab
