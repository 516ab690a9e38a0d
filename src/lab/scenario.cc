#include "lab/scenario.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/parse.h"

namespace giliran::lab {
namespace {

constexpr base::Duration kComputeTime = std::chrono::milliseconds(1);
constexpr base::Duration kBlockTime = std::chrono::milliseconds(5);
constexpr uint32_t kComputeThreadsMin = 4;
constexpr uint32_t kBlockThreads = 16;
constexpr uint32_t kCoordinatorThreads = 2;

// Adds the same run with one thread and with many.
void add_threads(Scenario& scenario, RunPlan plan, uint32_t many) {
  const std::string kind = fmt::format("{}-{}", config::name(plan.scheme),
                                       plan.work == Work::kComputes ? "compute" : "block");
  const size_t first = scenario.runs.size();
  for (const uint32_t threads : {1U, many}) {
    plan.name = fmt::format("{}-{}", kind, threads);
    plan.server_threads = threads;
    scenario.runs.push_back(plan);
  }
  scenario.contrasts.push_back({.one = first, .many = first + 1});
}

void add_plain(Scenario& scenario) {
  const size_t first = scenario.runs.size();
  for (const uint32_t threads : {1U, kCoordinatorThreads}) {
    scenario.runs.push_back(
        {.name = fmt::format("http-plain-{}", threads), .coordinator_threads = threads});
  }
  scenario.contrasts.push_back(
      {.one = first, .many = first + 1, .of = Contrast::Of::kCoordinatorThreads});
}

Scenario demo(uint32_t cores) {
  Scenario scenario{
      .name = "demo",
      .about = "one thread against many, over TCP and HTTP: work that computes, work that waits",
      .runs = {},
      .contrasts = {}};
  for (const config::Scheme scheme : {config::Scheme::kTcp, config::Scheme::kHttp}) {
    add_threads(scenario,
                {.name = {}, .scheme = scheme, .work = Work::kComputes, .work_time = kComputeTime},
                std::max(kComputeThreadsMin, cores));
    add_threads(scenario,
                {.name = {}, .scheme = scheme, .work = Work::kBlocks, .work_time = kBlockTime},
                kBlockThreads);
    scenario.telling = scenario.runs.size() - 1;
  }
  add_plain(scenario);
  return scenario;
}

}  // namespace

std::string_view name(Work work) {
  switch (work) {
    case Work::kNone:
      return "none";
    case Work::kComputes:
      return "computes";
    case Work::kBlocks:
      return "blocks";
  }
  return "";
}

const Contrast* Scenario::contrast_of(size_t run) const {
  const auto found = std::find_if(contrasts.begin(), contrasts.end(),
                                  [run](const Contrast& c) { return c.many == run; });
  return found == contrasts.end() ? nullptr : &*found;
}

std::vector<std::string_view> scenario_names() {
  return {"demo"};
}

std::optional<Scenario> built_in(std::string_view name, uint32_t cores) {
  if (name == "demo") return demo(std::max(cores, 1U));
  return std::nullopt;
}

std::string describe(const RunPlan& run) {
  const std::string servers = fmt::format("{} server{}", run.servers, run.servers == 1 ? "" : "s");
  const std::string threads =
      fmt::format("{} thread{}{}", run.server_threads, run.server_threads == 1 ? "" : "s",
                  run.servers == 1 ? "" : " each");
  switch (run.work) {
    case Work::kNone:
      return fmt::format("{} that answer at once, a coordinator of {} thread{}", servers,
                         run.coordinator_threads, run.coordinator_threads == 1 ? "" : "s");
    case Work::kComputes:
      return fmt::format("{} that compute {}, {}", servers, base::format_duration(run.work_time),
                         threads);
    case Work::kBlocks:
      return fmt::format("{} whose work blocks its thread for {}, {}", servers,
                         base::format_duration(run.work_time), threads);
  }
  return {};
}

}  // namespace giliran::lab
