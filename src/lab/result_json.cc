#include <nlohmann/json.hpp>

#include "lab/commands.h"
#include "lab/result.h"
#include "report/json.h"

namespace giliran::lab {
namespace {

using Json = nlohmann::ordered_json;

Json plan_json(const RunPlan& plan) {
  return {
      {"scheme", config::name(plan.scheme)},    {"work", name(plan.work())},
      {"work_us", base::to_us(plan.work_time())}, {"servers", plan.servers.size()},
      {"server_threads", plan.server_threads()},  {"coordinator_threads", plan.coordinator_threads()},
      {"connections", plan.client.connections},        {"duration_s", base::to_seconds(plan.client.duration)}};
}

Json measured_json(const RunResult& run) {
  const ClientResult& c = run.client;
  return {{"rate", c.rate},
          {"elapsed_s", base::to_seconds(c.elapsed)},
          {"issued", c.issued},
          {"answered", c.answered},
          {"errors", c.errors},
          {"p50_us", base::to_us(c.p50)},
          {"p90_us", base::to_us(c.p90)},
          {"p99_us", base::to_us(c.p99)},
          {"p99_9_us", base::to_us(c.p999)}};
}

Json cpu_json(const RunResult& run) {
  const auto tier = [&](base::Duration cpu) {
    return Json{{"cpu_s", base::to_seconds(cpu)},
                {"us_per_request", base::to_us(run.per_request(cpu))}};
  };
  return {{"client", tier(run.cpu.client)},
          {"coordinator", tier(run.cpu.coordinator)},
          {"servers", tier(run.cpu.servers)},
          {"cores_busy", run.cores_busy()},
          {"others_busy", run.others_busy}};
}

Json turns_json(const Evidence& evidence) {
  Json servers = Json::object();
  for (const Turn& turn : evidence.turns) servers[turn.server] = turn.count;
  return {{"servers", std::move(servers)},
          {"without_server", evidence.without_server},
          {"even", evidence.turns_even()}};
}

Json run_json(const LabResult& result, const RunResult& run) {
  Json object;
  object["name"] = result.plan_of(run).name;
  object["plan"] = plan_json(result.plan_of(run));
  object["measured"] = measured_json(run);
  object["cpu"] = cpu_json(run);
  object["turns"] = turns_json(run.evidence);
  object["records"] = run.evidence.records;
  object["log_bytes"] = run.evidence.log_bytes;
  object["not_understood"] = run.evidence.not_understood;
  object["conservation"] = report::to_json(run.evidence.conservation);
  object["where_time_goes"] = run.evidence.where_time_goes;
  object["commands"] = Json::array();
  for (const Command& command : run.commands) object["commands"].push_back(shell_text(command));
  return object;
}

Json speed_up_json(const LabResult& result, const Contrast& contrast) {
  const RunPlan& one = result.scenario.runs[contrast.one];
  const RunPlan& many = result.scenario.runs[contrast.many];
  const Measured measured = result.measured(contrast);
  return {{"one", one.name},
          {"many", many.name},
          {"speed_up", measured.speed_up()},
          {"why", why(one, many, measured)}};
}

}  // namespace

std::string result_json(const LabResult& result) {
  Json object;
  object["format"] = "giliran-lab/1";
  object["version"] = GILIRAN_VERSION;
  object["scenario"] = result.scenario.name;
  object["seed"] = result.seed;
  object["cores"] = result.cores;
  object["elapsed_s"] = base::to_seconds(result.elapsed);
  object["finished"] = result.runs.size() == result.scenario.runs.size();
  object["interrupted"] = result.interrupted;
  object["failure"] = result.failure;
  object["exit_status"] = result.exit_status();
  object["planned"] = Json::array();
  for (const RunPlan& plan : result.scenario.runs) object["planned"].push_back(plan.name);
  object["runs"] = Json::array();
  for (const RunResult& run : result.runs) object["runs"].push_back(run_json(result, run));
  object["speed_ups"] = Json::array();
  for (const Contrast& contrast : result.scenario.contrasts) {
    if (result.speed_up(contrast) <= 0) continue;
    object["speed_ups"].push_back(speed_up_json(result, contrast));
  }
  return object.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace giliran::lab
