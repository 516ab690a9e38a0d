// A run, put together from what its tables say, and checked as a whole.
#pragma once

#include "config/reader.h"
#include "lab/scenario_keys.h"
#include "lab/scenario_toml.h"

namespace giliran::lab {

// What `body` was read from, table by table, for the positions of problems: `tree`. Name, point,
// repetition and labels are left to the caller.
RunPlan build_run(const Body& body, const config::Value& tree, const ScenarioCheck& check,
                  config::Reader& reader);

// The other way: a body that builds to an equal run.
Body body_of(const RunPlan& run);

}  // namespace giliran::lab
