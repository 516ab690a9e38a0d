#include "report/client_result.h"
#include "report/histogram_json.h"

namespace giliran::report {
namespace {

using Json = nlohmann::ordered_json;

Json totals_json(const ClientTotals& t) {
  return {{"due", t.due},
          {"issued", t.issued},
          {"answered", t.answered},
          {"failed", t.failed},
          {"bad_status", t.bad_status},
          {"retried", t.retried},
          {"connections", t.connections},
          {"connect_failures", t.connect_failures},
          {"bytes_out", t.bytes_out},
          {"bytes_in", t.bytes_in},
          {"body_bytes", t.body_bytes}};
}

void add_times(Json& object, const ClientTimes& times) {
  object["count"] = times.count;
  if (times.count == 0) return;
  if (times.min_us != 0) object["min_us"] = times.min_us;
  object["mean_us"] = times.mean_us;
  if (times.p50_us) object["p50_us"] = *times.p50_us;
  if (times.p99_us) object["p99_us"] = *times.p99_us;
  object["max_us"] = times.max_us;
}

Json interval_json(const ClientInterval& i) {
  Json object;
  object["t_s"] = i.begin_s;
  object["for_s"] = i.for_s;
  if (i.warmup) object["warmup"] = true;
  object["due"] = i.due;
  object["issued"] = i.issued;
  object["answered"] = i.answered;
  object["failed"] = i.failed;
  object["bad_status"] = i.bad_status;
  object["lag_max_us"] = i.lag_max_us;
  object["in_flight_max"] = i.in_flight_max;
  object["backlog_max"] = i.backlog_max;
  object["service_time"] = to_json(i.service_time, true);
  object["response_time"] = to_json(i.response_time, true);
  object["servers"] = i.servers;
  object["tiers"] = i.tiers;
  return object;
}

template <typename Items, typename Make>
Json list_of(const Items& items, const Make& make) {
  Json list = Json::array();
  for (const auto& item : items) list.push_back(make(item));
  return list;
}

Json server_json(const ClientServer& server) {
  Json object = {
      {"name", server.name}, {"answers", server.answers}, {"bad_status", server.bad_status}};
  Json times = Json::object();
  add_times(times, server.service_time);
  object["service_time"] = std::move(times);
  return object;
}

Json tier_json(const ClientTier& tier) {
  Json object = {{"name", tier.name}};
  add_times(object, tier.times);
  return object;
}

}  // namespace

Json to_json(const ClientResult& r) {
  Json object;
  object["format"] = kClientFormat;
  object["version"] = r.version;
  object["machine"] = r.machine.is_object() ? r.machine : Json::object();
  object["plan"] = r.plan.is_object() ? r.plan : Json::object();
  object["started_unix_s"] = r.started_unix_s;
  object["elapsed_s"] = r.elapsed_s;
  object["issuing_s"] = r.issuing_s;
  object["rate"] = r.rate;
  object["interrupted"] = r.interrupted;
  object["verdict"] = {{"valid", r.verdict.valid},
                       {"judged", r.verdict.judged},
                       {"text", r.verdict.text},
                       {"reasons", r.verdict.reasons}};
  object["totals"] = totals_json(r.totals);
  object["statuses"] = r.statuses;
  object["errors"] = r.errors;
  object["service_time"] = to_json(r.service_time, true);
  object["response_time"] = to_json(r.response_time, true);
  object["lag"] = to_json(r.lag, true);
  object["wait"] = to_json(r.wait, true);
  object["connect"] = to_json(r.connect, true);
  object["servers"] = list_of(r.servers, server_json);
  object["tiers"] = list_of(r.tiers, tier_json);
  object["interval_s"] = r.interval_s;
  object["intervals"] = list_of(r.intervals, interval_json);
  object["expected"] = Json::array();
  object["marks"] = list_of(
      r.marks, [](const auto& mark) { return Json{{"t_s", mark.first}, {"text", mark.second}}; });
  object["cpu_s"] = r.cpu_s;
  object["cpu_share"] = r.cpu_share;
  return object;
}

}  // namespace giliran::report
