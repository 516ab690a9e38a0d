#include "client/find_max_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <thread>

#include "base/rng.h"
#include "client/conductor.h"
#include "client/signals.h"
#include "net/listen.h"
#include "report/format.h"
#include "telemetry/reader.h"

namespace giliran::client {
namespace {

constexpr int kFailed = 1;
constexpr int kBadUsage = 2;
constexpr int kNotMet = 3;
constexpr double kRequestsOfStepMin = 5;
constexpr int64_t kWarmupPart = 5;  // of a step, before what is measured

int complain(std::string_view what, int status) {
  fmt::print(stderr, "giliran client: {}\n", what);
  return status;
}

int complain_of_json(const ClientOptions& options, int status) {
  return complain(fmt::format("--json {}: {}", options.json_path, std::strerror(errno)), status);
}

base::Result<void> check(const ClientOptions& o) {
  const auto no = [](const char* flag) {
    return base::fail(fmt::format("--find-max sets rate and duration itself: leave out {}", flag));
  };
  if (o.rate != 0) return no("-R");
  if (!o.stages.empty()) return no("--stages");
  if (o.requests != 0) return no("-n");
  if (o.duration.count() != 0) return no("-d (--step-duration is for each step)");
  if (!o.replay_path.empty()) return no("--replay");
  if (!o.log_path.empty()) return base::fail("--find-max takes no --log");
  if (!o.html_path.empty()) return base::fail("--find-max takes no --html; --json has its steps");
  if (!o.hgrm_path.empty()) return base::fail("--find-max takes no --hgrm");
  if (!o.expect.empty()) return base::fail("--find-max has the conditions; leave out --expect");
  if (o.progress == Progress::kJson) return base::fail("--find-max takes no --progress json");
  constexpr FindMaxOptions kLimits{};
  if (o.start_rate < kLimits.rate_min || o.start_rate > kLimits.rate_max) {
    return base::fail(fmt::format("--start-rate: {:g} a second, expected {:g} to {:g}",
                                  o.start_rate, kLimits.rate_min, kLimits.rate_max));
  }
  if (o.coordinator_log.empty() || std::ifstream(o.coordinator_log)) return {};
  return base::fail(
      fmt::format("--coordinator-log {}: {}", o.coordinator_log, std::strerror(errno)));
}

class Search {
 public:
  explicit Search(const ClientOptions& options) : options_(options), seed_(options.seed) {
    if (seed_ == 0) seed_ = base::random_seed();
    if (options_.warmup.count() == 0) options_.warmup = options_.step_duration / kWarmupPart;
    options_.duration = options_.step_duration;
  }

  // That the first step can be run; asks nothing of anybody.
  base::Result<void> check_plan() {
    options_.rate = options_.start_rate;
    const Plan plan = GILIRAN_TRY(make_plan(options_, std::thread::hardware_concurrency()));
    return check_descriptors(plan);
  }

  // An error is one of the start: the steps are alike but for the rate.
  base::Result<Capacity> run() {
    Capacity out;
    out.url = options_.url;
    FindMax find({.start_rate = options_.start_rate, .rate_min = rate_min()});
    while (const auto rate = find.next()) {
      auto step = run_step(*rate);
      if (!step) return std::unexpected(step.error());
      if (interrupted_by_ != 0) break;
      find.report(*rate, step->held);
      if (!options_.quiet) show(*step);
      out.steps.push_back(std::move(*step));
    }
    out.interrupted_by = interrupted_by_;
    out.found = find.found();
    explain(out);
    return out;
  }

 private:
  // Below it a step has too few requests to measure anything, so that it would fail for that.
  double rate_min() const {
    const double least = kRequestsOfStepMin / base::to_seconds(options_.step_duration);
    return std::min(std::max(FindMaxOptions{}.rate_min, least), options_.start_rate);
  }

  base::Result<CapacityStep> run_step(double rate) {
    options_.rate = rate;
    options_.seed = seed_++;
    const Plan plan = GILIRAN_TRY(make_plan(options_, std::thread::hardware_concurrency()));
    GILIRAN_TRY_VOID(check_descriptors(plan));
    if (first_ && !options_.quiet) fmt::print(stderr, "{}, a step\n", text(plan));
    first_ = false;
    Conductor conductor(plan, clock_, {});
    GILIRAN_TRY_VOID(conductor.prepare());
    const Signals signals(conductor.io(), [&](int signal) {
      if (interrupted_by_ != 0) std::_Exit(exit_status_of(signal));
      interrupted_by_ = signal;
      conductor.interrupt(signal);
    });
    return judge_step(rate, conductor.run(), options_.find_max);
  }

  static base::Result<void> check_descriptors(const Plan& plan) {
    constexpr size_t kOthers = 64;
    const size_t wanted = plan.connections + plan.threads * 4 + kOthers;
    const size_t limit = net::raise_descriptor_limit();
    if (limit >= wanted) return {};
    return base::fail(
        fmt::format("-c {} needs {} descriptors, the limit is {}: raise it with "
                    "ulimit -n",
                    plan.connections, wanted, limit));
  }

  static void show(const CapacityStep& step) {
    std::string verdict;
    switch (step.held) {
      case Held::kHolds:
        verdict = "holds";
        break;
      case Held::kFails:
        verdict = "fails: " + step.why;
        break;
      case Held::kClientFails:
        verdict = "CLIENT-LIMITED: " + step.why;
        break;
    }
    fmt::print(stderr, "  {:>10}  response p99 {:>8}  {}\n", report::format_rate(step.rate),
               step.times.answered > 0 ? report::format_latency(step.response_p99) : "-", verdict);
  }

  TierTimesOfStep times_at(const Capacity& c, double rate, bool held) {
    TierTimesOfStep sum;
    for (const CapacityStep& step : c.steps) {
      if (step.rate == rate && (step.held == Held::kHolds) == held) sum.add(step.times);
    }
    if (options_.coordinator_log.empty() || rate == 0 || sum.tiers.contains("gl-wait")) return sum;
    const auto logged = coordinator_times(options_.coordinator_log, c.steps, rate);
    if (!logged) {
      complain(logged.error().message, kFailed);
    } else if (logged->answered > 0) {
      sum.tiers.insert(logged->tiers.begin(), logged->tiers.end());
    }
    return sum;
  }

  void explain(Capacity& c) {
    if (c.found.fails == 0) return;
    for (const CapacityStep& step : c.steps) {
      if (step.rate != c.found.fails || step.held == Held::kHolds) continue;
      // A try in which nothing was answered says least.
      if (step.times.answered > 0 || c.failed.empty()) c.failed = step.why;
    }
    for (const CapacityStep& step : c.steps) {
      if (step.held != Held::kHolds) continue;
      c.before_rate = c.before_rate == 0 ? step.rate : std::min(c.before_rate, step.rate);
    }
    c.limit = find_bottleneck(times_at(c, c.before_rate, true), times_at(c, c.found.fails, false));
    if (!c.found.client_limit) return;
    c.limit.tier = LimitingTier::kClient;
    c.limit.text = "the client itself, so that the system's limit is not known: " + c.failed;
  }

  ClientOptions options_;
  uint64_t seed_;
  base::SystemClock clock_;
  int interrupted_by_ = 0;
  bool first_ = true;
};

}  // namespace

base::Result<TierTimesOfStep> coordinator_times(const std::string& log_path,
                                                std::span<const CapacityStep> steps, double rate) {
  TierTimesOfStep times;
  double queue = 0;
  double connect = 0;
  double wait = 0;
  const auto us = [](base::Duration d) { return std::max(0.0, base::to_us(d)); };
  const auto visit = [&](const telemetry::Line& line) {
    if (line.tier != telemetry::Tier::kCoordinator) return;
    const base::WallTime at = line.arrived();
    const bool inside = std::ranges::any_of(steps, [&](const CapacityStep& step) {
      return step.rate == rate && step.begin <= at && at < step.end;
    });
    if (!inside) return;
    ++times.answered;
    queue += us(line.queue);
    connect += us(line.connect);
    wait += us(line.wait);
  };
  const auto read =
      telemetry::read_log({.path = log_path}, visit, [](telemetry::Tier, uint64_t) {});
  if (!read) return std::unexpected(read.error());
  if (times.answered > 0) {
    times.tiers = {{"gl-queue", queue / times.answered},
                   {"gl-connect", connect / times.answered},
                   {"gl-wait", wait / times.answered}};
  }
  return times;
}

int run_find_max(const ClientOptions& options) {
  const auto good = check(options);
  if (!good) return complain(good.error().message, kBadUsage);
  Search search(options);
  const auto planned = search.check_plan();
  if (!planned) return complain(planned.error().message, kBadUsage);
  const bool to_stdout = options.json_path == "-";
  std::ofstream json;
  if (!options.json_path.empty() && !to_stdout) {
    json.open(options.json_path, std::ios::binary | std::ios::trunc);
    if (!json) return complain_of_json(options, kBadUsage);
  }
  const auto capacity = search.run();
  if (!capacity) return complain(capacity.error().message, kBadUsage);
  if (to_stdout) fmt::print("{}", to_json(*capacity));
  if (json.is_open() && !(json << to_json(*capacity)).flush()) {
    return complain_of_json(options, kFailed);
  }
  fmt::print(to_stdout ? stderr : stdout, "{}", text(*capacity));
  if (capacity->interrupted_by != 0) return exit_status_of(capacity->interrupted_by);
  if (capacity->found.holds == 0) return kNotMet;
  return options.strict && capacity->found.client_limit ? kNotMet : 0;
}

}  // namespace giliran::client
