// `giliran client --find-max`: runs the search, step by step.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "client/capacity_step.h"
#include "client/options.h"

namespace giliran::client {

// Runs to the end and prints what was found. Exit status: 0; 1 where nothing could be run; 128 +
// the signal that cut the search; 2 for bad usage; 3 where not even the least rate holds, or with
// --strict where the client was the limit. Blocks; handles SIGINT and SIGTERM while a step runs.
int run_find_max(const ClientOptions& options);

struct Capacity {
  std::string url;
  FoundMax found;
  std::vector<CapacityStep> steps;
  Bottleneck limit;
  double before_rate = 0;  // what the limit compares with: the least rate that holds; 0: none
  std::string failed;      // why the least rate that fails does: of its last failing step
  int interrupted_by = 0;  // the signal that cut the search; 0: none
};

// What the coordinator's records of the steps at `rate` say, as gl-queue, gl-connect and gl-wait
// (docs/formats/record.md); answered is how many there are. Clocks are those of one machine.
base::Result<TierTimesOfStep> coordinator_times(const std::string& log_path,
                                                std::span<const CapacityStep> steps, double rate);

// Several lines for people.
std::string text(const Capacity& capacity);
// docs/client.md
std::string to_json(const Capacity& capacity);

}  // namespace giliran::client
