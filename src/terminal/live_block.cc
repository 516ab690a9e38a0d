#include "terminal/live_block.h"

#include <fmt/format.h>

#include <algorithm>

#include "report/table.h"

namespace giliran::terminal {
namespace {

constexpr std::string_view kToLineEnd = "\x1b[K";
constexpr std::string_view kToScreenEnd = "\x1b[J";

std::string_view begin(LiveLine::Style style) {
  switch (style) {
    case LiveLine::Style::kPlain:
      return "";
    case LiveLine::Style::kStrong:
      return kStrongCode;
    case LiveLine::Style::kFaint:
      return kFaintCode;
    case LiveLine::Style::kAlarm:
      return kAlarmCode;
  }
  return "";
}

}  // namespace

// A terminal that became narrower has wrapped the lines that were drawn.
std::string LiveBlock::back_to_begin(size_t columns) const {
  size_t rows = 0;
  for (const size_t width : widths_) {
    rows += std::max<size_t>(1, (width + columns - 1) / std::max<size_t>(columns, 1));
  }
  return rows > 1 ? fmt::format("\r\x1b[{}A", rows - 1) : "\r";
}

std::string LiveBlock::draw(const std::vector<LiveLine>& lines, size_t columns) {
  std::string out = back_to_begin(columns);
  widths_.clear();
  for (const LiveLine& line : lines) {
    const std::string text = report::printable(line.text, std::max<size_t>(columns, 2) - 1);
    const std::string_view style = colour_ ? begin(line.style) : std::string_view();
    if (!widths_.empty()) out += "\r\n";
    out += style;
    out += text;
    if (!style.empty()) out += kPlainCode;
    out += kToLineEnd;
    widths_.push_back(report::width(text));
  }
  out += kToScreenEnd;
  return out;
}

std::string LiveBlock::erase(size_t columns) {
  if (widths_.empty()) return {};
  std::string out = back_to_begin(columns);
  out += kToScreenEnd;
  widths_.clear();
  return out;
}

}  // namespace giliran::terminal
