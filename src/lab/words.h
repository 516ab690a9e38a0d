// Why many threads were as much faster as they were: a model, what it expects, and plain words.
#pragma once

#include <string>

#include "lab/scenario.h"

namespace giliran::lab {

// What was measured of a contrast.
struct Measured {
  uint32_t cores = 1;
  double one_rate = 0;  // requests a second
  double many_rate = 0;
  double one_busy = 0;  // cores busy on the average
  double many_busy = 0;
  double one_coordinator_busy = 0;  // the coordinator's part of one_busy
  double others_busy = 0;           // cores that other programs kept busy meanwhile
  double speed_up() const { return one_rate <= 0 ? 0 : many_rate / one_rate; }
};

// One or two sentences. one and many: the plans of the two runs, which differ in a number of
// threads.
std::string why(const RunPlan& one, const RunPlan& many, const Measured& measured);

}  // namespace giliran::lab
