// Parts of the last screen, each empty where there is nothing to say.
#pragma once

#include <string>

#include "lab/result.h"

namespace giliran::lab {

// The points of a grid: labels, rate, times, errors, CPU, and what is wrong with one.
std::string points_text(const LabResult& result);
// What was expected of runs and points, and whether it was so.
std::string expectations_text(const LabResult& result);
// What makes numbers doubtful: a client that was the limit, Little's law, events that were late.
std::string doubts_text(const LabResult& result);
// What the timeline did, of one repetition of each point.
std::string timeline_text(const LabResult& result);
// Every set of at least three numbers of threads, and the only one there is.
std::string scalings_text(const LabResult& result);

}  // namespace giliran::lab
