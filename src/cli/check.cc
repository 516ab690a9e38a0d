#include "cli/check.h"

#include <fmt/format.h>

#include <span>
#include <string_view>
#include <vector>

#include "balance/policy.h"
#include "config/coordinator_toml.h"
#include "config/key_rows.h"
#include "config/toml_file.h"
#include "lab/listing.h"
#include "lab/scenario_keys.h"
#include "lab/scenario_toml.h"

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

// Whether it says of itself that it is one; what cannot be read is told elsewhere.
bool holds_scenario(const std::string& file) {
  const auto text = config::read_toml_file(file);
  if (!text) return false;
  const auto root = config::read_toml(*text);
  return root && lab::is_scenario(*root);
}

int check_scenario(const CheckOptions& options, std::span<const std::string_view> policies,
                   std::ostream& out, std::ostream& err) {
  const auto scenario = lab::load_scenario(options.file, lab::check_here(policies));
  if (!scenario) {
    err << scenario.error().message << '\n';
    return 2;
  }
  if (options.what == CheckWhat::kPrint) {
    out << lab::print_scenario(*scenario);
  } else {
    out << options.file << ": good: scenario " << scenario->name << ", "
        << lab::extent_text(*scenario) << '\n';
  }
  return 0;
}

}  // namespace

int run_check(const CheckOptions& options, std::ostream& out, std::ostream& err) {
  if (options.what == CheckWhat::kKeys) {
    out << config::key_tables();
    return 0;
  }
  if (options.what == CheckWhat::kScenarioKeys) {
    out << lab::scenario_key_tables();
    return 0;
  }
  const std::vector<std::string_view> policies = balance::policy_names();
  if (holds_scenario(options.file)) return check_scenario(options, policies, out, err);
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
