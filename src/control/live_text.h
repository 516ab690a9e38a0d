// The coordinator's live block: a few lines that say how it is now. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "control/meter.h"
#include "terminal/shares.h"

namespace giliran::control {

struct LiveFigures {
  Seen seen{};                  // since the look before
  base::Duration interval{};    // how long that was
  uint64_t records_before = 0;  // all until then
  uint64_t errors_before = 0;
  uint64_t in_flight = 0;                  // exchanges and flows now
  uint64_t connections = 0;                // of clients
  base::Duration up{};                     // since the start
  std::vector<terminal::Share> servers{};  // count: chosen since the look before
};

// At most `rows` lines for a terminal of `columns`.
std::vector<terminal::LiveLine> live_lines(const LiveFigures& figures, size_t columns, size_t rows);

}  // namespace giliran::control
