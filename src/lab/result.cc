#include "lab/result.h"

#include <algorithm>

#include "base/assert.h"

namespace giliran::lab {

base::Duration RunResult::per_request(base::Duration cpu_time) const {
  return client.answered == 0 ? base::Duration{} : cpu_time / static_cast<int64_t>(client.answered);
}

double RunResult::cores(base::Duration cpu_time) const {
  const double seconds = base::to_seconds(client.elapsed);
  return seconds <= 0 ? 0 : base::to_seconds(cpu_time) / seconds;
}

const RunResult* LabResult::find(size_t index) const {
  const auto found = std::find_if(runs.begin(), runs.end(),
                                  [index](const RunResult& run) { return run.index == index; });
  return found == runs.end() ? nullptr : &*found;
}

double LabResult::speed_up(const Contrast& contrast) const {
  const RunResult* one = find(contrast.one);
  const RunResult* many = find(contrast.many);
  if (one == nullptr || many == nullptr || one->client.rate <= 0) return 0;
  return many->client.rate / one->client.rate;
}

Measured LabResult::measured(const Contrast& contrast) const {
  const RunResult* one = find(contrast.one);
  const RunResult* many = find(contrast.many);
  GILIRAN_ASSERT(one != nullptr && many != nullptr);
  return {.cores = cores,
          .one_rate = one->client.rate,
          .many_rate = many->client.rate,
          .one_busy = one->cores_busy(),
          .many_busy = many->cores_busy(),
          .one_coordinator_busy = one->coordinator_busy(),
          .others_busy = std::max(one->others_busy, many->others_busy)};
}

int LabResult::exit_status() const {
  if (interrupted) return 130;
  if (!failure.empty()) return 1;
  const bool good = std::all_of(runs.begin(), runs.end(), [](const RunResult& run) {
    return run.evidence.conserved() && run.evidence.turns_even();
  });
  return good && runs.size() == scenario.runs.size() ? 0 : 1;
}

}  // namespace giliran::lab
