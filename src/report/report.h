// What `giliran report` found: values only. Printed by text.h, written by json.h.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/histogram.h"
#include "base/time.h"
#include "report/conservation.h"
#include "report/fault.h"
#include "report/runs.h"
#include "telemetry/reader.h"
#include "telemetry/record.h"

namespace giliran::report {

// Of durations; all zero where there is none.
struct Quantiles {
  uint64_t count = 0;
  double mean_us = 0;
  base::Duration p50{}, p90{}, p99{}, p999{}, max{};

  static Quantiles of(const base::Histogram& nanoseconds);
};

// The durations of a record that add up to its total, then two that do not.
enum class Part : uint8_t { kHead, kQueue, kConnect, kSend, kWait, kService, kData, kIdle, kLag };
constexpr size_t kParts = 9;
constexpr size_t kPartsOfTotal = 7;
std::string_view name(Part part);
base::Duration part_of(const telemetry::Line& line, Part part);

struct Failure {
  telemetry::End end{};
  telemetry::By by{};
  telemetry::Phase phase{};
  std::string reason;
  uint64_t count = 0;
  std::string example;  // where it was first seen, e.g. server or peer
};

constexpr std::string_view kNoName = "(none)";  // of the row of records that no server had

struct ServerRow {
  std::string name;     // as this tier calls it
  std::string address;  // where it listens, where this tier knows that
  std::string shown;    // the one name that it has in texts: "127.0.0.1:9001 (s1)"
  bool says_so = true;  // false: a client does not know who did not answer, `name` is its peer
  uint64_t count = 0;   // records it was the last server of
  uint64_t errors = 0;  // of these, not ok
  uint64_t before = 0;  // attempts on it of records that then went to another server
  std::vector<FaultRow> faults;    // most frequent first
  Quantiles connect, wait, total;  // wait: service on servers; total: of records that are ok

  bool has_name() const { return name != kNoName; }
};

struct SlowRecord {
  base::Duration total{};
  Part dominant = Part::kWait;
  base::Duration dominant_time{};
  std::string ts, method, target, server, peer, trace;
  uint16_t status = 0;
  telemetry::End end{};
};

struct RateBucket {
  uint64_t count = 0;
  uint64_t errors = 0;
};

struct RateOverTime {
  base::WallTime begin;
  base::Duration interval{};
  std::vector<RateBucket> buckets;  // at most 3,600
};

// All records of one kind on one tier.
struct Section {
  telemetry::Tier tier{};
  telemetry::Kind kind{};
  uint64_t records = 0;
  uint64_t ok = 0;
  uint64_t ok_4xx = 0;     // ok, with a status of 4xx
  uint64_t ok_5xx = 0;     // ok, with a status of 5xx
  uint64_t from_json = 0;  // with all that a record says
  uint64_t messages = 0;   // of flows
  uint64_t attempts = 0;
  uint64_t retried = 0;  // more than one attempt
  uint64_t reused = 0;
  uint64_t down_in = 0, down_out = 0, up_out = 0, up_in = 0, body_in = 0, body_out = 0;
  base::WallTime begin;
  base::Duration duration{};  // first beginning to last end
  RateOverTime rate;
  Quantiles total;  // of records that are ok
  std::array<Quantiles, kParts> parts{};
  std::vector<Failure> failures;  // most frequent first
  std::vector<ServerRow> servers;
  std::map<uint16_t, uint64_t> statuses;
  std::vector<SlowRecord> slowest;

  uint64_t errors() const { return records - ok; }
  double per_second() const;
};

// Where the mean time of an exchange (or message) goes, from the differences between tiers.
struct WhereTimeGoes {
  struct Share {
    std::string what;
    double mean_us = 0;
  };
  telemetry::Tier seen_from{};
  telemetry::Kind kind{};
  double mean_us = 0;
  std::vector<Share> shares{};   // add up to the mean, none below 0; empty where that cannot be
  std::string odd{};             // why it cannot be
  uint64_t records = 0;          // that the mean is of: those that a server answered
  uint64_t records_ok = 0;       // all that are ok
  bool same_records = false;     // as many records are ok on every tier
  std::string sentence() const;  // empty where only one tier is there
};

// Something that stands out.
struct Finding {
  double weight = 0;   // how much it explains: the greatest is the likeliest cause; 0: a remark
  std::string title;   // "Server 127.0.0.1:9001 (s1) refused connections"
  std::string detail;  // how often, when; may be empty
  bool is_remark() const { return weight <= 0; }
  std::string sentence() const;
};

struct FileRead {
  std::string path;
  telemetry::ReadStats stats;
};

struct Report {
  std::vector<FileRead> files;
  std::vector<ClientRun> runs;    // of clients
  std::vector<Section> sections;  // client, coordinator, server
  std::vector<WhereTimeGoes> where;
  Conservation conservation;
  std::vector<Finding> findings;  // the most important first
  std::string answer;             // how it went and the likeliest cause, in a line or two
};

}  // namespace giliran::report
