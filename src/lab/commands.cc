#include "lab/commands.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/parse.h"

namespace giliran::lab {
namespace {

constexpr std::string_view kPlainShellBytes =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:=,+%@";

Command start(const RunPlace& place, std::string_view role) {
  return {place.program, std::string(role)};
}

void add(Command& command, std::initializer_list<std::string> words) {
  command.insert(command.end(), words);
}

// A different seed for each process, never 0.
std::string seed_of(const RunPlace& place, uint64_t process) {
  return std::to_string(std::max<uint64_t>(place.seed + process, 1));
}

}  // namespace

std::string server_name(uint32_t number) {
  return fmt::format("server-{}", number);
}

std::string coordinator_log(const std::string& folder) {
  return folder + "/coordinator.log";
}

std::string client_log(const std::string& folder) {
  return folder + "/client.log";
}

std::string client_json(const std::string& folder) {
  return folder + "/client.json";
}

std::string server_log(const std::string& folder, uint32_t number) {
  return fmt::format("{}/{}.log", folder, server_name(number));
}

std::vector<std::string> logs_of(const RunPlan& plan, const std::string& folder) {
  std::vector<std::string> logs = {client_log(folder), coordinator_log(folder)};
  for (uint32_t i = 1; i <= plan.servers; ++i) logs.push_back(server_log(folder, i));
  return logs;
}

Command server_command(const RunPlan& plan, const RunPlace& place, uint32_t number) {
  Command command = start(place, "server");
  add(command, {"--listen", fmt::format("{}://127.0.0.1:0", config::name(plan.scheme)), "--name",
                server_name(number), "--threads", std::to_string(plan.server_threads)});
  switch (plan.work) {
    case Work::kNone:
      break;
    case Work::kComputes:
      add(command, {"--work", base::format_duration(plan.work_time)});
      break;
    case Work::kBlocks:
      add(command, {"--delay", base::format_duration(plan.work_time), "--blocking"});
      break;
  }
  add(command, {"--log", server_log(place.folder, number), "--log-full", "wait", "--seed",
                seed_of(place, 1 + number)});
  return command;
}

Command coordinator_command(const RunPlan& plan, const RunPlace& place,
                            std::span<const std::string> servers) {
  Command command = start(place, "coordinator");
  add(command, {"--listen", fmt::format("{}://127.0.0.1:0", config::name(plan.scheme))});
  for (const std::string& server : servers) add(command, {"--server", server});
  add(command, {"--policy", "round-robin", "--threads", std::to_string(plan.coordinator_threads),
                "--log", coordinator_log(place.folder), "--log-full", "wait"});
  return command;
}

Command client_command(const RunPlan& plan, const RunPlace& place, const std::string& coordinator) {
  Command command = start(place, "client");
  add(command, {fmt::format("{}://{}{}", config::name(plan.scheme), coordinator,
                            plan.scheme == config::Scheme::kHttp ? "/" : ""),
                "-c", std::to_string(plan.connections), "-d", base::format_duration(plan.duration),
                "--log", client_log(place.folder), "--log-full", "wait", "--json",
                client_json(place.folder), "--progress", "json", "--seed", seed_of(place, 1)});
  return command;
}

std::string shell_text(const Command& command) {
  std::string text;
  for (const std::string& word : command) {
    if (!text.empty()) text += ' ';
    if (!word.empty() && word.find_first_not_of(kPlainShellBytes) == std::string::npos) {
      text += word;
      continue;
    }
    text += '\'';
    for (const char c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
    text += '\'';
  }
  return text;
}

}  // namespace giliran::lab
