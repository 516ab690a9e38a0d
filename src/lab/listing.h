// What `giliran lab list` and `giliran lab show` print.
#pragma once

#include <cstdint>
#include <string>

#include "lab/scenario.h"

namespace giliran::lab {

// The built-in scenarios: a line each with name, runs and time, and what it is about. At most 80
// columns.
std::string list_text(uint32_t cores);

// The scenario's file, and as comments behind it each run with its command lines: as a whole a
// scenario file again, ready to be saved and edited.
std::string show_text(const Scenario& scenario);

// "6 runs, about 40 s"
std::string extent_text(const Scenario& scenario);

}  // namespace giliran::lab
