// A few lines at the bottom of a terminal that are rewritten in place. Pure: yields the bytes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace giliran::terminal {

// What a terminal is sent for the styles of a line, and to end them.
inline constexpr std::string_view kStrongCode = "\x1b[1m";
inline constexpr std::string_view kFaintCode = "\x1b[2m";
inline constexpr std::string_view kAlarmCode = "\x1b[1;31m";
inline constexpr std::string_view kPlainCode = "\x1b[0m";

struct LiveLine {
  enum class Style : unsigned char { kPlain, kStrong, kFaint, kAlarm };
  std::string text;  // no control characters
  Style style = Style::kPlain;
};

class LiveBlock {
 public:
  explicit LiveBlock(bool colour) : colour_(colour) {}

  // Replaces what was drawn before. columns: of the terminal now; lines are cut to less, so that
  // none wraps. The cursor ends at the end of the last line.
  std::string draw(const std::vector<LiveLine>& lines, size_t columns);
  // Removes everything: the cursor is where the block began. Empty where nothing was drawn.
  std::string erase(size_t columns);

 private:
  std::string back_to_begin(size_t columns) const;

  bool colour_;
  std::vector<size_t> widths_;  // of the lines on the screen
};

}  // namespace giliran::terminal
