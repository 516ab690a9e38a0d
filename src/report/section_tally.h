// Adds up the records of one kind on one tier.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <unordered_map>

#include "report/fault.h"
#include "report/rate.h"
#include "report/report.h"

namespace giliran::report {

// Memory is bounded: about 1 MiB, and 120 KiB for each of at most kServersMax servers.
class SectionTally {
 public:
  static constexpr size_t kServersMax = 256;   // further ones are "(others)"
  static constexpr size_t kFailuresMax = 256;  // further ones lose their reason

  SectionTally(telemetry::Tier tier, telemetry::Kind kind, size_t slowest);
  void add(const telemetry::Line& line);
  Section finish() const;
  const Section& counts() const { return counts_; }
  // Over records that are ok.
  double total_mean_us() const { return total_.mean() / 1e3; }
  // Those of them that a server answered, which the tiers have in common; all, where no record says
  // which server it was.
  struct Served {
    uint64_t count = 0;
    double mean_us = 0;
  };
  Served served() const;
  double part_mean_us(Part part) const;  // over the records that are ok

 private:
  struct Server {
    Server();
    std::string address;
    bool says_so = true;
    uint64_t count = 0;
    uint64_t errors = 0;
    uint64_t before = 0;
    FaultTally faults;
    base::Histogram connect, wait, total;
  };
  struct TextHash {
    using is_transparent = void;
    size_t operator()(std::string_view s) const { return std::hash<std::string_view>()(s); }
  };

  Server& server(std::string_view name);
  Server& server(const telemetry::Line& line);
  void add_faults(const telemetry::Line& line);
  void add_times(const telemetry::Line& line);
  void add_failure(const telemetry::Line& line);
  void add_slow(const telemetry::Line& line);

  Section counts_;  // what needs no finishing
  size_t slowest_max_;
  int64_t first_ns_ = INT64_MAX;
  int64_t last_ns_ = INT64_MIN;
  RateTally rate_;
  base::Histogram total_;
  uint64_t served_ = 0;
  double served_ns_ = 0;
  std::array<std::optional<base::Histogram>, kParts> parts_;
  std::array<double, kParts> ok_sums_ns_{};
  std::unordered_map<std::string, Server, TextHash, std::equal_to<>> servers_;
  using FailureKey = std::tuple<telemetry::End, telemetry::By, telemetry::Phase, std::string>;
  std::map<FailureKey, Failure> failures_;
  std::vector<FaultyAttempt> faulty_;  // of the record at hand
  std::vector<SlowRecord> slowest_;    // a heap, the least slow in front
};

}  // namespace giliran::report
