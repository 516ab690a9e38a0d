#include "terminal/shares.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "report/format.h"
#include "report/table.h"

namespace giliran::terminal {
namespace {

constexpr size_t kNameColumns = 20;
constexpr size_t kBarColumns = 30;
constexpr size_t kOtherColumns = 12;  // indent, share, what is between
constexpr size_t kShownMax = 8;

std::string bar(double share, size_t columns) {
  static constexpr std::array<std::string_view, 8> kEighths = {"",  "▏", "▎", "▍",
                                                               "▌", "▋", "▊", "▉"};
  const auto eighths = static_cast<size_t>(share * static_cast<double>(columns) * 8 + 0.5);
  std::string text;
  for (size_t i = 0; i < eighths / 8; ++i) text += "█";
  text += kEighths[eighths % 8];
  return text;
}

std::string line(const Share& one, uint64_t all, size_t bar_columns) {
  std::string text = "  " + report::printable(one.name, kNameColumns);
  text.append(kNameColumns + 3 - std::min(kNameColumns + 2, report::width(text)), ' ');
  text += fmt::format("{:>6}  ", report::format_share(one.count, all));
  if (all != 0) text += bar(static_cast<double>(one.count) / static_cast<double>(all), bar_columns);
  if (!one.note.empty()) text += "  " + one.note;
  return text;
}

}  // namespace

std::vector<LiveLine> share_lines(std::span<const Share> shares, size_t columns, size_t rows) {
  uint64_t all = 0;
  for (const Share& one : shares) all += one.count;
  const size_t fixed = kNameColumns + kOtherColumns;
  const size_t bar_columns = std::min(kBarColumns, columns > fixed ? columns - fixed : 0);
  size_t shown = std::min({shares.size(), rows, kShownMax});
  if (shown != 0 && shown < shares.size()) --shown;
  std::vector<LiveLine> lines;
  for (const Share& one : shares.first(shown)) {
    lines.push_back({.text = line(one, all, bar_columns)});
  }
  if (shown < shares.size() && rows != 0) {
    lines.push_back({.text = fmt::format("  and {} more", shares.size() - shown),
                     .style = LiveLine::Style::kFaint});
  }
  return lines;
}

}  // namespace giliran::terminal
