#include "lab/result.h"

#include <algorithm>

#include "base/assert.h"
#include "lab/claim.h"

namespace giliran::lab {
namespace {

bool only_changes_the_load(const RunPlan& plan) {
  return std::ranges::all_of(plan.timeline,
                             [](const Event& event) { return event.action == Action::kRate; });
}

double median_of(const std::vector<const RunResult*>& runs, auto value) {
  std::vector<double> values;
  for (const RunResult* run : runs) values.push_back(value(*run));
  return report::median(values).value;
}

}  // namespace

base::Duration RunResult::per_request(base::Duration cpu_time) const {
  // CPU time is of the warm-up too.
  const uint64_t answers = std::max(client.answered, client.answered_in_all);
  return answers == 0 ? base::Duration{} : cpu_time / static_cast<int64_t>(answers);
}

double RunResult::cores(base::Duration cpu_time) const {
  const double seconds = base::to_seconds(client.elapsed);
  return seconds <= 0 ? 0 : base::to_seconds(cpu_time) / seconds;
}

bool RunResult::accounted() const {
  return conserved() && (!turns_judged || evidence.turns_even());
}

bool RunResult::conserved() const {
  return evidence.conserved() || (!killed.empty() && evidence.conserved_without(killed));
}

bool RunResult::met() const {
  return std::ranges::all_of(expected, [](const report::Expected& e) { return e.met; });
}

bool turns_must_be_even(const RunPlan& plan) {
  const config::Pool& pool = plan.coordinator.pools.front();
  const bool plain = pool.policy == "round-robin" && pool.in_flight_max == 0 &&
                     pool.sticky_cookie.empty() && only_changes_the_load(plan);
  return plain && std::ranges::all_of(plan.servers, [](const ServerPlan& server) {
           return server.role != Role::kBalanced ||
                  (server.weight == 1 && server.in_flight_max == 0 &&
                   server.character.fail.rate == 0);
         });
}

const RunResult* LabResult::find(size_t index) const {
  const auto found = std::find_if(runs.begin(), runs.end(),
                                  [index](const RunResult& run) { return run.index == index; });
  return found == runs.end() ? nullptr : &*found;
}

std::vector<const RunResult*> LabResult::runs_of(std::string_view point) const {
  std::vector<const RunResult*> found;
  for (const size_t index : scenario.runs_of(point)) {
    if (const RunResult* run = find(index)) found.push_back(run);
  }
  return found;
}

double LabResult::speed_up(const Contrast& contrast) const {
  const auto rate = [&](size_t index) {
    const auto all = runs_of(scenario.runs[index].point);
    return all.empty() ? 0.0 : median_of(all, [](const RunResult& r) { return r.client.rate; });
  };
  const double one = rate(contrast.one);
  return one <= 0 ? 0 : rate(contrast.many) / one;
}

Measured LabResult::measured(const Contrast& contrast) const {
  const auto one = runs_of(scenario.runs[contrast.one].point);
  const auto many = runs_of(scenario.runs[contrast.many].point);
  GILIRAN_ASSERT(!one.empty() && !many.empty());
  const auto rate = [](const RunResult& run) { return run.client.rate; };
  const auto busy = [](const RunResult& run) { return run.cores_busy(); };
  const auto others = [](const RunResult& run) { return run.others_busy; };
  return {.cores = cores,
          .one_rate = median_of(one, rate),
          .many_rate = median_of(many, rate),
          .one_busy = median_of(one, busy),
          .many_busy = median_of(many, busy),
          .one_coordinator_busy =
              median_of(one, [](const RunResult& run) { return run.coordinator_busy(); }),
          .others_busy = std::max(median_of(one, others), median_of(many, others))};
}

bool LabResult::met() const {
  return std::ranges::all_of(runs, [](const RunResult& run) { return run.met(); }) &&
         std::ranges::all_of(claims, [](const report::Expected& claim) { return claim.met; });
}

int LabResult::exit_status() const {
  if (interrupted) return 130;
  const bool good = std::ranges::all_of(runs, [](const RunResult& run) { return run.accounted(); });
  if (!failure.empty() || !good || runs.size() != scenario.runs.size()) return 1;
  return met() ? 0 : 3;
}

void judge_claims(LabResult& result) {
  result.claims.clear();
  const auto values = [&](std::string_view point, const report::Expectation& metric) {
    std::vector<double> all;
    for (const RunResult* run : result.runs_of(point)) {
      all.push_back(metric.value(measured_of(run->measured)));
    }
    return all;
  };
  for (const Claim& claim : result.scenario.claims) {
    const auto parsed = ParsedClaim::parse(claim.text);
    if (parsed) result.claims.push_back(parsed->judge(values));
  }
}

}  // namespace giliran::lab
