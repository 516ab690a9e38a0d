#include <nlohmann/json.hpp>

#include "client/run_result.h"

namespace giliran::client {
namespace {

using Json = nlohmann::ordered_json;

double us(uint64_t ns) {
  return static_cast<double>(ns) / 1e3;
}

Json histogram_json(const base::Histogram& histogram, bool buckets) {
  Json object;
  object["count"] = histogram.count();
  if (histogram.count() == 0) return object;
  object["min_us"] = us(histogram.min());
  object["mean_us"] = histogram.mean() / 1e3;
  object["stddev_us"] = histogram.stddev() / 1e3;
  object["max_us"] = us(histogram.max());
  object["p50_us"] = us(histogram.percentile(50));
  object["p75_us"] = us(histogram.percentile(75));
  object["p90_us"] = us(histogram.percentile(90));
  object["p99_us"] = us(histogram.percentile(99));
  object["p99_9_us"] = us(histogram.percentile(99.9));
  object["p99_99_us"] = us(histogram.percentile(99.99));
  if (!buckets) return object;
  Json list = Json::array();
  histogram.each([&](uint64_t low, uint64_t high, uint64_t count) {
    list.push_back(Json::array({us(low), us(high), count}));
  });
  object["buckets"] = std::move(list);
  return object;
}

Json plan_json(const Plan& plan) {
  Json object;
  object["url"] = plan.url;
  object["protocol"] = plan.protocol == Protocol::kHttp ? "http" : "tcp";
  object["address"] = plan.addresses.front().text();
  object["loop"] = "closed";
  object["connections"] = plan.connections;
  object["threads"] = plan.threads;
  if (plan.requests != 0) object["requests"] = plan.requests;
  if (plan.duration.count() != 0) object["duration_s"] = base::to_seconds(plan.duration);
  if (plan.protocol == Protocol::kHttp) {
    object["method"] = plan.method;
    object["body_bytes"] = plan.body.size();
  } else {
    object["message"] = plan.line.substr(0, plan.line.size() - 1);
  }
  object["new_connection"] = plan.new_connection;
  object["timeout_s"] = base::to_seconds(plan.timeout);
  object["seed"] = plan.seed;
  return object;
}

Json totals_json(const Counts& counts) {
  return {{"issued", counts.issued},
          {"answered", counts.answered},
          {"failed", counts.failed},
          {"bad_status", counts.bad_status},
          {"retried", counts.retried},
          {"connections", counts.connections},
          {"connect_failures", counts.connect_failures},
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
    object["round_trip"] = histogram_json(tally->service, false);
    list.push_back(std::move(object));
  }
  return list;
}

}  // namespace

std::string result_json(const RunResult& result) {
  const Counts& counts = result.totals.counts();
  Json object;
  object["format"] = "giliran-client/1";
  object["version"] = GILIRAN_VERSION;
  object["plan"] = plan_json(result.plan);
  object["started_unix_s"] = static_cast<double>(result.started.ns / 1000) / 1e6;
  object["elapsed_s"] = base::to_seconds(result.elapsed);
  object["issuing_s"] = base::to_seconds(result.issuing);
  object["rate"] = result.rate();
  object["interrupted"] = result.interrupted;
  object["totals"] = totals_json(counts);
  object["statuses"] = statuses_json(counts);
  object["errors"] = errors_json(counts);
  object["connect"] = histogram_json(result.totals.connect(), true);
  object["round_trip"] = histogram_json(result.totals.service_time(), true);
  object["service_time"] = histogram_json(result.totals.service_time(), true);
  object["response_time"] = histogram_json(result.totals.response_time(), true);
  object["servers"] = servers_json(result.totals);
  object["cpu_s"] = base::to_seconds(result.cpu);
  if (result.logged) {
    object["log"] = {{"written", result.log.written},
                     {"dropped", result.log.dropped},
                     {"write_errors", result.log.write_errors}};
  }
  return object.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace giliran::client
