#include "lab/scenario.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/parse.h"

namespace giliran::lab {
namespace {

constexpr uint64_t kSeedsPerRepetition = 1000;
// Starting, stopping and reading the logs.
constexpr base::Duration kAround = std::chrono::milliseconds(700);
constexpr base::Duration kPerServer = std::chrono::milliseconds(10);
// Of a run that is bound by a number of requests, for want of anything better.
constexpr base::Duration kRequestsTime = std::chrono::seconds(10);

bool same_work(const ServerPlan& a, const ServerPlan& b) {
  return a.character.delay.text() == b.character.delay.text() &&
         a.character.work.text() == b.character.work.text() &&
         a.character.blocking == b.character.blocking &&
         a.character.slowdown == b.character.slowdown;
}

// Of one server, with what requests carry instead of its own.
Work work_of(const RunPlan& run, const ServerPlan& server) {
  const bool computes = !run.client.work.zero() || !server.character.work.zero();
  const bool waits = !run.client.delay.zero() || !server.character.delay.zero();
  if (computes && waits) return Work::kMixed;
  if (computes) return Work::kComputes;
  if (!waits) return Work::kNone;
  return server.character.blocking ? Work::kBlocks : Work::kWaits;
}

std::string counted(uint64_t number, std::string_view noun) {
  return fmt::format("{} {}{}", number, noun, number == 1 ? "" : "s");
}

}  // namespace

std::string_view name(Role role) {
  switch (role) {
    case Role::kBalanced:
      return "balanced";
    case Role::kSpare:
      return "spare";
    case Role::kLeaf:
      return "leaf";
  }
  return "";
}

std::string_view name(Arrivals arrivals) {
  switch (arrivals) {
    case Arrivals::kConstant:
      return "constant";
    case Arrivals::kPoisson:
      return "poisson";
  }
  return "";
}

std::string_view name(Action action) {
  switch (action) {
    case Action::kKill:
      return "kill";
    case Action::kStart:
      return "start";
    case Action::kStop:
      return "stop";
    case Action::kContinue:
      return "continue";
    case Action::kChange:
      return "change";
    case Action::kAdd:
      return "add";
    case Action::kDrain:
      return "drain";
    case Action::kWeight:
      return "weight";
    case Action::kRate:
      return "rate";
  }
  return "";
}

std::string_view name(Work work) {
  switch (work) {
    case Work::kNone:
      return "none";
    case Work::kComputes:
      return "computes";
    case Work::kBlocks:
      return "blocks";
    case Work::kWaits:
      return "waits";
    case Work::kMixed:
      return "mixed";
  }
  return "";
}

config::Coordinator RunPlan::default_coordinator() {
  config::Coordinator coordinator;
  coordinator.threads = 2;
  coordinator.listeners.push_back({.listen = {.host_port = "127.0.0.1:0"}, .pool = "servers"});
  coordinator.pools.push_back({.name = "servers"});
  return coordinator;
}

std::vector<ServerPlan> RunPlan::equal_servers(uint32_t count, const ServerPlan& like) {
  std::vector<ServerPlan> servers(count, like);
  for (uint32_t i = 0; i < count; ++i) servers[i].name = fmt::format("server-{}", i + 1);
  return servers;
}

uint32_t RunPlan::server_threads() const {
  return servers.empty() ? 0 : servers.front().threads;
}

Work RunPlan::work() const {
  if (servers.empty()) return Work::kNone;
  const ServerPlan& first = servers.front();
  const bool equal = std::ranges::all_of(
      servers, [&](const ServerPlan& server) { return same_work(server, first); });
  return equal ? work_of(*this, first) : Work::kMixed;
}

base::Duration RunPlan::work_time() const {
  if (servers.empty()) return {};
  const server::Character& its = servers.front().character;
  const base::Distribution& delay = client.delay.zero() ? its.delay : client.delay;
  const base::Distribution& work = client.work.zero() ? its.work : client.work;
  return delay.mean() + work.mean();
}

base::Duration RunPlan::asking_time() const {
  if (client.requests == 0) return client.warmup + client.duration;
  const double rate = client.rate.value_or(0);
  if (rate <= 0) return client.warmup + kRequestsTime;
  return client.warmup + base::from_seconds(static_cast<double>(client.requests) / rate);
}

const Contrast* Scenario::contrast_of(size_t run) const {
  const auto found = std::find_if(contrasts.begin(), contrasts.end(),
                                  [run](const Contrast& c) { return c.many == run; });
  return found == contrasts.end() ? nullptr : &*found;
}

std::vector<std::string> Scenario::points() const {
  std::vector<std::string> names;
  for (const RunPlan& run : runs) {
    if (run.repetition == 0) names.push_back(run.point);
  }
  return names;
}

std::vector<size_t> Scenario::runs_of(std::string_view point) const {
  std::vector<size_t> indices;
  for (size_t i = 0; i < runs.size(); ++i) {
    if (runs[i].point == point) indices.push_back(i);
  }
  std::ranges::sort(indices, {}, [this](size_t i) { return runs[i].repetition; });
  return indices;
}

uint64_t seed_of(const RunPlan& run, uint64_t scenario_seed) {
  return std::max<uint64_t>(scenario_seed + run.repetition * kSeedsPerRepetition, 1);
}

base::Duration estimated_time(const RunPlan& run) {
  return run.asking_time() + kAround + run.servers.size() * kPerServer;
}

base::Duration estimated_time(const Scenario& scenario) {
  base::Duration sum{};
  for (const RunPlan& run : scenario.runs) sum += estimated_time(run);
  return sum;
}

std::string describe(const RunPlan& run) {
  const std::string servers = counted(run.servers.size(), "server");
  const std::string threads = fmt::format("{}{}", counted(run.server_threads(), "thread"),
                                          run.servers.size() == 1 ? "" : " each");
  const std::string time = base::format_duration(run.work_time());
  switch (run.work()) {
    case Work::kNone:
      return fmt::format("{} that answer at once, a coordinator of {}", servers,
                         counted(run.coordinator_threads(), "thread"));
    case Work::kComputes:
      return fmt::format("{} that compute {}, {}", servers, time, threads);
    case Work::kBlocks:
      return fmt::format("{} whose work blocks its thread for {}, {}", servers, time, threads);
    case Work::kWaits:
      return fmt::format("{} that wait {}", servers, time);
    case Work::kMixed:
      return fmt::format("{}, {}", servers, run.policy());
  }
  return {};
}

}  // namespace giliran::lab
