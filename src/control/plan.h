// What the configuration comes to, resolved and checked before anything starts.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/address.h"
#include "base/error.h"
#include "cluster/snapshot.h"

namespace giliran::control {

struct Plan {
  config::Coordinator config;
  std::vector<std::vector<cluster::Member>> members;  // of each pool
  std::vector<cluster::Bound> bound;                  // where to listen; ports may still be 0
  uint32_t workers = 1;
  size_t descriptors = 0;  // the limit in force
};

// Resolves names, probes ports. An error is one line for the person at the terminal.
base::Result<Plan> make_plan(config::Coordinator config);

// The plan in a few lines, for standard error.
std::string describe(const Plan& plan);

}  // namespace giliran::control
