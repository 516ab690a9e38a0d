// What the coordinator says on standard error while it runs.
#pragma once

namespace giliran::control {

// From here on spdlog's default logger writes there, a line each: time, level, message. A message
// is shown as base::printable_lines shows it: names and errors in it may come from anywhere.
void start_diagnostics();

}  // namespace giliran::control
