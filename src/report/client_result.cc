#include "report/client_result.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "report/histogram_json.h"

namespace giliran::report {
namespace {

using Json = nlohmann::ordered_json;
using base::Result;

constexpr int kTotalDigits = 3;
constexpr int kIntervalDigits = 2;

const char* kind_of(const Json& json) {
  switch (json.type()) {
    case Json::value_t::null:
      return "null";
    case Json::value_t::object:
      return "an object";
    case Json::value_t::array:
      return "a list";
    case Json::value_t::string:
      return "a text";
    case Json::value_t::boolean:
      return "true or false";
    case Json::value_t::number_integer:
    case Json::value_t::number_unsigned:
    case Json::value_t::number_float:
      return "a number";
    case Json::value_t::binary:
    case Json::value_t::discarded:
      break;
  }
  return "nothing";
}

// Reads fields of one object. The first thing that is not as it should be is remembered; what is
// absent or null leaves the value as it is.
class Fields {
 public:
  Fields(const Json& object, std::string where) : object_(object), where_(std::move(where)) {
    if (!object.is_object()) complain("", "an object", object);
  }

  void read(const char* key, uint64_t& out) {
    const Json* found = find(key);
    if (found == nullptr) return;
    if (!found->is_number_unsigned()) return complain(key, "a count", *found);
    out = found->get<uint64_t>();
  }
  void read(const char* key, double& out) {
    const Json* found = find(key);
    if (found == nullptr) return;
    if (!found->is_number()) return complain(key, "a number", *found);
    out = found->get<double>();
  }
  void read(const char* key, std::optional<double>& out) {
    double value = 0;
    if (find(key) == nullptr) return;
    read(key, value);
    out = value;
  }
  void read(const char* key, bool& out) {
    const Json* found = find(key);
    if (found == nullptr) return;
    if (!found->is_boolean()) return complain(key, "true or false", *found);
    out = found->get<bool>();
  }
  void read(const char* key, std::string& out) {
    const Json* found = find(key);
    if (found == nullptr) return;
    if (!found->is_string()) return complain(key, "a text", *found);
    out = found->get<std::string>();
  }
  void read(const char* key, std::map<std::string, uint64_t>& out) {
    members(key, [&](Fields& fields, const char* name) { fields.read(name, out[name]); });
  }
  void read(const char* key, std::map<std::string, double>& out) {
    members(key, [&](Fields& fields, const char* name) { fields.read(name, out[name]); });
  }
  void read(const char* key, base::Histogram& out, int digits, bool needed) {
    const Json* found = find(key);
    if (found == nullptr) {
      if (needed) fail_with(at(key) + ": missing");
      return;
    }
    auto histogram = parse_histogram(*found, digits, at(key));
    if (!histogram) return fail_with(histogram.error().message);
    out = std::move(*histogram);
  }
  // Calls take(Fields&) for every object of a list.
  template <typename Take>
  void each(const char* key, const Take& take) {
    const Json* found = find(key);
    if (found == nullptr) return;
    if (!found->is_array()) return complain(key, "a list", *found);
    for (size_t i = 0; i < found->size() && problem_.empty(); ++i) {
      Fields fields((*found)[i], fmt::format("{}[{}]", at(key), i));
      take(fields);
      fail_with(fields.problem_);
    }
  }
  template <typename Take>
  void object(const char* key, const Take& take) {
    const Json* found = find(key);
    if (found == nullptr) return;
    Fields fields(*found, at(key));
    if (fields.problem_.empty()) take(fields);
    fail_with(fields.problem_);
  }
  void texts(const char* key, std::vector<std::string>& out) {
    const Json* found = find(key);
    if (found == nullptr) return;
    if (!found->is_array()) return complain(key, "a list", *found);
    for (const Json& each : *found) {
      if (!each.is_string()) return complain(key, "a list of texts", each);
      out.push_back(each.get<std::string>());
    }
  }
  const Json& raw(const char* key) {
    static const Json kNothing = Json::object();
    const Json* found = find(key);
    if (found == nullptr) return kNothing;
    if (found->is_object()) return *found;
    complain(key, "an object", *found);
    return kNothing;
  }
  bool has(const char* key) const { return object_.is_object() && object_.contains(key); }
  const std::string& problem() const { return problem_; }

 private:
  const Json* find(const char* key) const {
    if (!object_.is_object() || !problem_.empty()) return nullptr;
    const auto found = object_.find(key);
    return found == object_.end() || found->is_null() ? nullptr : &*found;
  }
  std::string at(const char* key) const {
    return where_.empty() || *key == 0 ? where_ + key : where_ + "." + key;
  }
  void complain(const char* key, const char* wanted, const Json& found) {
    fail_with(fmt::format("{}: expected {}, found {}", at(key), wanted, kind_of(found)));
  }
  void fail_with(const std::string& problem) {
    if (problem_.empty()) problem_ = problem;
  }
  template <typename Take>
  void members(const char* key, const Take& take) {
    object(key, [&](Fields& fields) {
      for (const auto& [name, value] : fields.object_.items()) take(fields, name.c_str());
    });
  }

  const Json& object_;
  std::string where_;
  std::string problem_;
};

void read_totals(Fields& fields, ClientTotals& totals) {
  fields.read("issued", totals.issued);
  totals.due = totals.issued;
  fields.read("due", totals.due);
  fields.read("answered", totals.answered);
  fields.read("failed", totals.failed);
  fields.read("bad_status", totals.bad_status);
  fields.read("retried", totals.retried);
  fields.read("connections", totals.connections);
  fields.read("connect_failures", totals.connect_failures);
  fields.read("bytes_out", totals.bytes_out);
  fields.read("bytes_in", totals.bytes_in);
  fields.read("body_bytes", totals.body_bytes);
}

void read_times(Fields& fields, ClientTimes& times) {
  fields.read("count", times.count);
  fields.read("min_us", times.min_us);
  fields.read("mean_us", times.mean_us);
  fields.read("p50_us", times.p50_us);
  fields.read("p99_us", times.p99_us);
  fields.read("max_us", times.max_us);
}

void read_interval(Fields& fields, ClientInterval& interval) {
  fields.read("t_s", interval.begin_s);
  fields.read("for_s", interval.for_s);
  fields.read("warmup", interval.warmup);
  fields.read("due", interval.due);
  fields.read("issued", interval.issued);
  fields.read("answered", interval.answered);
  fields.read("failed", interval.failed);
  fields.read("bad_status", interval.bad_status);
  fields.read("lag_max_us", interval.lag_max_us);
  fields.read("in_flight_max", interval.in_flight_max);
  fields.read("backlog_max", interval.backlog_max);
  fields.read("service_time", interval.service_time, kIntervalDigits, false);
  fields.read("response_time", interval.response_time, kIntervalDigits, false);
  fields.read("servers", interval.servers);
  fields.read("tiers", interval.tiers);
}

void read_lists(Fields& root, ClientResult& out) {
  root.each("servers", [&](Fields& fields) {
    ClientServer& server = out.servers.emplace_back();
    fields.read("name", server.name);
    fields.read("answers", server.answers);
    fields.read("bad_status", server.bad_status);
    fields.object("service_time", [&](Fields& times) { read_times(times, server.service_time); });
  });
  root.each("tiers", [&](Fields& fields) {
    ClientTier& tier = out.tiers.emplace_back();
    fields.read("name", tier.name);
    read_times(fields, tier.times);
  });
  root.each("intervals",
            [&](Fields& fields) { read_interval(fields, out.intervals.emplace_back()); });
  root.each("marks", [&](Fields& fields) {
    auto& [at, text] = out.marks.emplace_back();
    fields.read("t_s", at);
    fields.read("text", text);
  });
}

Result<ClientResult> read_fields(const Json& json, std::string path) {
  ClientResult out;
  out.path = std::move(path);
  Fields root(json, "");
  root.read("version", out.version);
  out.plan = root.raw("plan");
  out.machine = root.raw("machine");
  root.read("started_unix_s", out.started_unix_s);
  root.read("elapsed_s", out.elapsed_s);
  root.read("issuing_s", out.issuing_s);
  root.read("rate", out.rate);
  root.read("cpu_s", out.cpu_s);
  root.read("cpu_share", out.cpu_share);
  root.read("interrupted", out.interrupted);
  root.object("verdict", [&](Fields& fields) {
    fields.read("valid", out.verdict.valid);
    fields.read("judged", out.verdict.judged);
    fields.read("text", out.verdict.text);
    fields.texts("reasons", out.verdict.reasons);
  });
  root.object("totals", [&](Fields& fields) { read_totals(fields, out.totals); });
  root.read("statuses", out.statuses);
  root.read("errors", out.errors);
  root.read("service_time", out.service_time, kTotalDigits, true);
  root.read("response_time", out.response_time, kTotalDigits, true);
  root.read("lag", out.lag, kTotalDigits, false);
  root.read("wait", out.wait, kTotalDigits, false);
  root.read("connect", out.connect, kTotalDigits, false);
  root.read("interval_s", out.interval_s);
  read_lists(root, out);
  if (root.problem().empty() && !root.has("totals")) return base::fail("totals: missing");
  if (!root.problem().empty()) return base::fail(root.problem());
  return out;
}

Result<void> check_format(const Json& json) {
  const auto format = json.is_object() ? json.find("format") : json.end();
  if (format == json.end() || !format->is_string()) {
    return base::fail(
        fmt::format("no result of giliran client: it has no \"format\": \"{}\"", kClientFormat));
  }
  const std::string name = format->get<std::string>();
  if (name == kClientFormat) return {};
  if (name.starts_with("giliran-client/")) {
    return base::fail(fmt::format("a result in format {}; this program reads {}: measure again",
                                  name.substr(0, 40), kClientFormat));
  }
  return base::fail(fmt::format("format is {}, expected {}: what giliran client --json writes",
                                name.substr(0, 40), kClientFormat));
}

Result<Json> parse_json(std::string_view text) {
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) {
    return base::fail("it is empty: was the client ended before it could write?");
  }
  try {
    return Json::parse(text);
  } catch (const Json::parse_error& error) {
    const size_t byte = error.byte == 0 ? 0 : error.byte - 1;
    if (byte >= text.size()) {
      return base::fail(fmt::format("byte {}: the file ends within the JSON: is it whole?", byte));
    }
    return base::fail(fmt::format("byte {}: no JSON", byte));
  } catch (const Json::out_of_range&) {
    return base::fail("a number in it is too large for any");
  }
}

template <typename T>
T value_of(const Json& object, const char* key, T otherwise) {
  const auto found = object.find(key);
  if (found == object.end()) return otherwise;
  if constexpr (std::is_same_v<T, double>) {
    return found->is_number() ? found->template get<double>() : otherwise;
  } else {
    return found->is_string() ? found->template get<T>() : otherwise;
  }
}

}  // namespace

double ClientResult::warmup_s() const {
  return value_of(plan, "warmup_s", 0.0);
}
bool ClientResult::open_loop() const {
  return value_of(plan, "loop", std::string()) == "open";
}
bool ClientResult::evenly_spaced() const {
  return open_loop() && value_of(plan, "arrivals", std::string()) == "constant";
}
double ClientResult::planned_rate() const {
  return open_loop() ? value_of(plan, "rate", 0.0) : 0;
}
std::string ClientResult::url() const {
  return value_of(plan, "url", std::string());
}

Result<ClientResult> parse_client_result(std::string_view text, std::string path) {
  const auto named = [&path](const base::Error& error) {
    return base::fail(path + ": " + error.message);
  };
  const auto json = parse_json(text);
  if (!json) return named(json.error());
  const auto good = check_format(*json);
  if (!good) return named(good.error());
  auto result = read_fields(*json, path);
  if (!result) return named(result.error());
  return result;
}

Result<ClientResult> read_client_result(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  file.peek();  // of a folder nothing can be read
  if (file.bad()) return base::fail(fmt::format("{}: {}", path, std::strerror(errno)));
  file.clear(file.is_open() ? std::ios::goodbit : std::ios::failbit);
  if (file) text << file.rdbuf();
  // Of an empty file nothing can be inserted, which is no failure of reading.
  if (!file || text.bad()) return base::fail(fmt::format("{}: {}", path, std::strerror(errno)));
  return parse_client_result(text.view(), path);
}

}  // namespace giliran::report
