#include "cli/check.h"

#include <fmt/format.h>

#include "balance/policy.h"
#include "config/coordinator_toml.h"
#include "config/key_rows.h"

namespace giliran::cli {
namespace {

std::string count(size_t number, std::string_view noun) {
  return fmt::format("{} {}{}", number, noun, number == 1 ? "" : "s");
}

std::string tally(const config::Coordinator& config) {
  size_t servers = 0;
  for (const config::Pool& pool : config.pools) servers += pool.servers.size();
  return fmt::format("{}, {}, {}", count(config.listeners.size(), "listener"),
                     count(config.pools.size(), "pool"), count(servers, "server"));
}

}  // namespace

int run_check(const CheckOptions& options, std::ostream& out, std::ostream& err) {
  if (options.what == CheckWhat::kKeys) {
    out << config::key_tables();
    return 0;
  }
  const std::vector<std::string_view> policies = balance::policy_names();
  std::vector<std::string> warnings;
  const auto config = config::load_coordinator(options.file, {.policies = policies}, &warnings);
  for (const std::string& warning : warnings) err << warning << '\n';
  if (!config) {
    err << config.error().message << '\n';
    return 2;
  }
  if (config->listeners.empty()) {
    err << options.file << ": no [[listener]]; a coordinator needs one, from here or by --listen\n";
    return 2;
  }
  if (options.what == CheckWhat::kPrint) {
    out << config::print_coordinator(*config);
  } else {
    out << options.file << ": good: " << tally(*config) << '\n';
  }
  return 0;
}

}  // namespace giliran::cli
