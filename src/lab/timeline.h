// The timeline of a run: what a file says of it, made plain and checked.
#pragma once

#include <vector>

#include "config/reader.h"
#include "lab/scenario_keys.h"

namespace giliran::lab {

// By time. run: servers, client and coordinator are there. What cannot happen (a server that is not
// there, a start of what was not killed, a time after the end) is a problem at its place in `tree`.
std::vector<Event> build_timeline(const Body& body, const RunPlan& run, const config::Value& tree,
                                  config::Reader& reader);

}  // namespace giliran::lab
