#include "lab/built_in.h"

#include <fmt/format.h>

#include <algorithm>

namespace giliran::lab {
namespace {

constexpr base::Duration kComputeTime = std::chrono::milliseconds(1);
constexpr base::Duration kBlockTime = std::chrono::milliseconds(5);
constexpr uint32_t kComputeThreadsMin = 4;
constexpr uint32_t kBlockThreads = 16;
constexpr uint32_t kCoordinatorThreads = 2;
constexpr uint32_t kServers = 3;

// Adds the same run with one thread and with many.
void add_threads(Scenario& scenario, config::Scheme scheme, server::Character character,
                 uint32_t many) {
  const size_t first = scenario.runs.size();
  for (const uint32_t threads : {1U, many}) {
    RunPlan plan{.scheme = scheme};
    plan.name = fmt::format("{}-{}-{}", config::name(scheme),
                            character.blocking ? "block" : "compute", threads);
    plan.point = plan.name;
    plan.servers = RunPlan::equal_servers(kServers, {.threads = threads, .character = character});
    plan.coordinator.listeners.front().listen.scheme = scheme;
    scenario.runs.push_back(std::move(plan));
  }
  scenario.contrasts.push_back({.one = first, .many = first + 1});
}

void add_plain(Scenario& scenario) {
  const size_t first = scenario.runs.size();
  for (const uint32_t threads : {1U, kCoordinatorThreads}) {
    RunPlan plan;
    plan.name = plan.point = fmt::format("http-plain-{}", threads);
    plan.coordinator.threads = threads;
    scenario.runs.push_back(std::move(plan));
  }
  scenario.contrasts.push_back(
      {.one = first, .many = first + 1, .of = Contrast::Of::kCoordinatorThreads});
}

Scenario demo(uint32_t cores) {
  Scenario scenario{
      .name = "demo",
      .about = "one thread against many, over TCP and HTTP: work that computes, work that waits"};
  for (const config::Scheme scheme : {config::Scheme::kTcp, config::Scheme::kHttp}) {
    add_threads(scenario, scheme, {.work = base::Distribution::constant(kComputeTime)},
                std::max(kComputeThreadsMin, cores));
    add_threads(scenario, scheme,
                {.delay = base::Distribution::constant(kBlockTime), .blocking = true},
                kBlockThreads);
    scenario.telling = scenario.runs.size() - 1;
  }
  add_plain(scenario);
  return scenario;
}

}  // namespace

std::vector<std::string_view> scenario_names() {
  return {"demo"};
}

std::optional<Scenario> built_in(std::string_view name, uint32_t cores) {
  if (name == "demo") return demo(std::max(cores, 1U));
  return std::nullopt;
}

}  // namespace giliran::lab
