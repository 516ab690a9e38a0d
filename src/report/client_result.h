// What `giliran client --json` wrote, read again: docs/formats/client_json.md.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/histogram.h"

namespace giliran::report {

constexpr std::string_view kClientFormat = "giliran-client/2";

struct ClientTotals {
  uint64_t due = 0, issued = 0, answered = 0, failed = 0, bad_status = 0, retried = 0;
  uint64_t connections = 0, connect_failures = 0, bytes_out = 0, bytes_in = 0, body_bytes = 0;

  uint64_t ended() const { return answered + failed; }
  uint64_t errors() const { return failed + bad_status; }
};

struct ClientInterval {
  double begin_s = 0;  // since the start of the run
  double for_s = 0;
  bool warmup = false;
  uint64_t due = 0, issued = 0, answered = 0, failed = 0, bad_status = 0;
  double lag_max_us = 0;
  uint64_t in_flight_max = 0, backlog_max = 0;
  base::Histogram service_time{base::Histogram::Options{.digits = 2}};  // ns
  base::Histogram response_time{base::Histogram::Options{.digits = 2}};
  std::map<std::string, uint64_t> servers;  // answers
  std::map<std::string, double> tiers;      // mean, us

  double end_s() const { return begin_s + for_s; }
};

struct ClientTimes {  // of a server or tier
  uint64_t count = 0;
  double min_us = 0, mean_us = 0, max_us = 0;
  std::optional<double> p50_us{}, p99_us{};  // none after a merge: there are no buckets
};

struct ClientServer {
  std::string name;
  uint64_t answers = 0, bad_status = 0;
  ClientTimes service_time;
};

struct ClientTier {
  std::string name;
  ClientTimes times;
};

struct ClientVerdict {
  bool valid = true;
  bool judged = true;  // false: too little was measured to tell
  std::string text;
  std::vector<std::string> reasons;
};

struct ClientResult {
  std::string path;  // where it was read from: a name for people
  std::string version;
  nlohmann::ordered_json plan;  // as it was written: an object
  nlohmann::ordered_json machine;
  double started_unix_s = 0;
  double elapsed_s = 0;
  double issuing_s = 0;
  double rate = 0;  // answers per second while requests were issued
  double cpu_s = 0, cpu_share = 0;
  bool interrupted = false;
  ClientVerdict verdict;
  ClientTotals totals;
  std::map<std::string, uint64_t> statuses, errors;
  base::Histogram service_time, response_time, lag, wait, connect;  // ns
  std::vector<ClientServer> servers;
  std::vector<ClientTier> tiers;
  double interval_s = 0;
  std::vector<ClientInterval> intervals;
  std::vector<std::pair<double, std::string>> marks;  // seconds since the start, text

  double warmup_s() const;
  bool open_loop() const;
  bool evenly_spaced() const;   // an open loop with constant arrivals
  double planned_rate() const;  // per second; 0 in a closed loop
  std::string url() const;
};

// `path` names it in errors, which are one line: what is wrong and where, by byte or by field. What
// is absent stays as above but for the format, the totals and the two histograms.
base::Result<ClientResult> parse_client_result(std::string_view text, std::string path);
base::Result<ClientResult> read_client_result(const std::string& path);

// The other way: what parse_client_result reads the same values from.
nlohmann::ordered_json to_json(const ClientResult& result);

}  // namespace giliran::report
