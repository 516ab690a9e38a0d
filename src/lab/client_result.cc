#include "lab/client_result.h"

#include <nlohmann/json.hpp>

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

}  // namespace

base::Result<ClientResult> parse_client_result(std::string_view text) {
  const Json json = GILIRAN_TRY(parse_object(text));
  if (!json.contains("totals") || !json.contains("round_trip")) {
    return base::fail("the client's result has no totals");
  }
  const Json& totals = member(json, "totals");
  const Json& round_trip = member(json, "round_trip");
  return ClientResult{
      .rate = number<double>(json, "rate"),
      .elapsed = base::from_seconds(number<double>(json, "elapsed_s")),
      .issued = number<uint64_t>(totals, "issued"),
      .answered = number<uint64_t>(totals, "answered"),
      .errors = number<uint64_t>(totals, "failed") + number<uint64_t>(totals, "bad_status"),
      .p50 = duration_us(round_trip, "p50_us"),
      .p90 = duration_us(round_trip, "p90_us"),
      .p99 = duration_us(round_trip, "p99_us"),
      .p999 = duration_us(round_trip, "p99_9_us")};
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
