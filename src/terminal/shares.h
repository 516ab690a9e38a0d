// Who had how much of the whole, as lines with bars: what each server answered.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "terminal/live_block.h"

namespace giliran::terminal {

struct Share {
  std::string name;
  uint64_t count = 0;
  std::string note{};  // behind the bar
};

// A line each, as many as there is room for in `rows`, at most eight; the last of them says how
// many are not shown.
std::vector<LiveLine> share_lines(std::span<const Share> shares, size_t columns, size_t rows);

}  // namespace giliran::terminal
