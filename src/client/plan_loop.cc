#include "client/plan_loop.h"

#include <fmt/format.h>

#include "client/recorder.h"

namespace giliran::client {
namespace {

constexpr double kRateMax = 10'000'000;

base::Result<void> check_rate(double rate) {
  if (rate >= 0 && rate <= kRateMax) return {};
  return base::fail(fmt::format("--rate: {:g} a second, at most 10m", rate));
}

// Ten slices at least, where a slice may be short.
base::Duration interval_of(const Plan& plan) {
  constexpr base::Duration kUsual = std::chrono::seconds(1);
  const base::Duration length = planned_length(plan);
  const bool brief = length.count() != 0 && length < 10 * kUsual;
  base::Duration interval = brief ? base::Duration(std::chrono::milliseconds(100)) : kUsual;
  while (length / interval >= static_cast<int64_t>(kSlicesMax)) interval *= 2;
  return interval;
}

base::Result<void> plan_stages(const ClientOptions& options, Plan& plan) {
  if (plan.duration.count() != 0) {
    return base::fail("--duration: --stages says how long; give one of them");
  }
  auto stages = parse_stages(options.stages);
  if (!stages) return base::fail("--stages " + stages.error().message);
  plan.stages = std::move(*stages);
  base::Duration length{};
  for (const Stage& stage : plan.stages) {
    GILIRAN_TRY_VOID(check_rate(stage.rate));
    if (stage.length > kLongest - length) return base::fail("--stages: at most 10 years in all");
    length += stage.length;
  }
  const Stage& first = plan.stages.front();
  const double before = options.rate == 0 && first.jump ? first.rate : options.rate;
  if (plan.warmup.count() != 0 && before == 0) {
    return base::fail(
        "--warmup: --stages begins without requests; give -R, the rate of the warm-up");
  }
  plan.profile = RateProfile::stages(before, plan.warmup, plan.stages);
  plan.duration = plan.profile.length();
  plan.rate = plan.profile.mean(plan.warmup, plan.duration);
  if (plan.rate == 0) return base::fail("--stages: no request would ever be due");
  return {};
}

base::Result<void> plan_replay(const ClientOptions& options, Plan& plan) {
  if (options.rate != 0 || !options.stages.empty()) {
    return base::fail("--replay: its times are those of the log; --rate and --stages have none");
  }
  plan.arrivals = Arrivals::kReplay;
  if (!plan.replay_due.empty() && plan.replay_due.back().count() > 0) {
    plan.rate =
        static_cast<double>(plan.replay_due.size()) / base::to_seconds(plan.replay_due.back());
  }
  return {};
}

}  // namespace

base::Duration planned_length(const Plan& plan) {
  return plan.replay_due.empty() ? plan.duration : plan.replay_due.back();
}

base::Result<void> plan_loop(const ClientOptions& options, Plan& plan) {
  GILIRAN_TRY_VOID(check_rate(options.rate));
  plan.warmup = options.warmup;
  plan.arrivals = options.arrivals;
  base::Result<void> planned{};
  if (plan.replay) {
    planned = plan_replay(options, plan);
  } else if (!options.stages.empty()) {
    planned = plan_stages(options, plan);
  } else {
    if (plan.requests == 0 && plan.duration.count() == 0) plan.duration = kDefaultDuration;
    if (plan.duration.count() != 0) plan.duration += plan.warmup;
    plan.rate = options.rate;
    if (plan.rate > 0) plan.profile = RateProfile::constant(plan.rate);
  }
  if (!planned) return planned;
  const bool open = plan.replay || !plan.stages.empty() || plan.rate > 0;
  if (!open && options.arrivals != Arrivals::kConstant) {
    return base::fail("--arrivals: for an open loop; give -R");
  }
  plan.loop = open ? Loop::kOpen : Loop::kClosed;
  plan.interval = interval_of(plan);
  return {};
}

std::string loop_text(const Plan& plan) {
  if (plan.loop == Loop::kClosed) return "closed loop";
  const std::string rate = fmt::format("{:g}/s", plan.rate);
  if (plan.arrivals == Arrivals::kReplay) return "open loop, " + rate + " as in the log";
  std::string text = "open loop, " + rate;
  if (!plan.stages.empty()) {
    text += fmt::format(" on average of {} stage{}", plan.stages.size(),
                        plan.stages.size() == 1 ? "" : "s");
  }
  return plan.arrivals == Arrivals::kPoisson ? text + ", Poisson arrivals" : text;
}

}  // namespace giliran::client
