#include "report/histogram_json.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <utility>
#include <vector>

namespace giliran::report {
namespace {

using Json = nlohmann::ordered_json;
using Buckets = std::vector<base::Histogram::Bucket>;

constexpr double kNanosecondsMax = 9e15;  // a double tells every one of them apart up to here

double us(uint64_t ns) {
  return static_cast<double>(ns) / 1e3;
}

base::Result<uint64_t> nanoseconds(const Json& json, const std::string& where) {
  const double ns = json.is_number() ? json.get<double>() * 1e3 : -1;
  if (!(ns >= 0) || ns > kNanosecondsMax) {
    return base::fail(where + ": expected a number of microseconds, not below 0");
  }
  return static_cast<uint64_t>(std::llround(ns));
}

base::Result<uint64_t> nanoseconds_of(const Json& json, const char* key, const std::string& where) {
  const auto found = json.find(key);
  if (found == json.end()) return base::fail(fmt::format("{}: no {}", where, key));
  return nanoseconds(*found, where + "." + key);
}

base::Result<Buckets> parse_buckets(const Json& json, const std::string& where) {
  const auto found = json.find("buckets");
  if (found == json.end() || !found->is_array()) {
    return base::fail(where + ": no buckets: without them it cannot be rebuilt");
  }
  Buckets buckets;
  buckets.reserve(found->size());
  for (const Json& each : *found) {
    const std::string place = fmt::format("{}.buckets[{}]", where, buckets.size());
    if (!each.is_array() || each.size() != 3 || !each[2].is_number_unsigned()) {
      return base::fail(place + ": expected [lowest_us, highest_us, count]");
    }
    buckets.push_back({.lowest = GILIRAN_TRY(nanoseconds(each[0], place)),
                       .highest = GILIRAN_TRY(nanoseconds(each[1], place)),
                       .count = each[2].get<uint64_t>()});
  }
  return buckets;
}

}  // namespace

Json to_json(const base::Histogram& histogram, bool buckets) {
  Json object;
  object["count"] = histogram.count();
  if (histogram.count() == 0) return object;
  object["min_us"] = us(histogram.min());
  object["mean_us"] = histogram.mean() / 1e3;
  object["stddev_us"] = histogram.stddev() / 1e3;
  object["max_us"] = us(histogram.max());
  static constexpr std::array<std::pair<const char*, double>, 6> kPercentiles = {
      {{"p50_us", 50},
       {"p75_us", 75},
       {"p90_us", 90},
       {"p99_us", 99},
       {"p99_9_us", 99.9},
       {"p99_99_us", 99.99}}};
  for (const auto& [key, p] : kPercentiles) object[key] = us(histogram.percentile(p));
  if (!buckets) return object;
  Json list = Json::array();
  histogram.each([&](uint64_t low, uint64_t high, uint64_t count) {
    list.push_back(Json::array({us(low), us(high), count}));
  });
  object["buckets"] = std::move(list);
  return object;
}

base::Result<base::Histogram> parse_histogram(const Json& json, int digits,
                                              const std::string& where) {
  const auto count = json.is_object() ? json.find("count") : json.end();
  if (count == json.end() || !count->is_number_unsigned()) {
    return base::fail(where + ": expected a histogram: an object with a count");
  }
  if (count->get<uint64_t>() == 0) return base::Histogram({.digits = digits});
  const Buckets buckets = GILIRAN_TRY(parse_buckets(json, where));
  const uint64_t min = GILIRAN_TRY(nanoseconds_of(json, "min_us", where));
  const uint64_t max = GILIRAN_TRY(nanoseconds_of(json, "max_us", where));
  const auto mean = json.find("mean_us");
  const double mean_ns = mean != json.end() && mean->is_number() ? mean->get<double>() * 1e3 : NAN;
  const auto restore = [&](int with) {
    return base::Histogram::restore({.digits = with}, buckets, min, max, mean_ns);
  };
  auto histogram = restore(digits);
  for (int with = 1; !histogram && with <= 5; ++with) {
    auto other = restore(with);
    if (other) histogram = std::move(other);
  }
  if (!histogram) return base::fail(where + ": " + histogram.error().message);
  if (histogram->count() != count->get<uint64_t>()) {
    return base::fail(fmt::format("{}: the buckets hold {} values, the count says {}", where,
                                  histogram->count(), count->get<uint64_t>()));
  }
  return histogram;
}

}  // namespace giliran::report
