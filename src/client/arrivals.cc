#include "client/arrivals.h"

#include <algorithm>
#include <cmath>

#include "base/assert.h"

namespace giliran::client {
namespace {

constexpr uint64_t kStream = 0x6172726976616c73;  // of the seed: not that of the requests' contents

}  // namespace

Schedule::Schedule(const ScheduleOptions& options, uint32_t thread, uint32_t threads)
    : options_(options), threads_(threads), rng_(options.seed ^ kStream), k_(thread) {
  GILIRAN_ASSERT(thread < threads);
  GILIRAN_ASSERT(options.kind == Arrivals::kReplay || options.profile != nullptr);
  switch (options_.kind) {
    case Arrivals::kConstant: {
      const double before = options_.profile->count_before(options_.warmup);
      first_measured_ = static_cast<uint64_t>(std::max(before - 1, 0.0));
      while (options_.profile->time_of(static_cast<double>(first_measured_)) < options_.warmup) {
        ++first_measured_;
      }
      break;
    }
    case Arrivals::kPoisson:
      first_measured_ = UINT64_MAX;  // not seen yet
      for (uint32_t i = 0; i <= thread; ++i) step(i);
      break;
    case Arrivals::kReplay:
      first_measured_ = static_cast<uint64_t>(
          std::ranges::lower_bound(options_.replay, options_.warmup) - options_.replay.begin());
      break;
  }
  find();
}

// One arrival further in the unit-rate process: number k.
void Schedule::step(uint64_t k) {
  position_ -= std::log1p(-rng_.uniform());
  if (first_measured_ == UINT64_MAX && options_.profile->time_of(position_) >= options_.warmup) {
    first_measured_ = k;
  }
}

void Schedule::advance() {
  GILIRAN_ASSERT(next_.ticket != 0);
  if (options_.kind == Arrivals::kPoisson) {
    for (uint32_t i = 1; i <= threads_; ++i) step(k_ + i);
  }
  k_ += threads_;
  find();
}

base::Duration Schedule::due() const {
  switch (options_.kind) {
    case Arrivals::kConstant:
      return options_.profile->time_of(static_cast<double>(k_));
    case Arrivals::kPoisson:
      return options_.profile->time_of(position_);
    case Arrivals::kReplay:
      return k_ < options_.replay.size() ? options_.replay[k_] : RateProfile::kNever;
  }
  return RateProfile::kNever;
}

void Schedule::find() {
  const base::Duration at = due();
  const bool measured = at >= options_.warmup;
  counted_out_ = options_.kind == Arrivals::kReplay
                     ? at == RateProfile::kNever
                     : measured && options_.requests != 0 && k_ >= first_measured_ &&
                           k_ - first_measured_ >= options_.requests;
  const bool in_time = options_.duration.count() == 0 || at < options_.duration;
  next_ = {};
  if (at == RateProfile::kNever || counted_out_ || !in_time) return;
  next_ = {.due = at, .ticket = k_ + 1, .measured = measured};
}

}  // namespace giliran::client
