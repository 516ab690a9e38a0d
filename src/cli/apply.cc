// The only file that includes CLI11: it takes seconds to compile.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>

#include "base/parse.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/neighbours.h"

namespace giliran::cli {
namespace {

struct Given {
  const Flag* flag;
  CLI::Option* option;
};

// With what other programs call it: "-m,--method,-X,--request".
std::string all_names(const Command& command, const Flag& flag) {
  std::string names(flag.names);
  for (const Neighbour& row : neighbours_of(command.name)) {
    const bool same = row.is == Neighbour::Is::kFlag && row.here == long_name(flag);
    if (same) names += fmt::format(",{}", row.names);
  }
  return names;
}

// The name of a flag without what stands behind its '='.
std::string name_of(const std::string& argument) {
  return argument.substr(0, argument.find('='));
}

std::unexpected<base::Error> unknown(const Command& command, const std::string& argument) {
  const std::string name = name_of(argument);
  if (name == "-") {
    return base::fail("a short flag takes its value without '=': -c 5, or --connections=5");
  }
  const Neighbour* known = find_neighbour(neighbours_of(command.name), Neighbour::Is::kOther, name);
  if (known != nullptr) {
    const bool whole = known->names.find(name) != std::string_view::npos;
    return base::fail(fmt::format("{}: {}", whole ? name : name.substr(0, 2), known->here));
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
      fmt::format("unknown flag {}; giliran {} --help-all lists them", name, command.name));
}

// "-rate 100" with one dash, as Go's flags are written: it would be read as "-r ate".
base::Result<void> check_dashes(const Command& command, std::span<const std::string> args) {
  for (const std::string& arg : args) {
    const std::string name = name_of(arg);
    if (name.size() < 4 || name[0] != '-' || name[1] == '-') continue;
    const std::string right = '-' + name;
    const auto is_it = [&](const Flag& flag) { return long_name(flag) == right; };
    const auto table = neighbours_of(command.name);
    if (find_neighbour(table, Neighbour::Is::kOther, right) != nullptr) {
      return unknown(command, right);
    }
    if (std::ranges::any_of(command.flags, is_it) ||
        find_neighbour(table, Neighbour::Is::kFlag, right) != nullptr) {
      return base::fail(fmt::format("unknown flag {}; did you mean {}?", name, right));
    }
  }
  return {};
}

// What a bad value may have meant in another program. A number alone, or a word that is near, was
// meant for us.
std::string meant(const Command& command, const std::string& name, const std::string& value,
                  const std::string& error) {
  if (base::all_digits(value) || error.find("did you mean") != std::string::npos) return {};
  const Neighbour* row = find_neighbour(neighbours_of(command.name), Neighbour::Is::kValue, name);
  return row == nullptr ? std::string() : fmt::format("; {}", row->here);
}

base::Result<void> call_setters(const Command& command, const Given& given) {
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
    if (!set) {
      const std::string& error = set.error().message;
      return base::fail(fmt::format("{}: {}{}", name, error, meant(command, name, value, error)));
    }
  }
  return {};
}

base::Result<void> take_arguments(const Command& command, const std::vector<std::string>& values) {
  if (values.size() > command.arguments_max) {
    const std::string& extra = values[command.arguments_max];
    const std::string advice = advice_on_argument(command.name, extra);
    return base::fail(fmt::format("unexpected argument '{}'; {}", extra,
                                  advice.empty() ? fmt::format("giliran {} --help says what it "
                                                               "takes",
                                                               command.name)
                                                 : advice));
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
    const std::string names = all_names(command, flag);
    CLI::Option* option = nullptr;
    if (flag.metavar.empty()) {
      option = app.add_flag(names);
    } else {
      option = app.add_option(names, [](const CLI::results_t&) { return true; });
      option->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)->allow_extra_args(false);
    }
    given.push_back({&flag, option});
  }
  GILIRAN_TRY_VOID(check_dashes(command, args));
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
    auto set = call_setters(command, each);
    if (!set) return set;
  }
  auto taken = take_arguments(command, rest);
  if (!taken || !command.finish) return taken;
  return command.finish();
}

}  // namespace giliran::cli
