// When the requests of an open loop are due: the whole schedule follows from the plan and its seed.
#pragma once

#include <span>

#include "base/rng.h"
#include "base/time.h"
#include "client/options.h"
#include "client/rate_profile.h"

namespace giliran::client {

struct ScheduleOptions {
  Arrivals kind = Arrivals::kConstant;
  const RateProfile* profile = nullptr;      // borrowed; not for a replay
  std::span<const base::Duration> replay{};  // borrowed; for a replay: ascending
  uint64_t seed = 0;
  uint64_t requests = 0;      // so many after the warm-up; 0: no bound. Not for a replay
  base::Duration warmup{};    // what is due before is not measured
  base::Duration duration{};  // nothing is due from then on; 0: no bound
};

struct Arrival {
  base::Duration due = RateProfile::kNever;  // since the start; kNever: there is none
  uint64_t ticket = 0;                       // its number within the run, from 1
  bool measured = true;
};

// The arrivals of thread `thread` of `threads`: those whose number is thread + 1, and every
// threads-th from there. Neither a due time nor a ticket depends on the number of threads.
// Pure, no allocation, constant time (Poisson: times the number of threads).
//
// Constant: number k is due when the profile has counted k (from 0). Poisson: by time rescaling:
// the unit-rate process of the seed, read through the inverse of the profile's count, is a Poisson
// process of that rate (Daley and Vere-Jones, An Introduction to the Theory of Point Processes,
// theorem 7.4.I).
class Schedule {
 public:
  Schedule(const ScheduleOptions& options, uint32_t thread, uint32_t threads);

  const Arrival& next() const { return next_; }
  void advance();  // there is a next one
  // There is no next one because so many were asked for, or listed, not because of the time.
  bool counted_out() const { return counted_out_; }

 private:
  void step(uint64_t k);
  void find();
  base::Duration due() const;

  ScheduleOptions options_;
  uint32_t threads_;
  base::Rng rng_;
  uint64_t k_ = 0;               // of the next arrival, from 0
  double position_ = 0;          // Poisson: in the unit-rate process
  uint64_t first_measured_ = 0;  // the first k after the warm-up; UINT64_MAX: not seen yet
  Arrival next_;
  bool counted_out_ = false;
};

}  // namespace giliran::client
