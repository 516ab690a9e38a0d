// Help in 80 columns: short by default, because who asks the first time wants a line that works
// and the dozen flags of the first hour; --help-all has every flag.
#include <fmt/format.h>

#include <algorithm>

#include "cli/command.h"
#include "report/table.h"

namespace giliran::cli {
namespace {

constexpr size_t kTextAtMost = 30;  // where meanings begin; a longer left side has its own line

struct Row {
  std::string left;  // "  -c, --connections N"
  std::string text;
  std::string_view heading{};  // in front of it; empty: none
};

std::string left_side(const Flag& flag) {
  const size_t comma = flag.names.find(',');
  std::string left =
      comma == std::string_view::npos
          ? fmt::format("      {}", flag.names)
          : fmt::format("  {}, {}", flag.names.substr(0, comma), flag.names.substr(comma + 1));
  if (!flag.metavar.empty()) left += fmt::format(" {}", flag.metavar);
  return left;
}

bool in_short_help(const Command& command, const Flag& flag) {
  return command.first.empty() ||
         std::ranges::find(command.first, long_name(flag)) != command.first.end();
}

std::vector<Row> rows_of(const Command& command, HelpOf which) {
  std::vector<Row> rows;
  for (const Flag& flag : command.flags) {
    if (which == HelpOf::kFirstHour && !in_short_help(command, flag)) continue;
    Row& row = rows.emplace_back();
    row.left = left_side(flag);
    row.text = fmt::format("{}{}", flag.help, flag.repeat ? " (may be repeated)" : "");
    const auto heading = std::ranges::find(command.headings, long_name(flag), &Heading::before);
    if (which == HelpOf::kAll && heading != command.headings.end()) row.heading = heading->text;
  }
  const bool all = command.first.empty();
  rows.push_back(
      {.left = "  -h, --help", .text = all ? "this text" : "the flags of the first hour"});
  if (!all) {
    rows.push_back(
        {.left = "      --help-all", .text = fmt::format("all {} flags", command.flags.size())});
  }
  return rows;
}

std::string lines_of(const std::vector<Row>& rows) {
  size_t text_at = 0;
  for (const Row& row : rows) {
    const size_t needed = row.left.size() + 2;
    if (needed <= kTextAtMost) text_at = std::max(text_at, needed);
  }
  std::string out;
  for (const Row& row : rows) {
    if (!row.heading.empty()) out += fmt::format("\n{}:\n", row.heading);
    out += row.left;
    const bool alone = row.left.size() + 2 > text_at;
    if (alone) out += '\n';
    out.append(alone ? text_at : text_at - row.left.size(), ' ');
    out += report::wrapped(row.text, text_at);
  }
  return out;
}

}  // namespace

std::string long_name(const Flag& flag) {
  const size_t comma = flag.names.find(',');
  return std::string(comma == std::string_view::npos ? flag.names : flag.names.substr(comma + 1));
}

std::string help(const Command& command, HelpOf which) {
  const std::string begin = fmt::format("Usage: giliran {} ", command.name);
  const std::string_view arguments = command.arguments;
  return fmt::format(
      "{}\n{}{}\n{}\nExamples:\n{}", report::wrapped(command.summary, 0), begin,
      report::wrapped(fmt::format("{}{}[flags]", arguments, arguments.empty() ? "" : " "),
                      begin.size()),
      lines_of(rows_of(command, which)), command.examples);
}

}  // namespace giliran::cli
