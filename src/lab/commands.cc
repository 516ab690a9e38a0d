#include "lab/commands.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/parse.h"
#include "config/coordinator_toml.h"
#include "config/key.h"

namespace giliran::lab {
namespace {

constexpr std::string_view kPlainShellBytes =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:=,+%@";
// What the path of a request may have as it is, besides letters and digits.
constexpr std::string_view kPlainQueryBytes = "-_.~:/(),%{}=";

Command start(const RunPlace& place, std::string_view role) {
  return {place.program, std::string(role)};
}

void add(Command& command, std::initializer_list<std::string> words) {
  command.insert(command.end(), words);
}

// A different seed for each process, never 0.
std::string seed_text(const RunPlace& place, uint64_t process) {
  return std::to_string(std::max<uint64_t>(place.seed + process, 1));
}

std::string rate_text(double rate) {
  return fmt::format("{}", rate);
}

bool letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// As a value in a query.
std::string percent_encode(std::string_view text, std::string_view plain) {
  std::string out;
  for (const char c : text) {
    if (letter_or_digit(c) || plain.find(c) != std::string_view::npos) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

// "delay={{dist:exp(5ms)}}": what a request carries.
std::string carried(const ClientPlan& client) {
  std::string query;
  const auto part = [&](std::string_view key, const base::Distribution& its) {
    if (its.zero()) return;
    query += fmt::format("{}{}={{{{dist:{}}}}}", query.empty() ? "" : "&", key, its.text());
  };
  part("delay", client.delay);
  part("work", client.work);
  return query;
}

std::string with_query(std::string path, const std::string& query) {
  if (query.empty()) return path;
  return fmt::format("{}{}{}", path, path.find('?') == std::string::npos ? '?' : '&', query);
}

// Each leaf in turn, until so many calls are asked for.
std::string fan_out_path(const RunPlan& plan, std::span<const std::string> servers) {
  std::vector<std::string> leaves;
  for (size_t i = 0; i < plan.servers.size(); ++i) {
    if (plan.servers[i].role == Role::kLeaf) leaves.push_back(servers[i]);
  }
  std::string path = "/fanout";
  const std::string call = with_query("/", carried(plan.client));
  for (uint32_t i = 0; i < plan.client.fan_out && !leaves.empty(); ++i) {
    const std::string url = fmt::format("http://{}{}", leaves[i % leaves.size()], call);
    path += fmt::format("{}to={}", i == 0 ? '?' : '&', percent_encode(url, kPlainQueryBytes));
  }
  return path;
}

std::string path_of(const RunPlan& plan, std::span<const std::string> servers) {
  if (plan.scheme == config::Scheme::kTcp) return {};
  if (plan.client.fan_out != 0) return fan_out_path(plan, servers);
  return with_query(plan.client.path, carried(plan.client));
}

bool calls_leaves(const RunPlan& plan, const ServerPlan& server) {
  return plan.client.fan_out != 0 && server.role != Role::kLeaf;
}

void add_character(Command& command, const server::Character& its) {
  if (!its.work.zero()) add(command, {"--work", its.work.text()});
  if (!its.delay.zero()) add(command, {"--delay", its.delay.text()});
  if (its.blocking) add(command, {"--blocking"});
  if (its.fail.rate > 0) add(command, {"--fail", its.fail.text()});
  if (its.slowdown != 1) add(command, {"--slowdown", fmt::format("{}", its.slowdown)});
  if (its.body_bytes) add(command, {"--body", base::format_bytes(*its.body_bytes)});
}

void add_load(Command& command, const RunPlan& plan) {
  const ClientPlan& client = plan.client;
  const std::string stages = stages_text(plan);
  if (!stages.empty()) {
    add(command, {"--stages", stages});
  } else if (client.requests != 0) {
    add(command, {"-n", std::to_string(client.requests)});
  } else {
    add(command, {"-d", base::format_duration(client.duration)});
  }
  if (client.rate) add(command, {"-R", rate_text(*client.rate)});
  if (client.loop() == Loop::kOpen && client.arrivals != Arrivals::kConstant) {
    add(command, {"--arrivals", std::string(name(client.arrivals))});
  }
  if (client.warmup.count() != 0) add(command, {"--warmup", base::format_duration(client.warmup)});
}

void add_request(Command& command, const RunPlan& plan) {
  const ClientPlan& client = plan.client;
  if (plan.scheme == config::Scheme::kTcp) {
    if (!client.message.empty()) add(command, {"--message", client.message});
  } else {
    if (!client.method.empty()) add(command, {"-m", client.method});
    for (const std::string& header : client.headers) add(command, {"-H", header});
    if (!client.body.empty()) add(command, {"--body", client.body});
  }
  if (client.new_connection) add(command, {"--new-connection"});
  if (client.timeout != ClientPlan{}.timeout) {
    add(command, {"--timeout", base::format_duration(client.timeout)});
  }
}

bool changes_pool(const Event& event) {
  switch (event.action) {
    case Action::kAdd:
    case Action::kDrain:
    case Action::kWeight:
      return true;
    case Action::kKill:
    case Action::kStart:
    case Action::kStop:
    case Action::kContinue:
    case Action::kChange:
    case Action::kRate:
      break;
  }
  return false;
}

// What flags can say: the policy and the number of threads.
config::Coordinator plain_like(const RunPlan& plan) {
  config::Coordinator plain = RunPlan::default_coordinator();
  plain.threads = plan.coordinator.threads;
  plain.pools.front().policy = plan.policy();
  plain.listeners.front().listen.scheme = plan.scheme;
  return plain;
}

}  // namespace

std::string coordinator_log(const std::string& folder) {
  return folder + "/coordinator.log";
}

std::string client_log(const std::string& folder) {
  return folder + "/client.log";
}

std::string client_json(const std::string& folder) {
  return folder + "/client.json";
}

std::string report_file(const std::string& folder) {
  return folder + "/report.txt";
}

std::string server_log(const std::string& folder, const std::string& name) {
  return fmt::format("{}/{}.log", folder, name);
}

std::string coordinator_file(const std::string& folder) {
  return folder + "/coordinator.toml";
}

std::string server_file(const std::string& folder, const std::string& name) {
  return fmt::format("{}/{}.toml", folder, name);
}

std::vector<std::string> logs_of(const RunPlan& plan, const std::string& folder) {
  std::vector<std::string> logs = {client_log(folder), coordinator_log(folder)};
  for (const ServerPlan& server : plan.servers) logs.push_back(server_log(folder, server.name));
  return logs;
}

// --- what changes while a run goes on ---

std::vector<ServerNow> at_the_beginning(const RunPlan& plan,
                                        std::span<const std::string> addresses) {
  std::vector<ServerNow> servers;
  for (size_t i = 0; i < plan.servers.size(); ++i) {
    const ServerPlan& server = plan.servers[i];
    servers.push_back({.address = addresses[i],
                       .weight = server.weight,
                       .in_pool = server.role == Role::kBalanced,
                       .character = server.character});
  }
  return servers;
}

void apply(const Event& event, std::vector<ServerNow>& servers) {
  for (const size_t index : event.servers) {
    ServerNow& server = servers[index];
    switch (event.action) {
      case Action::kChange:
        server.character = event.character;
        break;
      case Action::kAdd:
        server.in_pool = true;
        break;
      case Action::kDrain:
        server.in_pool = false;
        break;
      case Action::kWeight:
        server.weight = event.weight;
        break;
      case Action::kKill:
      case Action::kStart:
      case Action::kStop:
      case Action::kContinue:
      case Action::kRate:
        break;
    }
  }
}

bool needs_coordinator_file(const RunPlan& plan) {
  return plan.coordinator != plain_like(plan) ||
         std::ranges::any_of(plan.servers,
                             [](const ServerPlan& server) { return server.in_flight_max != 0; }) ||
         std::ranges::any_of(plan.timeline, changes_pool);
}

bool needs_server_file(const RunPlan& plan, size_t server) {
  return std::ranges::any_of(plan.timeline, [server](const Event& event) {
    return event.action == Action::kChange &&
           std::ranges::find(event.servers, server) != event.servers.end();
  });
}

std::string coordinator_toml(const RunPlan& plan, const RunPlace& place,
                             std::span<const ServerNow> servers) {
  config::Coordinator config = plan.coordinator;
  config.listeners.front().listen.scheme = plan.scheme;
  config.log.path = coordinator_log(place.folder);
  config.log.full = config::LogFull::kWait;
  for (size_t i = 0; i < servers.size(); ++i) {
    if (!servers[i].in_pool) continue;
    config.pools.front().servers.push_back(
        {.spec = {.host_port = servers[i].address, .weight = servers[i].weight},
         .in_flight_max = plan.servers[i].in_flight_max});
  }
  return config::print_coordinator(config);
}

std::string server_toml(const server::Character& character) {
  std::string text;
  config::write_table(character, server::character_keys(), "", text);
  return text;
}

// --- command lines ---

Command server_command(const RunPlan& plan, const RunPlace& place, size_t server,
                       const std::string& listen) {
  const ServerPlan& its = plan.servers[server];
  Command command = start(place, "server");
  if (needs_server_file(plan, server)) add(command, {"-c", server_file(place.folder, its.name)});
  add(command, {"--listen", fmt::format("{}://{}", config::name(plan.scheme), listen), "--name",
                its.name, "--threads", std::to_string(its.threads)});
  if (!needs_server_file(plan, server)) add_character(command, its.character);
  if (calls_leaves(plan, its)) add(command, {"--allow-to", "loopback"});
  add(command, {"--log", server_log(place.folder, its.name), "--log-full", "wait", "--seed",
                seed_text(place, 2 + server)});
  return command;
}

Command coordinator_command(const RunPlan& plan, const RunPlace& place,
                            std::span<const ServerNow> servers) {
  Command command = start(place, "coordinator");
  if (needs_coordinator_file(plan)) {
    add(command, {"-c", coordinator_file(place.folder)});
    return command;
  }
  add(command, {"--listen", fmt::format("{}://127.0.0.1:0", config::name(plan.scheme))});
  for (const ServerNow& server : servers) {
    if (!server.in_pool) continue;
    add(command,
        {"--server", server.weight == 1 ? server.address
                                        : fmt::format("{}={}", server.address, server.weight)});
  }
  add(command, {"--policy", plan.policy(), "--threads",
                plan.coordinator.threads == 0 ? "auto" : std::to_string(plan.coordinator.threads),
                "--log", coordinator_log(place.folder), "--log-full", "wait"});
  return command;
}

Command client_command(const RunPlan& plan, const RunPlace& place, const std::string& coordinator,
                       std::span<const std::string> servers) {
  Command command = start(place, "client");
  add(command,
      {fmt::format("{}://{}{}", config::name(plan.scheme), coordinator, path_of(plan, servers)),
       "-c", std::to_string(plan.client.connections)});
  if (plan.client.threads != 0) add(command, {"-t", std::to_string(plan.client.threads)});
  add_load(command, plan);
  add_request(command, plan);
  add(command, {"--log", client_log(place.folder), "--log-full", "wait", "--json",
                client_json(place.folder), "--progress", "json", "--seed", seed_text(place, 1)});
  return command;
}

std::string stages_text(const RunPlan& plan) {
  const ClientPlan& client = plan.client;
  std::string text;
  const auto stage = [&](base::Duration lasts, double rate, bool jump) {
    if (lasts.count() == 0) return;
    text += fmt::format("{}{}:{}{}", text.empty() ? "" : ",", base::format_duration(lasts),
                        jump ? "=" : "", rate_text(rate));
  };
  for (const client::Stage& each : client.stages) stage(each.length, each.rate, each.jump);
  if (!text.empty()) return text;
  base::Duration from = client.warmup;
  double rate = client.rate.value_or(0);
  for (const Event& event : plan.timeline) {
    if (event.action != Action::kRate) continue;
    stage(event.at - from, rate, true);
    from = event.at;
    rate = event.rate;
  }
  if (from == client.warmup && rate == client.rate.value_or(0)) return text;
  stage(client.warmup + client.duration - from, rate, true);
  return text;
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
