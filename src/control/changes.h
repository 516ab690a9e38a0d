// What a reload changed, in words. Pure.
#pragma once

#include <string>
#include <vector>

#include "cluster/snapshot.h"
#include "control/plan.h"

namespace giliran::control {

// "1 listener added (web); pool app: 2 servers added (c, d), 1 removed (a); limits changed
// (fields_max 50, was 100)", or "nothing changed". Of long lists the first names.
std::string changes(const config::Coordinator& before, const cluster::Snapshot& old,
                    const config::Coordinator& after, const cluster::Snapshot& now);

// What only a restart changes, a sentence each: "threads stays 2 until a restart".
std::vector<std::string> needs_restart(const Plan& running, const Plan& next);
// What runs on: the next plan with these things as they are.
void keep_until_restart(const Plan& running, Plan& next);

}  // namespace giliran::control
