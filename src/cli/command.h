// A subcommand as a table: what its flags are called, what they mean and where they go. Read by
// apply() and by help(); knows nothing of the library that splits the command line.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace giliran::cli {

// Takes one value of a flag; an error says what was expected.
using Setter = std::function<base::Result<void>(const std::string&)>;

struct Flag {
  std::string_view names;    // "-c,--connections"
  std::string_view metavar;  // "N"; empty: a switch, whose setter gets ""
  std::string_view help;
  Setter set;
  bool repeat = false;  // may be given more than once
};

// "--connections", of the flag of these names.
std::string long_name(const Flag& flag);

// A line of --help-all in front of a flag.
struct Heading {
  std::string_view before;  // "--connect-timeout"
  std::string_view text;
};

struct Command {
  std::string_view name;
  std::string_view summary;    // a sentence
  std::string_view arguments;  // "URL" or "LOG..."; empty: takes none
  std::string_view examples;  // lines of at most 80 columns; one that goes on ends with a backslash
  size_t arguments_max = 0;
  Setter argument{};  // one at a time
  std::vector<Flag> flags{};
  std::vector<std::string_view> first{};  // long names of those in short help; empty: all
  std::vector<Heading> headings{};
  std::function<base::Result<void>()> finish{};  // looks at everything together; may be empty
};

// Splits `args` (what follows the name of the command) by the table and calls the setters in the
// order of the table. The first error, as one line without the program's name.
base::Result<void> apply(const Command& command, std::span<const std::string> args);

enum class HelpOf : uint8_t { kFirstHour, kAll };

// What --help and --help-all print: lines of at most 80 columns.
std::string help(const Command& command, HelpOf which);

}  // namespace giliran::cli
