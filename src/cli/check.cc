#include "cli/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

#include "balance/policy.h"
#include "base/printable.h"
#include "config/coordinator_toml.h"
#include "config/key_rows.h"
#include "config/toml_file.h"
#include "lab/listing.h"
#include "lab/scenario_keys.h"
#include "lab/scenario_toml.h"
#include "server/character.h"

namespace giliran::cli {
namespace {

constexpr int kBad = 2;

std::string count(size_t number, std::string_view noun) {
  return fmt::format("{} {}{}", number, noun, number == 1 ? "" : "s");
}

std::string tally(const config::Coordinator& config) {
  size_t servers = 0;
  for (const config::Pool& pool : config.pools) servers += pool.servers.size();
  return fmt::format("{}, {}, {}", count(config.listeners.size(), "listener"),
                     count(config.pools.size(), "pool"), count(servers, "server"));
}

// A file whose text has been read: a pipe gives it once.
struct Source {
  std::string path;  // "-": standard input
  std::string text;
  std::string name() const { return config::shown_path(path); }
};

int refuse(const base::Error& error, std::ostream& err) {
  err << base::printable_lines(error.message) << '\n';
  return kBad;
}

int check_scenario(const Source& source, CheckWhat what, std::span<const std::string_view> policies,
                   std::ostream& out, std::ostream& err) {
  const auto scenario = lab::parse_scenario(source.text, source.name(), lab::check_here(policies));
  if (!scenario) return refuse(scenario.error(), err);
  if (what == CheckWhat::kPrint) {
    out << lab::print_scenario(*scenario);
  } else {
    out << source.name() << ": good: scenario " << scenario->name << ", "
        << lab::extent_text(*scenario) << '\n';
  }
  return 0;
}

// Whether it is for giliran server -c: it has one of its keys, and nobody to listen or to send to.
bool is_of_server(const config::Value& root) {
  const auto keys = server::character_keys();
  const bool some = std::ranges::any_of(root.children, [&](const config::Value& member) {
    return config::find_key(keys, member.key) != nullptr;
  });
  return some && root.find("listener") == nullptr && root.find("pool") == nullptr;
}

int check_server(const Source& source, CheckWhat what, std::ostream& out, std::ostream& err) {
  const auto character = server::parse_character(source.text, source.name());
  if (!character) return refuse(character.error(), err);
  std::string text;
  config::write_table(*character, server::character_keys(), "", text);
  if (what == CheckWhat::kPrint) {
    out << text;
  } else {
    out << source.name() << ": good: of giliran server -c, " << character->text() << '\n';
  }
  return 0;
}

int check_coordinator(const Source& source, CheckWhat what,
                      std::span<const std::string_view> policies, std::ostream& out,
                      std::ostream& err) {
  std::vector<std::string> warnings;
  const auto config = config::parse_coordinator(
      source.text, source.name(),
      {.check = {.policies = policies},
       .read_file = config::files_of(std::filesystem::path(source.path).parent_path()),
       .warnings = &warnings});
  for (const std::string& warning : warnings) err << base::printable_lines(warning) << '\n';
  if (!config) return refuse(config.error(), err);
  if (config->listeners.empty()) {
    err << source.name()
        << ": no [[listener]]; a coordinator needs one, from here or by --listen\n";
    return kBad;
  }
  if (what == CheckWhat::kPrint) {
    out << config::print_coordinator(*config);
  } else {
    out << source.name() << ": good: " << tally(*config) << '\n';
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
  auto text = config::read_toml_file(options.file);
  if (!text) return refuse(text.error(), err);
  const Source source{.path = options.file, .text = std::move(*text)};
  const std::vector<std::string_view> policies = balance::policy_names();
  // What is no TOML at all is told as of a coordinator.
  const auto root = config::read_toml(source.text);
  if (root && lab::is_scenario(*root)) {
    return check_scenario(source, options.what, policies, out, err);
  }
  if (root && is_of_server(*root)) return check_server(source, options.what, out, err);
  return check_coordinator(source, options.what, policies, out, err);
}

}  // namespace giliran::cli
