// The terminal on standard error: a block of lines at its bottom, and what is printed above it.
#pragma once

#include <cstddef>
#include <mutex>
#include <string_view>
#include <vector>

#include "base/function_ref.h"
#include "terminal/live_block.h"

namespace giliran::terminal {

// https://no-color.org: NO_COLOR is not set, or empty.
bool colour_wanted();

// It is a terminal, and not one whose cursor cannot be moved (TERM=dumb).
bool moves_cursor(int fd);

// Thread-safe. Never waits for the terminal: one that takes nothing (^S) is not drawn on.
class LiveScreen {
 public:
  LiveScreen();
  ~LiveScreen();
  LiveScreen(const LiveScreen&) = delete;
  LiveScreen& operator=(const LiveScreen&) = delete;

  // Standard error is a terminal whose cursor can be moved.
  static bool possible();

  struct Size {
    size_t columns = 80;
    size_t rows = 24;
  };
  static Size size();

  // Shows these lines in place of those before. Not while the process is in the background of its
  // shell: the terminal is others' then.
  void show(std::vector<LiveLine> lines);
  // Takes the block away for good; what is above stays.
  void clear();
  // Calls `print`, which writes whole lines to this terminal, with the block out of the way. Where
  // it returns false (it stopped within a line) the block comes back with the next show().
  void above(base::FunctionRef<bool()> print);

 private:
  void draw();
  void erase();
  void forget();
  void write(std::string_view bytes);

  std::mutex mutex_;
  int descriptor_;  // of our own, so that it can be one that does not block
  LiveBlock block_;
  std::vector<LiveLine> lines_;
};

}  // namespace giliran::terminal
