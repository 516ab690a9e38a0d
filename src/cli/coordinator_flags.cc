#include "cli/coordinator_flags.h"

#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "balance/policy.h"
#include "config/coordinator_toml.h"

namespace giliran::cli {
namespace {

constexpr uint32_t kThreadsPerProcessorMax = 4;
constexpr std::string_view kDefaultPool = "default";

config::Pool* find_default(config::Coordinator& config) {
  const auto found = std::ranges::find(config.pools, kDefaultPool, &config::Pool::name);
  return found == config.pools.end() ? nullptr : &*found;
}

base::Result<void> add_pool(const CoordinatorFlags& flags, config::Coordinator& config) {
  config::Pool* pool = find_default(config);
  if (pool == nullptr && !flags.servers.empty()) {
    pool = &config.pools.emplace_back();
    pool->name = kDefaultPool;
  }
  if (pool == nullptr && !flags.listens.empty()) {
    return base::fail("no server: give --server HOST:PORT, such as --server 127.0.0.1:9001");
  }
  if (pool == nullptr && !flags.policy.empty() && !flags.file.empty()) {
    return base::fail(fmt::format(
        "--policy is the policy of the pool '{}', which is not there; in a file each pool says its "
        "own",
        kDefaultPool));
  }
  if (pool == nullptr) return {};
  if (!flags.policy.empty()) pool->policy = flags.policy;
  for (const config::ServerSpec& spec : flags.servers) pool->servers.emplace_back().spec = spec;
  return {};
}

void add_listeners(const CoordinatorFlags& flags, config::Coordinator& config) {
  for (const config::ListenSpec& listen : flags.listens) {
    config::Listener& listener = config.listeners.emplace_back();
    listener.listen = listen;
    listener.pool = kDefaultPool;
  }
}

bool is_default(std::string_view pool) {
  return pool == kDefaultPool;
}

// --server beside a file of which no listener and no route goes to its pool.
void warn_of_idle_servers(const CoordinatorFlags& flags, const config::Coordinator& config,
                          std::vector<std::string>* warnings) {
  if (warnings == nullptr || flags.file.empty() || flags.servers.empty()) return;
  for (const config::Listener& listener : config.listeners) {
    if (is_default(listener.pool)) return;
    if (std::ranges::any_of(listener.routes, is_default, &config::Route::pool)) return;
  }
  warnings->push_back(
      fmt::format("{}: warning: --server: no listener and no route gives anything to its pool "
                  "'{}'; add --listen, or name the pool in the file",
                  flags.file, kDefaultPool));
}

// Of this machine, so that it is no matter of the file.
base::Result<void> check_threads(uint32_t threads) {
  const uint32_t max = kThreadsPerProcessorMax * std::max(1U, std::thread::hardware_concurrency());
  if (threads <= max) return {};
  return base::fail(
      fmt::format("threads {}: expected at most {} here, {} for each processor (auto is one for "
                  "each)",
                  threads, max, kThreadsPerProcessorMax));
}

}  // namespace

base::Result<config::Coordinator> configured(const CoordinatorFlags& flags,
                                             std::vector<std::string>* warnings) {
  const std::vector<std::string_view> policies = balance::policy_names();
  config::Coordinator config;
  if (!flags.file.empty()) {
    const std::string_view later = flags.servers.empty() ? std::string_view() : kDefaultPool;
    config = GILIRAN_TRY(config::load_coordinator(
        flags.file, {.policies = policies, .later_pool = later}, warnings));
  }
  for (const auto& value : flags.values) value(config);
  GILIRAN_TRY_VOID(add_pool(flags, config));
  add_listeners(flags, config);
  GILIRAN_TRY_VOID(config::complete(config, {.policies = policies}));
  GILIRAN_TRY_VOID(check_threads(config.threads));
  warn_of_idle_servers(flags, config, warnings);
  return config;
}

}  // namespace giliran::cli
