#include "lab/client_result.h"

#include <nlohmann/json.hpp>

#include "report/json_text.h"

namespace giliran::lab {
namespace {

using Json = nlohmann::ordered_json;

// 0 where it is absent, null or no number: a run without an answer has no percentiles.
template <typename Number>
Number number(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number() ? found->template get<Number>() : Number{};
}

base::Duration duration_us(const Json& object, const char* key) {
  return base::from_seconds(number<double>(object, key) / 1e6);
}

const Json& member(const Json& object, const char* key) {
  static const Json kNothing = Json::object();
  const auto found = object.find(key);
  return found != object.end() && found->is_object() ? *found : kNothing;
}

base::Result<Json> parse_object(std::string_view text) {
  Json json = Json::parse(text, nullptr, false);
  if (json.is_object()) return json;
  return base::fail("the client did not write a JSON object: " + std::string(text.substr(0, 80)));
}

Times times(const base::Histogram& histogram) {
  if (histogram.count() == 0) return {};
  const auto at = [&](double percent) {
    return base::Duration(static_cast<int64_t>(histogram.percentile(percent)));
  };
  return {.p50 = at(50),
          .p90 = at(90),
          .p99 = at(99),
          .p999 = at(99.9),
          .mean = base::Duration(static_cast<int64_t>(histogram.mean()))};
}

}  // namespace

report::Measured measured_of(const report::ClientResult& result) {
  return {.response = &result.response_time,
          .service = &result.service_time,
          .connect = &result.connect,
          .lag = &result.lag,
          .wait = &result.wait,
          .ended = result.totals.ended(),
          .errors = result.totals.errors(),
          .rate = result.rate};
}

ClientResult summed_up(const report::ClientResult& result) {
  uint64_t answered_in_all = 0;
  for (const report::ClientInterval& interval : result.intervals) {
    answered_in_all += interval.answered;
  }
  return {.rate = result.rate,
          .elapsed = base::from_seconds(result.elapsed_s),
          .issued = result.totals.issued,
          .answered = result.totals.answered,
          .answered_in_all = answered_in_all,
          .errors = result.totals.errors(),
          .response = times(result.response_time),
          .service = times(result.service_time),
          .valid = result.verdict.valid,
          .verdict = result.verdict.text.empty() ? "VALID" : result.verdict.text,
          .started_unix_s = result.started_unix_s};
}

base::Result<std::string> with_marks(std::string_view text, const std::vector<MarkAt>& marks) {
  Json json = GILIRAN_TRY(parse_object(text));
  json["marks"] = Json::array();
  for (const MarkAt& mark : marks) {
    json["marks"].push_back({{"t_s", mark.t_s}, {"text", mark.text}});
  }
  return report::json_text(json) + "\n";
}

base::Result<std::string> without_interval_buckets(std::string_view text) {
  Json json = GILIRAN_TRY(parse_object(text));
  const auto intervals = json.find("intervals");
  if (intervals != json.end() && intervals->is_array()) {
    for (Json& interval : *intervals) {
      for (const char* const name : {"service_time", "response_time"}) {
        if (interval.contains(name)) interval[name].erase("buckets");
      }
    }
  }
  return report::json_text(json);
}

base::Result<ClientProgress> parse_client_progress(std::string_view text) {
  const Json json = GILIRAN_TRY(parse_object(text));
  ClientProgress progress{.since_s = number<double>(json, "t_s"),
                          .rate = number<double>(json, "rate"),
                          .p50 = duration_us(json, "p50_us"),
                          .p99 = duration_us(json, "p99_us"),
                          .errors = number<uint64_t>(json, "errors"),
                          .shares = {}};
  for (const auto& [name, answers] : member(json, "servers").items()) {
    if (!answers.is_number_unsigned()) continue;
    progress.shares.push_back({.server = name, .answers = answers.get<uint64_t>()});
  }
  return progress;
}

}  // namespace giliran::lab
