#include <fmt/format.h>

#include <algorithm>

#include "cli/command.h"

namespace giliran::cli {
namespace {

// "-c, --connections N"
std::string left_side(const Flag& flag) {
  const size_t comma = flag.names.find(',');
  std::string left =
      comma == std::string_view::npos
          ? fmt::format("    {}", flag.names)
          : fmt::format("{}, {}", flag.names.substr(0, comma), flag.names.substr(comma + 1));
  if (!flag.metavar.empty()) left += fmt::format(" {}", flag.metavar);
  return left;
}

}  // namespace

std::string help(const Command& command) {
  std::string out =
      fmt::format("{}\n\nUsage: giliran {}{}{} [flags]\n\n", command.summary, command.name,
                  command.arguments.empty() ? "" : " ", command.arguments);
  size_t width = 0;
  for (const Flag& flag : command.flags) width = std::max(width, left_side(flag).size());
  for (const Flag& flag : command.flags) {
    out += fmt::format("  {:<{}}  {}{}\n", left_side(flag), width, flag.help,
                       flag.repeat ? " (may be repeated)" : "");
  }
  out += fmt::format("  {:<{}}  {}\n", "-h, --help", width, "this text");
  out += fmt::format("\nExamples:\n{}", command.examples);
  return out;
}

}  // namespace giliran::cli
