#include <fmt/format.h>

#include <algorithm>
#include <deque>

#include "balance/policy.h"
#include "base/parse.h"
#include "cli/commands.h"
#include "cli/setters.h"
#include "config/keys.h"
#include "config/neighbours.h"

namespace giliran::cli {
namespace {

using ValueKey = config::Key<config::Coordinator>;

constexpr std::string_view kExamples =
    "  giliran coordinator --listen 127.0.0.1:8080 \\\n"
    "    --server 127.0.0.1:9001 --server 127.0.0.1:9002\n"
    "  giliran coordinator --listen tcp://127.0.0.1:8080 --server 127.0.0.1:9001=3 \\\n"
    "    --server 127.0.0.1:9002\n"
    "  giliran coordinator --listen :8080 --server app:9001 \\\n"
    "    --policy least-requests --threads 2 --log coordinator.log\n"
    "  giliran coordinator -c giliran.toml --log-format combined --log access.log\n";

std::string policy_help() {
  std::string names;
  for (const std::string_view name : balance::policy_names()) {
    names += fmt::format("{}{}", names.empty() ? "" : ", ", name);
  }
  return "whose turn it is: " + names;
}

// Looked at together with those before it, so that a server given twice is seen.
base::Result<void> add_server(std::vector<config::ServerSpec>& out, const std::string& text) {
  std::vector<std::string> all;
  for (const config::ServerSpec& server : out) all.push_back(server.host_port);
  all.push_back(text);
  out.push_back(GILIRAN_TRY(config::parse_server_list(all)).back());
  return {};
}

base::Result<void> set_policy(std::string& out, const std::string& text) {
  const std::vector<std::string_view> names = balance::policy_names();
  if (std::ranges::find(names, text) == names.end()) {
    return base::fail(fmt::format("'{}': {}", text, config::advice_on_policy(text, names)));
  }
  out = text;
  return {};
}

// --- a flag for each single value of a file ---

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

std::string metavar_of(const ValueKey& key) {
  if (key.form == "true or false") return "";
  if (key.form == "number") return "N";
  if (key.form == "auto or a number") return "N|auto";
  std::string text(key.form);
  if (text.find(" or ") != std::string::npos) {  // "json, tcplog or combined"
    replace_all(text, ", ", "|");
    replace_all(text, " or ", "|");
    return text;
  }
  std::ranges::transform(text, text.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  });
  return text;
}

std::string help_of(const ValueKey& key) {
  std::string now = key.absent.empty() ? key.write(config::Coordinator()) : std::string(key.absent);
  replace_all(now, "\"", "");
  if (key.form == "true or false") return std::string(key.meaning);
  return fmt::format("{}; default: {}", key.meaning, now);
}

// Texts that a table of flags borrows: made once, kept for good.
std::string_view keep(std::string text) {
  static std::deque<std::string> kept;
  const auto found = std::ranges::find(kept, text);
  return found == kept.end() ? kept.emplace_back(std::move(text)) : *found;
}

base::Result<void> set_value(CoordinatorFlags& flags, const ValueKey& key,
                             const std::string& text) {
  config::Value value = config::text_value(text);
  if (key.form == "true or false") {
    value.kind = config::Value::Kind::kBool;
    value.boolean = true;
  }
  config::Coordinator tried;
  config::Reader reader;
  key.read(value, tried, reader);
  if (!reader.problems.empty()) {
    return base::fail(fmt::format("'{}': {}", value.shown(), reader.problems.front().what));
  }
  flags.values.emplace_back([&key, value](config::Coordinator& config) {
    config::Reader again;
    key.read(value, config, again);
  });
  return {};
}

Flag flag_of(CoordinatorFlags& flags, const ValueKey& key, std::string name) {
  return {.names = keep(std::move(name)),
          .metavar = keep(metavar_of(key)),
          .help = keep(help_of(key)),
          .set = [&flags, &key](const std::string& text) { return set_value(flags, key, text); }};
}

std::string name_of(const ValueKey& key) {
  std::string name(key.name);
  std::ranges::replace(name, '_', '-');
  return (key.name == "quiet" ? "-q,--" : "--") + name;
}

std::string name_of_log(const ValueKey& key) {
  return key.name == "path" ? "--log" : fmt::format("--log-{}", key.name);
}

std::vector<Flag> value_flags(CoordinatorFlags& flags) {
  std::vector<Flag> all;
  for (const ValueKey& key : config::top_keys()) all.push_back(flag_of(flags, key, name_of(key)));
  for (const ValueKey& key : config::log_keys()) {
    all.push_back(flag_of(flags, key, name_of_log(key)));
  }
  for (const auto keys : {config::timeout_keys(), config::limit_keys()}) {
    for (const ValueKey& key : keys) all.push_back(flag_of(flags, key, name_of(key)));
  }
  return all;
}

}  // namespace

Command coordinator_command(CoordinatorFlags& flags) {
  static const std::string policies = policy_help();
  Command command{.name = "coordinator",
                  .summary =
                      "The balancer: gives each request, or tcp:// connection, its turn on "
                      "a server, and accounts for it.",
                  .arguments = "",
                  .examples = kExamples};
  command.flags = {
      {"-c,--config", "FILE", "TOML (docs/configuration.md); the flags below add or override",
       set_file_of_keys(flags.file)},
      {"--listen", "[http://|tcp://]HOST:PORT",
       "where to accept clients; also unix:/path, and fd@N: an inherited descriptor",
       add_listen(flags.listens), true},
      {"--server", "HOST:PORT[=WEIGHT]", "a server to send them to; WEIGHT: 1 to 256",
       [&flags](const std::string& text) { return add_server(flags.servers, text); }, true},
      {"--policy", "NAME", policies,
       [&flags](const std::string& text) { return set_policy(flags.policy, text); }},
  };
  std::ranges::move(value_flags(flags), std::back_inserter(command.flags));
  command.first = {"--config", "--listen",     "--server",        "--policy", "--threads",
                   "--log",    "--log-format", "--drain-timeout", "--quiet"};
  command.headings = {{"--config", "What it serves"},
                      {"--threads", "The process"},
                      {"--log", "Log"},
                      {"--connect-timeout", "Timeouts"},
                      {"--connections-max", "Limits"}};
  command.finish = [&flags]() -> base::Result<void> {
    if (flags.listens.empty()) return {};
    return check_listens(flags.listens, "127.0.0.1:8080");
  };
  return command;
}

}  // namespace giliran::cli
