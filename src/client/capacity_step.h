// One step of a search for the highest rate: a short open-loop run, judged. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "client/bottleneck.h"
#include "client/find_max.h"
#include "client/run_result.h"

namespace giliran::client {

struct CapacityStep {
  double rate = 0;
  Held held = Held::kFails;
  std::string why{};    // what failed; empty where it holds
  bool judged = false;  // enough was measured to tell whether the client was the limit
  std::vector<report::Expected> conditions{};
  double answer_rate = 0;
  double errors_share = 0;
  base::Duration response_p50{}, response_p99{}, service_p99{};
  TierTimesOfStep times{};
  base::WallTime begin;  // warm-up included
  base::WallTime end;
};

// A rate holds where every condition is met and the system keeps up. Where not, and the client was
// late by its own fault or had no CPU left (the bounds of verdict.h), nothing is said of the
// system; but a rate at which a threshold on errors is missed, or a tenth of the requests or more
// fail, is one that the system does not hold.
CapacityStep judge_step(double rate, const RunResult& result,
                        const std::vector<report::Expectation>& conditions);

struct Flow {
  uint64_t in = 0;   // due
  uint64_t out = 0;  // answered or failed
};
// Whether what is in the system grows from the middle to the end of the run: by more than 2 % of
// what comes in meanwhile, and by more than chance makes it (four standard deviations of Poisson
// arrivals). A system that does so holds no rate, however quick its answers still are.
bool falls_behind(std::span<const Flow> intervals);

}  // namespace giliran::client
