// The only file that includes CLI11: it takes seconds to compile.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>

#include "base/parse.h"
#include "cli/command.h"

namespace giliran::cli {
namespace {

struct Given {
  const Flag* flag;
  CLI::Option* option;
};

std::string long_name(const Flag& flag) {
  const size_t comma = flag.names.find(',');
  return std::string(comma == std::string_view::npos ? flag.names : flag.names.substr(comma + 1));
}

std::unexpected<base::Error> unknown(const Command& command, const std::string& argument) {
  const std::string name = argument.substr(0, argument.find('='));
  for (const Absent& absent : command.absent) {
    // -R100 too.
    const bool is_short = absent.name.size() == 2 && name.starts_with(absent.name);
    if (name == absent.name || is_short)
      return base::fail(fmt::format("{}: {}", absent.name, absent.instead));
  }
  std::vector<std::string> names;
  for (const Flag& flag : command.flags) names.push_back(long_name(flag));
  names.emplace_back("--help");
  const std::vector<std::string_view> candidates(names.begin(), names.end());
  const std::string_view near = base::nearest(name, candidates);
  if (!near.empty()) {
    return base::fail(fmt::format("unknown flag {}; did you mean {}?", name, near));
  }
  return base::fail(
      fmt::format("unknown flag {}; giliran {} --help lists them", name, command.name));
}

base::Result<void> call_setters(const Given& given) {
  const std::string name = long_name(*given.flag);
  const auto& values = given.option->results();
  if (given.flag->metavar.empty()) {
    for (const std::string& value : values) {
      if (value != "true") return base::fail(fmt::format("{} takes no value", name));
    }
    return given.flag->set("");
  }
  if (values.size() > 1 && !given.flag->repeat) {
    return base::fail(fmt::format("{} is given {} times; once is enough", name, values.size()));
  }
  for (const std::string& value : values) {
    const auto set = given.flag->set(value);
    if (!set) return base::fail(fmt::format("{}: {}", name, set.error().message));
  }
  return {};
}

base::Result<void> take_arguments(const Command& command, const std::vector<std::string>& values) {
  if (values.size() > command.arguments_max) {
    return base::fail(fmt::format("unexpected argument '{}'; giliran {} --help says what it takes",
                                  values[command.arguments_max], command.name));
  }
  for (const std::string& value : values) {
    auto set = command.argument(value);
    if (!set) return set;
  }
  return {};
}

// A flag without its value, or with one it does not take. The library's words name the flag first.
std::unexpected<base::Error> misused(const Command& command, const std::string& what) {
  const std::string name = what.substr(0, what.find_first_of(": ="));
  for (const Flag& flag : command.flags) {
    if (long_name(flag) != name) continue;
    return base::fail(flag.metavar.empty()
                          ? fmt::format("{} takes no value", name)
                          : fmt::format("{} needs a value: {} {}", name, name, flag.metavar));
  }
  return base::fail(what);
}

}  // namespace

base::Result<void> apply(const Command& command, std::span<const std::string> args) {
  CLI::App app;
  app.set_help_flag();
  app.allow_extras();
  std::vector<Given> given;
  for (const Flag& flag : command.flags) {
    const std::string names(flag.names);
    CLI::Option* option = nullptr;
    if (flag.metavar.empty()) {
      option = app.add_flag(names);
    } else {
      option = app.add_option(names, [](const CLI::results_t&) { return true; });
      option->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)->allow_extra_args(false);
    }
    given.push_back({&flag, option});
  }
  try {
    app.parse(std::vector<std::string>(args.rbegin(), args.rend()));
  } catch (const CLI::ParseError& error) {
    return misused(command, error.what());
  }
  // What belongs to no flag: the arguments, and flags that are not in the table.
  const auto rest = app.remaining();
  const auto flag = std::ranges::find_if(
      rest, [](const std::string& each) { return each.size() > 1 && each.front() == '-'; });
  if (flag != rest.end()) return unknown(command, *flag);
  for (const Given& each : given) {
    if (each.option->count() == 0) continue;
    auto set = call_setters(each);
    if (!set) return set;
  }
  auto taken = take_arguments(command, rest);
  if (!taken || !command.finish) return taken;
  return command.finish();
}

}  // namespace giliran::cli
