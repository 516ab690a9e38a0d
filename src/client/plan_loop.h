// Part of a plan: which loop, at what rate, for how long.
#pragma once

#include "client/plan.h"

namespace giliran::client {

// Sets loop, arrivals, profile, stages, rate, warmup, duration and interval of a plan that has its
// replay, requests and duration. An error says which flag to mend.
base::Result<void> plan_loop(const ClientOptions& options, Plan& plan);

// How long requests are issued, warm-up included; 0: no telling.
base::Duration planned_length(const Plan& plan);

// "closed loop", "open loop, 2000/s", "open loop, Poisson arrivals, 2000/s".
std::string loop_text(const Plan& plan);

}  // namespace giliran::client
