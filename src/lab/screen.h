// What a lab shows while it runs, on standard error: one line that is rewritten where that is a
// terminal, else plain lines. No colours, and no control characters but on a terminal.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

#include "lab/client_result.h"

namespace giliran::lab {

// Whether or not anybody reads it: `giliran lab 2>&1 | head` ends as it would have.
void put_text(std::FILE* to, std::string_view text);

class Screen {
 public:
  enum class Mode : uint8_t { kQuiet, kLines, kLive };
  static Mode mode_here(bool quiet);  // of this process's standard error

  explicit Screen(Mode mode) : mode_(mode) {}
  ~Screen() { clear(); }
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  // Replaces the live line; nothing where lines are not rewritten.
  void live(std::string_view text);
  // A line that stays, or several.
  void line(std::string_view text);
  void clear();  // the live line

 private:
  Mode mode_;
  bool shown_ = false;
};

// "[ 3/10] tcp-block-1  600/s  p50 480 ms  p99 510 ms  0 errors  33/33/34%": what the last second
// was like, all errors so far, and each server's share of all answers so far. At most 79 columns
// with the built-in scenarios.
std::string progress_text(std::string_view run, const ClientProgress& progress);

}  // namespace giliran::lab
