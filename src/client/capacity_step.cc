#include "client/capacity_step.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/format.h"

namespace giliran::client {
namespace {

constexpr double kGrowthMax = 0.02;
constexpr double kDeviations = 4;
// From this share of errors on, they are what a rate fails by.
constexpr double kErrorsTelling = 0.1;

base::Duration percentile(const base::Histogram& histogram, double p) {
  return base::Duration(static_cast<int64_t>(histogram.percentile(p)));
}

// Requests that fail are the system's doing, however busy the client was with them.
bool failed_by_errors(const CapacityStep& step) {
  return step.errors_share >= kErrorsTelling ||
         std::ranges::any_of(step.conditions, [](const report::Expected& one) {
           return !one.met && one.text.starts_with("errors");
         });
}

// Why the client itself was the limit; empty where it was not.
std::string own_fault(const CapacityStep& step, const RunResult& result) {
  if (const uint64_t shortages = result.totals.counts().shortages; shortages != 0) {
    return fmt::format("this machine had nothing left for {} connections", shortages);
  }
  if (!step.judged || failed_by_errors(step)) return {};
  if (result.cpu_share_busiest >= kCpuShareMax) {
    return fmt::format("a thread of the client used {:.0f} % of its time",
                       100 * result.cpu_share_busiest);
  }
  if (!too_late(result.totals.lag(), result.totals.response_time())) return {};
  return fmt::format("the client set out late: lag p99 {}",
                     report::format_latency(percentile(result.totals.lag(), 99)));
}

std::vector<Flow> flows(const RunResult& result) {
  std::vector<Flow> out;
  const auto& slices = result.totals.slices();
  const base::Duration interval = result.totals.interval();
  if (interval.count() <= 0) return out;
  const base::Duration end = result.warmup + result.issuing;
  for (size_t i = 0; i < slices.size(); ++i) {
    if (interval * static_cast<int64_t>(i + 1) > end) break;
    out.push_back({.in = slices[i].due, .out = slices[i].answered + slices[i].failed});
  }
  return out;
}

TierTimesOfStep times_of(const RunResult& result) {
  const Recorder& totals = result.totals;
  TierTimesOfStep times{.answered = static_cast<double>(totals.service_time().count()),
                        .lag = totals.lag().mean() / 1e3,
                        .wait = totals.wait().mean() / 1e3,
                        .service = totals.service_time().mean() / 1e3};
  if (times.answered <= 0) return times;
  // An answer that did not tell counts as 0, so that the parts add up.
  for (const TierTally& tier : totals.tiers()) {
    times.tiers[tier.name] =
        tier.took.mean() / 1e3 * static_cast<double>(tier.took.count()) / times.answered;
  }
  return times;
}

std::string not_met(const std::vector<report::Expected>& conditions) {
  std::string text;
  for (const report::Expected& one : conditions) {
    if (!one.met) text += fmt::format("{}{}: {}", text.empty() ? "" : ", ", one.text, one.measured);
  }
  return text;
}

}  // namespace

CapacityStep judge_step(double rate, const RunResult& result,
                        const std::vector<report::Expectation>& conditions) {
  const report::Measured measured = result.measured();
  CapacityStep step{.rate = rate,
                    .judged = enough_to_judge(result.issuing, result.totals.counts().answered),
                    .conditions = report::judge(conditions, measured),
                    .answer_rate = result.rate(),
                    .response_p50 = percentile(result.totals.response_time(), 50),
                    .response_p99 = percentile(result.totals.response_time(), 99),
                    .service_p99 = percentile(result.totals.service_time(), 99),
                    .times = times_of(result),
                    .begin = result.started,
                    .end = {result.started.ns + result.elapsed.count()}};
  if (measured.ended != 0) {
    step.errors_share = static_cast<double>(measured.errors) / static_cast<double>(measured.ended);
  }
  step.why = not_met(step.conditions);
  if (step.why.empty() && falls_behind(flows(result))) {
    step.why = "requests come in faster than they are answered";
  }
  if (step.why.empty()) {
    step.held = Held::kHolds;
    return step;
  }
  if (step.errors_share >= kErrorsTelling) {
    step.why += fmt::format("; {:.3g} % of the requests failed or had a status of 400 or more",
                            100 * step.errors_share);
  }
  const std::string fault = own_fault(step, result);
  step.held = fault.empty() ? Held::kFails : Held::kClientFails;
  if (!fault.empty()) step.why = fault + "; " + step.why;
  return step;
}

bool falls_behind(std::span<const Flow> intervals) {
  if (intervals.size() < 2) return false;
  double in = 0;
  double out = 0;
  for (const Flow& flow : intervals.subspan(intervals.size() / 2)) {
    in += static_cast<double>(flow.in);
    out += static_cast<double>(flow.out);
  }
  return in - out > std::max(kGrowthMax * in, kDeviations * std::sqrt(in));
}

}  // namespace giliran::client
