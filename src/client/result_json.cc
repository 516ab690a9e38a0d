#include <nlohmann/json.hpp>

#include "client/plan_loop.h"
#include "client/run_result.h"
#include "report/histogram_json.h"
#include "report/json_text.h"
#include "report/machine.h"

namespace giliran::client {
namespace {

using Json = nlohmann::ordered_json;

double us(uint64_t ns) {
  return static_cast<double>(ns) / 1e3;
}

const char* name(Arrivals arrivals) {
  switch (arrivals) {
    case Arrivals::kConstant:
      return "constant";
    case Arrivals::kPoisson:
      return "poisson";
    case Arrivals::kReplay:
      return "replay";
  }
  return "";
}

Json targets_json(const Plan& plan) {
  Json list = Json::array();
  for (const Target& target : plan.targets) {
    list.push_back({{"method", target.method},
                    {"url", target.url},
                    {"weight", target.weight},
                    {"body_bytes", target.body.text().size()}});
  }
  return list;
}

Json replay_json(const Replay& replay) {
  return {{"file", replay.file},
          {"format", client::name(replay.kind)},
          {"requests", replay.requests.size()},
          {"unreadable", replay.unreadable},
          {"skipped", replay.skipped},
          {"too_long", replay.too_long},
          {"speed", replay.speed}};
}

void put_loop(const Plan& plan, Json& object) {
  const bool open = plan.loop == Loop::kOpen;
  object["loop"] = open ? "open" : "closed";
  if (!open) return;
  object["rate"] = plan.rate;
  object["arrivals"] = name(plan.arrivals);
  if (plan.stages.empty()) return;
  object["stages"] = Json::array();
  for (const Stage& stage : plan.stages) {
    Json one = {{"for_s", base::to_seconds(stage.length)}, {"rate", stage.rate}};
    if (stage.jump) one["jump"] = true;
    object["stages"].push_back(std::move(one));
  }
}

Json plan_json(const Plan& plan) {
  Json object;
  object["url"] = plan.url;
  object["protocol"] = plan.protocol == Protocol::kHttp ? "http" : "tcp";
  if (!plan.addresses.empty()) object["address"] = plan.addresses.front().text();
  put_loop(plan, object);
  object["connections"] = plan.connections;
  object["threads"] = plan.threads;
  if (plan.requests != 0) object["requests"] = plan.requests;
  const base::Duration length = planned_length(plan);
  if (length.count() != 0) object["duration_s"] = base::to_seconds(length);
  object["warmup_s"] = base::to_seconds(plan.warmup);
  if (!plan.targets.empty()) {
    object["method"] = plan.targets.front().method;
    object["body_bytes"] = plan.targets.front().body.text().size();
    object["targets"] = targets_json(plan);
  } else if (!plan.line.empty()) {
    object["message"] = plan.line.substr(0, plan.line.size() - 1);
  }
  if (plan.replay) object["replay"] = replay_json(*plan.replay);
  object["new_connection"] = plan.new_connection;
  object["timeout_s"] = base::to_seconds(plan.timeout);
  object["seed"] = plan.seed;
  return object;
}

Json totals_json(const Counts& counts) {
  return {{"due", counts.due},
          {"issued", counts.issued},
          {"answered", counts.answered},
          {"failed", counts.failed},
          {"bad_status", counts.bad_status},
          {"retried", counts.retried},
          {"connections", counts.connections},
          {"connect_failures", counts.connect_failures},
          {"shortages", counts.shortages},
          {"bytes_out", counts.bytes_out},
          {"bytes_in", counts.bytes_in},
          {"body_bytes", counts.body_bytes}};
}

Json errors_json(const Counts& counts) {
  Json object = Json::object();
  for (size_t i = 0; i < counts.ends.size(); ++i) {
    const auto end = static_cast<telemetry::End>(i);
    if (end == telemetry::End::kOk || counts.ends[i] == 0) continue;
    object[std::string(telemetry::name(end))] = counts.ends[i];
  }
  return object;
}

Json statuses_json(const Counts& counts) {
  Json object = Json::object();
  for (size_t i = 1; i < counts.status_classes.size(); ++i) {
    if (counts.status_classes[i] == 0) continue;
    object[std::to_string(i) + "xx"] = counts.status_classes[i];
  }
  return object;
}

Json servers_json(const Recorder& totals) {
  Json list = Json::array();
  for (const ServerTally* tally : totals.servers_by_name()) {
    Json object = {
        {"name", tally->name}, {"answers", tally->answers}, {"bad_status", tally->bad_status}};
    object["service_time"] = report::to_json(tally->service, false);
    list.push_back(std::move(object));
  }
  return list;
}

Json tiers_json(const Recorder& totals) {
  Json list = Json::array();
  for (const TierTally& tally : totals.tiers()) {
    if (tally.took.count() == 0) continue;
    list.push_back({{"name", tally.name},
                    {"count", tally.took.count()},
                    {"mean_us", tally.took.mean() / 1e3},
                    {"p50_us", us(tally.took.percentile(50))},
                    {"p99_us", us(tally.took.percentile(99))},
                    {"max_us", us(tally.took.max())}});
  }
  return list;
}

Json addresses_json(const RunResult& result) {
  Json list = Json::array();
  for (size_t i = 0; i < result.totals.addresses().size(); ++i) {
    const AddressTally& tally = result.totals.addresses()[i];
    Json object = {{"address", result.plan.addresses[i].text()},
                   {"connections", tally.connections},
                   {"connect_failures", tally.connect_failures},
                   {"answers", tally.answers},
                   {"bad_status", tally.bad_status},
                   {"failed", tally.failed}};
    object["service_time"] = report::to_json(tally.service, false);
    list.push_back(std::move(object));
  }
  return list;
}

Json target_json(const TargetVerdict& target) {
  return {{"good", target.state == TargetVerdict::State::kNoErrors},
          {"text", target.word()},
          {"sentence", target.text}};
}

Json verdict_json(const Verdict& verdict) {
  return {{"valid", verdict.valid},
          {"judged", verdict.judged},
          {"text", verdict.word()},
          {"reasons", verdict.reasons},
          {"notes", verdict.notes}};
}

Json interval_json(const RunResult& result, size_t index) {
  const Recorder& totals = result.totals;
  const Slice& slice = totals.slices()[index];
  const base::Duration begin = totals.interval() * static_cast<int64_t>(index);
  const base::Duration length =
      std::max(base::Duration{}, std::min(totals.interval(), result.elapsed - begin));
  Json object = {{"t_s", base::to_seconds(begin)}, {"for_s", base::to_seconds(length)}};
  if (begin < result.warmup) object["warmup"] = true;
  object["due"] = slice.due;
  object["issued"] = slice.issued;
  object["answered"] = slice.answered;
  object["failed"] = slice.failed;
  object["bad_status"] = slice.bad_status;
  object["lag_max_us"] = base::to_us(slice.lag_max);
  object["in_flight_max"] = slice.in_flight_max;
  object["backlog_max"] = slice.backlog_max;
  object["service_time"] = report::to_json(slice.service, true);
  object["response_time"] = report::to_json(slice.response, true);
  Json servers = Json::object();
  for (size_t i = 0; i < slice.answers_by_server.size(); ++i) {
    if (slice.answers_by_server[i] == 0) continue;
    servers[totals.servers()[i].name] = slice.answers_by_server[i];
  }
  Json tiers = Json::object();
  for (size_t i = 0; i < slice.tiers.size(); ++i) {
    const TierSum& sum = slice.tiers[i];
    if (sum.count == 0) continue;
    tiers[totals.tiers()[i].name] =
        static_cast<double>(sum.sum_ns) / static_cast<double>(sum.count) / 1e3;
  }
  object["servers"] = std::move(servers);
  object["tiers"] = std::move(tiers);
  return object;
}

Json intervals_json(const RunResult& result) {
  Json list = Json::array();
  for (size_t i = 0; i < result.totals.slices().size(); ++i) {
    list.push_back(interval_json(result, i));
  }
  return list;
}

Json expected_json(const RunResult& result) {
  Json list = Json::array();
  for (const report::Expected& one : result.expected) {
    list.push_back({{"text", one.text}, {"measured", one.measured}, {"met", one.met}});
  }
  return list;
}

Json machine_json() {
  const report::Machine machine = report::this_machine();
  return {{"cores", machine.cores}, {"os", machine.os}, {"cpu", machine.cpu}};
}

}  // namespace

std::string result_json(const RunResult& result) {
  const Recorder& totals = result.totals;
  const Counts& counts = totals.counts();
  Json object;
  object["format"] = "giliran-client/2";
  object["version"] = GILIRAN_VERSION;
  object["machine"] = machine_json();
  object["plan"] = plan_json(result.plan);
  if (!result.run_id.empty()) object["run"] = result.run_id;
  object["started_unix_s"] = static_cast<double>(result.started.ns / 1000) / 1e6;
  object["elapsed_s"] = base::to_seconds(result.elapsed);
  object["issuing_s"] = base::to_seconds(result.issuing);
  object["rate"] = result.rate();
  object["interrupted"] = result.interrupted();
  object["target"] = target_json(judge_target(counts));
  object["verdict"] = verdict_json(result.verdict);
  object["totals"] = totals_json(counts);
  object["statuses"] = statuses_json(counts);
  object["errors"] = errors_json(counts);
  object["service_time"] = report::to_json(totals.service_time(), true);
  object["response_time"] = report::to_json(totals.response_time(), true);
  object["lag"] = report::to_json(totals.lag(), true);
  object["wait"] = report::to_json(totals.wait(), true);
  object["connect"] = report::to_json(totals.connect(), true);
  object["addresses"] = addresses_json(result);
  object["servers"] = servers_json(totals);
  object["tiers"] = tiers_json(totals);
  object["interval_s"] = base::to_seconds(totals.interval());
  object["intervals"] = intervals_json(result);
  object["expected"] = expected_json(result);
  object["marks"] = Json::array();
  object["cpu_s"] = base::to_seconds(result.cpu);
  object["cpu_share"] = result.cpu_share;
  object["cpu_share_busiest"] = result.cpu_share_busiest;
  if (result.logged) {
    object["log"] = {{"written", result.log.written},
                     {"dropped", result.log.dropped},
                     {"write_errors", result.log.write_errors}};
  }
  return report::json_text(object) + "\n";
}

}  // namespace giliran::client
