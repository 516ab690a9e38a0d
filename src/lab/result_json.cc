#include <nlohmann/json.hpp>

#include "lab/commands.h"
#include "lab/folder.h"
#include "lab/result.h"
#include "lab/verdict.h"
#include "report/json.h"
#include "report/json_text.h"

namespace giliran::lab {
namespace {

using Json = nlohmann::ordered_json;

Json labels_json(const std::vector<Label>& labels) {
  Json list = Json::array();
  for (const Label& label : labels) list.push_back({{"key", label.key}, {"value", label.value}});
  return list;
}

Json plan_json(const LabResult& result, const RunPlan& plan) {
  Json object = {{"scheme", config::name(plan.scheme)},
                 {"work", name(plan.work())},
                 {"work_us", base::to_us(plan.work_time())},
                 {"policy", plan.policy()},
                 {"servers", plan.servers.size()},
                 {"server_threads", plan.server_threads()},
                 {"coordinator_threads", plan.coordinator_threads()},
                 {"connections", plan.client.connections},
                 {"loop", plan.client.loop() == Loop::kOpen ? "open" : "closed"}};
  if (plan.client.rate) object["rate"] = *plan.client.rate;
  if (plan.client.requests != 0) {
    object["requests"] = plan.client.requests;
  } else {
    object["duration_s"] = base::to_seconds(plan.client.duration);
  }
  object["warmup_s"] = base::to_seconds(plan.client.warmup);
  object["seed"] = seed_of(plan, result.seed);
  return object;
}

void add_times(Json& object, const std::string& prefix, const Times& times) {
  object[prefix + "p50_us"] = base::to_us(times.p50);
  object[prefix + "p90_us"] = base::to_us(times.p90);
  object[prefix + "p99_us"] = base::to_us(times.p99);
  object[prefix + "p99_9_us"] = base::to_us(times.p999);
}

Json measured_json(const RunResult& run) {
  const ClientResult& c = run.client;
  Json object = {{"rate", c.rate},
                 {"elapsed_s", base::to_seconds(c.elapsed)},
                 {"issued", c.issued},
                 {"answered", c.answered},
                 {"errors", c.errors}};
  add_times(object, "", c.response);
  add_times(object, "service_", c.service);
  object["verdict"] = c.verdict;
  return object;
}

Json processes_json(const RunResult& run) {
  Json list = Json::array();
  for (const ProcessUse& use : run.processes) {
    Json over_time = Json::array();
    for (const ProcessUse::Busy& busy : use.over_time) over_time.push_back({busy.t_s, busy.cores});
    list.push_back({{"name", use.name},
                    {"role", use.role},
                    {"starts", use.starts},
                    {"ended", use.ended},
                    {"user_s", base::to_seconds(use.user)},
                    {"system_s", base::to_seconds(use.system)},
                    {"memory_max_bytes", use.memory_max_bytes},
                    {"us_per_request", base::to_us(run.per_request(use.cpu()))},
                    {"cpu_over_time", std::move(over_time)}});
  }
  return list;
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

Json marks_json(const RunResult& run) {
  Json list = Json::array();
  for (const RunMark& mark : run.marks) {
    Json one = {{"t_s", mark.t_s}, {"text", mark.text}, {"planned_s", mark.planned_s}};
    if (mark.late) one["late"] = true;
    list.push_back(std::move(one));
  }
  return list;
}

Json turns_json(const RunResult& run) {
  Json servers = Json::object();
  for (const Turn& turn : run.evidence.turns) servers[turn.server] = turn.count;
  return {{"servers", std::move(servers)},
          {"without_server", run.evidence.without_server},
          {"even", run.evidence.turns_even()},
          {"judged", run.turns_judged}};
}

Json expected_json(const std::vector<report::Expected>& all) {
  Json list = Json::array();
  for (const report::Expected& one : all) {
    list.push_back({{"text", one.text}, {"measured", one.measured}, {"met", one.met}});
  }
  return list;
}

Json run_json(const LabResult& result, const RunResult& run) {
  const RunPlan& plan = result.plan_of(run);
  Json object;
  object["name"] = plan.name;
  object["point"] = plan.point;
  object["repetition"] = plan.repetition;
  object["labels"] = labels_json(plan.labels);
  object["plan"] = plan_json(result, plan);
  object["measured"] = measured_json(run);
  object["processes"] = processes_json(run);
  object["cpu"] = cpu_json(run);
  object["marks"] = marks_json(run);
  if (!run.missed.empty()) object["missed"] = run.missed;
  object["turns"] = turns_json(run);
  object["records"] = run.evidence.records;
  object["log_bytes"] = run.evidence.log_bytes;
  object["logs_kept"] = run.logs_kept;
  object["not_understood"] = run.evidence.not_understood;
  object["conservation"] = report::to_json(run.evidence.conservation);
  object["conservation"]["killed"] = !run.killed.empty();
  // What was found is as it has to be.
  object["conservation"]["judged"] = run.evidence.conserved() || !run.conserved();
  if (run.little) {
    object["little"] = {{"holds", run.little->holds},
                        {"expected", run.little->expected},
                        {"measured", run.little->in_flight},
                        {"text", run.little->text}};
  }
  object["expected"] = expected_json(run.expected);
  object["where_time_goes"] = run.evidence.where_time_goes;
  object["client"] = Json::parse(run.client_json, nullptr, false);
  if (object["client"].is_discarded()) object["client"] = nullptr;
  object["commands"] = Json::array();
  for (const Command& command : run.commands) object["commands"].push_back(shell_text(command));
  return object;
}

Json median_json(const report::Median& median) {
  return {{"count", median.count},
          {"median", median.value},
          {"low", median.low},
          {"high", median.high},
          {"confidence", median.confidence}};
}

Json point_json(const LabResult& result, const Point& point) {
  Json object = {{"name", point.name}, {"labels", labels_json(point.labels)}};
  object["runs"] = Json::array();
  for (const RunResult* run : point.runs) object["runs"].push_back(result.plan_of(*run).name);
  object["rate"] = median_json(point.rate);
  object["p50_us"] = median_json(point.p50_us);
  object["p99_us"] = median_json(point.p99_us);
  object["p99_9_us"] = median_json(point.p999_us);
  object["service_p50_us"] = median_json(point.service_p50_us);
  object["service_p99_us"] = median_json(point.service_p99_us);
  object["errors"] = median_json(point.errors);
  object["cpu_us"] = median_json(point.cpu_us);
  return object;
}

Json speed_up_json(const LabResult& result, const Contrast& contrast) {
  const RunPlan& one = result.scenario.runs[contrast.one];
  const RunPlan& many = result.scenario.runs[contrast.many];
  const Measured measured = result.measured(contrast);
  return {{"one", one.point},
          {"many", many.point},
          {"speed_up", measured.speed_up()},
          {"why", why(one, many, measured)}};
}

Json scaling_json(const Scaling& scaling) {
  Json object = {{"of", scaling.of}, {"name", scaling.name}, {"points", Json::array()}};
  for (const ScalePoint& point : scaling.points) {
    object["points"].push_back({{"threads", point.threads},
                                {"point", point.point},
                                {"rate", median_json(point.rate)},
                                {"speed_up", point.speed_up},
                                {"efficiency", point.efficiency}});
  }
  if (scaling.usl) {
    const report::Usl& usl = *scaling.usl;
    object["usl"] = {{"alpha", usl.alpha},
                     {"beta", usl.beta},
                     {"gamma", usl.gamma},
                     {"r_squared", usl.r_squared}};
    if (usl.peak) {
      object["usl"]["peak"] = {{"threads", usl.peak->n},
                               {"rate", usl.peak->throughput},
                               {"measured", usl.peak->measured}};
    }
  }
  object["words"] = scaling.words;
  return object;
}

void add_scenario(Json& object, const LabResult& result) {
  const Scenario& scenario = result.scenario;
  object["scenario"] = scenario.name;
  object["about"] = scenario.about;
  object["look_for"] = scenario.look_for;
  object["seed"] = result.seed;
  object["cores"] = result.cores;
  object["machine"] = {
      {"cores", result.machine.cores}, {"os", result.machine.os}, {"cpu", result.machine.cpu}};
}

void add_end(Json& object, const LabResult& result) {
  object["started_unix_s"] = result.started_unix_s;
  object["elapsed_s"] = base::to_seconds(result.elapsed);
  object["finished"] = result.runs.size() == result.scenario.runs.size();
  object["interrupted"] = result.interrupted;
  object["failure"] = result.failure;
  object["last_words"] = result.last_words;
  object["exit_status"] = result.exit_status();
  const LabVerdict verdict = verdict_of(result);
  object["verdict"] = {{"word", verdict.word}, {"text", verdict.text}, {"good", verdict.good}};
}

void add_grid(Json& object, const LabResult& result) {
  object["telling"] = result.scenario.runs[result.scenario.telling].name;
  object["planned"] = Json::array();
  for (const RunPlan& plan : result.scenario.runs) object["planned"].push_back(plan.name);
  object["server_names"] = server_names(result.scenario);
  object["axes"] = Json::array();
  for (const Axis& axis : result.scenario.axes) {
    object["axes"].push_back({{"key", axis.key}, {"values", axis.values}});
  }
  object["repetitions"] = result.scenario.repetitions;
}

}  // namespace

std::string result_json(const LabResult& result) {
  Json object;
  object["format"] = "giliran-lab/2";
  object["version"] = GILIRAN_VERSION;
  add_scenario(object, result);
  add_end(object, result);
  add_grid(object, result);
  object["runs"] = Json::array();
  for (const RunResult& run : result.runs) object["runs"].push_back(run_json(result, run));
  object["points"] = Json::array();
  for (const Point& point : points_of(result)) {
    object["points"].push_back(point_json(result, point));
  }
  object["claims"] = expected_json(result.claims);
  object["speed_ups"] = Json::array();
  for (const Contrast& contrast : result.scenario.contrasts) {
    if (result.speed_up(contrast) <= 0) continue;
    object["speed_ups"].push_back(speed_up_json(result, contrast));
  }
  object["scaling"] = Json::array();
  for (const Scaling& scaling : scalings_of(result)) {
    object["scaling"].push_back(scaling_json(scaling));
  }
  return report::json_text(object, 1) + "\n";
}

}  // namespace giliran::lab
