#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "balance/policy.h"
#include "base/parse.h"
#include "cli/commands.h"
#include "cli/setters.h"

namespace giliran::cli {
namespace {

constexpr uint32_t kThreadsPerProcessorMax = 4;

constexpr std::string_view kExamples =
    "  giliran coordinator --listen 127.0.0.1:8080 --server 127.0.0.1:9001 --server "
    "127.0.0.1:9002\n"
    "  giliran coordinator --listen tcp://127.0.0.1:8080 --server 127.0.0.1:9001=3 --server "
    "127.0.0.1:9002\n"
    "  giliran coordinator --listen :8080 --server app:9001 --policy least-requests --threads 2 "
    "--log "
    "coordinator.log\n";

std::string policy_help() {
  std::string names;
  for (const std::string_view name : balance::policy_names()) {
    names += fmt::format("{}{}", names.empty() ? "" : ", ", name);
  }
  return "whose turn it is: " + names;
}

base::Result<void> set_threads(uint32_t& out, const std::string& text) {
  if (text == "auto") {
    out = 0;
    return {};
  }
  const uint32_t max = kThreadsPerProcessorMax * std::max(1U, std::thread::hardware_concurrency());
  const auto value = base::parse_count(text);
  if (!value || *value == 0) {
    return base::fail(fmt::format("'{}': expected auto or a number from 1 to {}", text, max));
  }
  if (*value > max) {
    return base::fail(
        fmt::format("'{}': expected at most {}, {} for each processor (auto is one for each)", text,
                    max, kThreadsPerProcessorMax));
  }
  out = static_cast<uint32_t>(*value);
  return {};
}

// Looked at together with those before it, so that a server given twice is seen.
base::Result<void> add_server(std::vector<config::Server>& out, const std::string& text) {
  std::vector<std::string> all;
  for (const config::Server& server : out) all.push_back(server.spec.host_port);
  all.push_back(text);
  out.push_back({.spec = GILIRAN_TRY(config::parse_server_list(all)).back(), .name = {}});
  return {};
}

Setter add_listener(std::vector<config::Listener>& out) {
  return [&out](const std::string& text) -> base::Result<void> {
    config::Listener listener;
    listener.listen = GILIRAN_TRY(config::parse_listen_spec(text));
    listener.pool = "default";
    out.push_back(std::move(listener));
    return {};
  };
}

Setter set_log_full(config::LogFull& out) {
  return [&out](const std::string& text) -> base::Result<void> {
    telemetry::LogFull full{};
    GILIRAN_TRY_VOID(cli::set_log_full(full)(text));
    out = full == telemetry::LogFull::kWait ? config::LogFull::kWait : config::LogFull::kDrop;
    return {};
  };
}

std::vector<Flag> limit_flags(config::Timeouts& o, config::Limits& l) {
  return {
      {"--connect-timeout", "TIME", "one attempt to connect to a server; default: 5s",
       set_duration(o.connect_timeout)},
      {"--head-timeout", "TIME", "a client's request head, from its first byte; default: 10s",
       set_duration(o.head_timeout)},
      {"--response-timeout", "TIME", "request sent to response head; default: 60s",
       set_duration(o.response_timeout)},
      {"--body-timeout", "TIME", "a body that stops coming; default: 60s",
       set_duration(o.body_timeout)},
      {"--write-timeout", "TIME", "a reader that stops reading; default: 60s",
       set_duration(o.write_timeout)},
      {"--idle-timeout", "TIME", "a client between two requests; default: 60s",
       set_duration(o.idle_timeout)},
      {"--upstream-idle-timeout", "TIME", "an idle connection to a server; default: 4s",
       set_duration(o.upstream_idle_timeout)},
      {"--flow-idle-timeout", "TIME", "a tcp:// connection on which nothing moves; default: 10m",
       set_duration(o.flow_idle_timeout)},
      {"--upstream-idle-max", "N", "idle connections to servers, per worker; default: 1024",
       set_number(l.upstream_idle_max, 0, 1'000'000)},
      {"--head-bytes-max", "BYTES", "a request head; default: 16KiB",
       set_bytes(l.head_bytes_max, 1024, 60 * 1024)},
      {"--fields-max", "N", "header fields of a request; default: 100",
       set_number(l.fields_max, 1, 128)},
  };
}

}  // namespace

Command coordinator_command(control::CoordinatorOptions& options) {
  config::Coordinator& o = options.config;
  o.pools.push_back({.name = "default"});
  static const std::string policies = policy_help();
  Command command{.name = "coordinator",
                  .summary =
                      "The balancer: gives each request, or tcp:// connection, its turn on "
                      "a server, and accounts for it.",
                  .arguments = "",
                  .examples = kExamples};
  command.flags = {
      {"--listen", "[http://|tcp://]HOST:PORT", "where to accept clients",
       add_listener(o.listeners), true},
      {"--server", "HOST:PORT[=WEIGHT]", "a server to send them to; WEIGHT: 1 to 256",
       [&o](const std::string& text) { return add_server(o.pools[0].servers, text); }, true},
      {"--policy", "NAME", policies,
       [&o](const std::string& text) -> base::Result<void> {
         GILIRAN_TRY_VOID(balance::find_policy(text));
         o.pools[0].policy = text;
         return {};
       }},
      {"--threads", "N|auto", "workers; default: auto, one per processor",
       [&o](const std::string& text) { return set_threads(o.threads, text); }},
      {"--log", "PATH", "one JSON record for each exchange and connection; -: standard output",
       set_text(o.log.path)},
      {"--log-full", "drop|wait", "when the log cannot keep up; default: drop, and count",
       set_log_full(o.log.full)},
      {"--drain-timeout", "TIME", "how long TERM waits for what is under way; default: 30s",
       set_duration(o.drain_timeout)},
      {"--seed", "N", "of everything random; default: a random one",
       set_number(o.seed, 1, UINT64_MAX)},
      {"-q,--quiet", "", "no plan and no summary", set_true(o.quiet)},
  };
  std::ranges::move(limit_flags(o.timeouts, o.limits), std::back_inserter(command.flags));
  command.absent = {
      {"-c", "configuration files come later; give --listen and --server"},
      {"--config", "configuration files come later; give --listen and --server"},
      {"--log-format", "the log is JSON, one record a line; other formats come later"},
  };
  command.finish = [&o]() -> base::Result<void> {
    std::vector<config::ListenSpec> specs;
    for (const config::Listener& listener : o.listeners) specs.push_back(listener.listen);
    const auto listens = check_listens(specs, "127.0.0.1:8080");
    if (!listens) return listens;
    if (o.pools[0].servers.empty()) {
      return base::fail("no server: give --server HOST:PORT, such as --server 127.0.0.1:9001");
    }
    return {};
  };
  return command;
}

}  // namespace giliran::cli
