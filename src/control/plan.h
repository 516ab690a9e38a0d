// What the options come to, resolved and checked before anything starts.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/address.h"
#include "base/error.h"
#include "cluster/snapshot.h"
#include "control/coordinator.h"
#include "proxy/worker.h"

namespace giliran::control {

struct Plan {
  std::vector<proxy::Listener> listeners;
  std::vector<base::Address> addresses;  // of each listener
  std::shared_ptr<const cluster::Snapshot> snapshot;
  uint32_t workers = 1;
  size_t descriptors = 0;  // the limit in force
};

// Resolves names, probes ports, builds the pool. An error is one line for the person at the
// terminal.
base::Result<Plan> make_plan(const CoordinatorOptions& options);

// The plan in a few lines, for standard error.
std::string describe(const Plan& plan, const CoordinatorOptions& options);

}  // namespace giliran::control
