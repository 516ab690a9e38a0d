#include "lab/scenario_build.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "base/parse.h"
#include "config/cross_check.h"
#include "config/forms.h"
#include "lab/timeline.h"

namespace giliran::lab {
namespace {

using config::Position;
using config::Value;

constexpr uint64_t kDescriptorsKept = 64;  // for what are no connections
constexpr uint64_t kDescriptorsOfWorker = 5;
constexpr size_t kServersMax = 100;

// Says what is wrong with a run, at the key that is to blame.
class Judge {
 public:
  Judge(const Value& tree, config::Reader& reader) : tree_(tree), reader_(reader) {}

  // section.key, or the section where the key is not there.
  void bad(std::string_view section, std::string_view key, std::string what) {
    const Value* const table = tree_.find(section);
    const Value* const value = table == nullptr ? nullptr : table->find(key);
    const Position at = value != nullptr ? value->at : table != nullptr ? table->at : tree_.at;
    reader_.problems.push_back(
        {.at = at,
         .key = fmt::format("{}.{}", section, key),
         .value = value == nullptr ? std::nullopt : std::optional(value->shown()),
         .what = std::move(what)});
  }
  bool has(std::string_view section, std::string_view key) const {
    const Value* const table = tree_.find(section);
    return table != nullptr && table->find(key) != nullptr;
  }
  // Of a group of servers.
  void bad_group(size_t index, std::string_view key, std::string what) {
    const Value* const list = tree_.find("servers");
    const auto items = list == nullptr ? std::vector<const Value*>() : config::items_of(*list);
    const Value* const table = index < items.size() ? items[index] : nullptr;
    const Value* const value = table == nullptr ? nullptr : table->find(key);
    const Position at = value != nullptr ? value->at : table != nullptr ? table->at : tree_.at;
    reader_.problems.push_back(
        {.at = at,
         .key = fmt::format("servers.{}", key),
         .value = value == nullptr ? std::nullopt : std::optional(value->shown()),
         .what = std::move(what)});
  }

 private:
  const Value& tree_;
  config::Reader& reader_;
};

std::vector<ServerPlan> servers_of(const Body& body, Judge& judge) {
  if (body.servers.empty()) return RunPlan::equal_servers(kServersDefault);
  std::vector<ServerPlan> servers;
  std::set<std::string> names;
  uint32_t nameless = 0;
  for (size_t i = 0; i < body.servers.size(); ++i) {
    const ServerGroup& group = body.servers[i];
    const uint32_t count = group.count.value_or(group.name.empty() ? kServersDefault : 1);
    for (uint32_t n = 1; n <= count; ++n) {
      ServerPlan server = group.like;
      server.name = group.name.empty() ? fmt::format("server-{}", ++nameless)
                    : count == 1       ? group.name
                                       : fmt::format("{}-{}", group.name, n);
      if (server.name == "client" || server.name == "coordinator") {
        judge.bad_group(i, "name", "that is what the logs call another process; name it otherwise");
        return servers;
      }
      if (!names.insert(server.name).second) {
        judge.bad_group(i, "name", fmt::format("there are two servers '{}'", server.name));
        return servers;
      }
      servers.push_back(std::move(server));
    }
  }
  if (servers.size() > kServersMax) {
    judge.bad_group(
        0, "count",
        fmt::format("that are {} servers, expected at most {}", servers.size(), kServersMax));
  }
  return servers;
}

void check_roles(const RunPlan& run, Judge& judge) {
  const auto any = [&](Role role) {
    return std::ranges::any_of(run.servers,
                               [role](const ServerPlan& server) { return server.role == role; });
  };
  if (!any(Role::kBalanced)) {
    judge.bad_group(0, "role", "no server is in the pool when the run begins");
  }
  if (any(Role::kLeaf) && run.client.fan_out == 0) {
    judge.bad_group(0, "role", "nobody calls the leaves: give client.fan_out");
  }
  if (run.client.fan_out == 0) return;
  if (!any(Role::kLeaf)) judge.bad("client", "fan_out", "there is no server with role = \"leaf\"");
  if (run.scheme == config::Scheme::kTcp) judge.bad("client", "fan_out", "needs protocol http");
}

void check_load(const RunPlan& run, Judge& judge) {
  const ClientPlan& client = run.client;
  if (!client.stages.empty()) {
    if (judge.has("client", "duration")) {
      judge.bad("client", "duration", "the stages say how long it takes; give one of them");
    }
    if (client.requests != 0) {
      judge.bad("client", "requests", "the stages say how many; give one of them");
    }
    if (client.duration.count() == 0) judge.bad("client", "stages", "expected some time above 0");
    if (client.warmup.count() != 0 && !client.rate) {
      judge.bad("client", "warmup", "the stages begin without requests: give client.rate too");
    }
  } else if (client.requests != 0 && judge.has("client", "duration")) {
    judge.bad("client", "requests", "give it or a duration, not both");
  }
  if (client.loop() == Loop::kClosed && judge.has("client", "arrivals")) {
    judge.bad("client", "arrivals", "is of an open loop: give client.rate or client.stages too");
  }
  if (client.threads > client.connections) {
    judge.bad("client", "threads",
              fmt::format("expected at most as many as connections ({})", client.connections));
  }
}

void check_request(const RunPlan& run, Judge& judge) {
  const bool tcp = run.scheme == config::Scheme::kTcp;
  for (const std::string_view key : {"path", "headers", "body", "method", "delay", "work"}) {
    if (tcp && judge.has("client", key)) judge.bad("client", key, "is of http, not of tcp");
  }
  if (!tcp && judge.has("client", "message")) {
    judge.bad("client", "message", "is of tcp, not of http; http has a path and a body");
  }
  if (run.client.fan_out != 0 && judge.has("client", "path")) {
    judge.bad("client", "path", "with fan_out the path is that of the calls");
  }
}

// A process that runs out of descriptors fails in ways that teach something else. The coordinator
// needs two for each connection, and keeps some for idle ones: control/descriptors.h.
void check_descriptors(const RunPlan& run, const ScenarioCheck& check, Judge& judge) {
  if (check.descriptors == 0) return;
  const uint64_t kept = kDescriptorsKept + run.coordinator_threads() * kDescriptorsOfWorker;
  const uint64_t left = check.descriptors > kept ? check.descriptors - kept : 0;
  const uint64_t idle = std::min<uint64_t>(
      uint64_t{run.coordinator.limits.upstream_idle_max} * run.coordinator_threads(), left / 4);
  const uint64_t carried = (left - idle) / 2;
  const uint64_t most = carried - carried / 32;
  if (run.client.connections <= most) return;
  judge.bad("client", "connections",
            fmt::format("expected at most {}: a process may have {} file descriptors here (ulimit "
                        "-Hn), of which the coordinator needs two for each connection",
                        most, check.descriptors));
}

// By the coordinator's own check, whose keys stand elsewhere in a scenario.
void check_coordinator(const RunPlan& run, const Value& tree, const ScenarioCheck& check,
                       config::Reader& reader) {
  Value file{.kind = Value::Kind::kTable};
  if (const Value* const table = tree.find("coordinator"); table != nullptr) {
    for (const std::string_view key : {"limits", "timeouts", "listener"}) {
      if (const Value* const part = table->find(key); part != nullptr) {
        file.children.push_back(*part);
      }
    }
    file.children.push_back(*table);
    file.children.back().key = "pool";
  }
  config::Reader scratch;
  config::cross_check(run.coordinator, &file, {.policies = check.policies, .later_pool = "servers"},
                      scratch);
  for (config::Problem& problem : scratch.problems) {
    constexpr std::string_view kPool = "pool.";
    if (problem.key.starts_with(kPool)) problem.key.erase(0, kPool.size());
    problem.key = "coordinator." + problem.key;
    if (problem.at.line == 0) problem.at = tree.at;
    reader.problems.push_back(std::move(problem));
  }
}

EventDraft draft_of(const Event& event, const std::vector<ServerPlan>& servers) {
  EventDraft draft{.at = event.at, .action = event.action, .character = event.character};
  for (const size_t index : event.servers) draft.servers.push_back(servers[index].name);
  if (event.action == Action::kWeight) draft.weight = event.weight;
  if (event.action == Action::kRate) draft.rate = event.rate;
  return draft;
}

}  // namespace

RunPlan build_run(const Body& body, const Value& tree, const ScenarioCheck& check,
                  config::Reader& reader) {
  Judge judge(tree, reader);
  RunPlan run{.scheme = body.scheme,
              .coordinator = body.coordinator,
              .servers = servers_of(body, judge),
              .client = body.client,
              .expect = body.expect};
  run.coordinator.listeners.front().listen.scheme = run.scheme;
  if (run.coordinator.threads == 0) run.coordinator.threads = std::max(check.cores, 1U);
  if (!run.client.stages.empty()) {
    run.client.duration = {};
    for (const client::Stage& stage : run.client.stages) run.client.duration += stage.length;
  }
  check_roles(run, judge);
  check_load(run, judge);
  check_request(run, judge);
  check_descriptors(run, check, judge);
  check_coordinator(run, tree, check, reader);
  run.timeline = build_timeline(body, run, tree, reader);
  return run;
}

Body body_of(const RunPlan& run) {
  Body body{.scheme = run.scheme,
            .coordinator = run.coordinator,
            .client = run.client,
            .expect = run.expect};
  for (const ServerPlan& server : run.servers) {
    body.servers.push_back({.name = server.name, .like = server});
  }
  for (const Event& event : run.timeline) body.timeline.push_back(draft_of(event, run.servers));
  return body;
}

}  // namespace giliran::lab
