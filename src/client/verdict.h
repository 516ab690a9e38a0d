// Whether a run tells of the servers or of the client itself.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/histogram.h"
#include "client/plan.h"

namespace giliran::client {

struct Verdict {
  bool valid = true;
  std::vector<std::string> reasons{};  // why it is not; sentences without a full stop
  std::vector<std::string> notes{};    // what a reader should know of a valid result, too
};

struct VerdictInput {
  const Plan& plan;
  uint64_t due = 0;
  uint64_t issued = 0;
  uint64_t answered = 0;
  const base::Histogram& service;   // ns
  const base::Histogram& response;  // ns
  const base::Histogram& lag;       // ns
  const base::Histogram& wait;      // ns
  double cpu_share_busiest = 0;     // of one thread's time
  double all_busy_share = 0;        // of the time in which no connection was idle
  bool answering_at_end = true;     // answers still came when the issuing ended
};

// A request is judged only where there is something to judge.
constexpr double kCpuShareMax = 0.9;
// The generator is late where the 99th percentile of its lag is above both.
constexpr base::Duration kLagTolerated = std::chrono::microseconds(500);
constexpr double kLagShareMax = 0.2;  // of the 99th percentile of the response time
constexpr double kIssuedShareMin = 0.99;

// CLIENT-LIMITED, that is not valid, where
// - a thread of the client used kCpuShareMax or more of its time; or, in an open loop,
// - lag p99 > kLagTolerated and lag p99 > kLagShareMax x response p99: what was measured is, to a
//   noticeable part, the generator's own lateness; or
// - less than kIssuedShareMin of what was due was issued although answers came to the end: the
//   response times lack those that would have been longest.
// Records that the log dropped are no reason: they were measured. Pure.
Verdict judge(const VerdictInput& input);

}  // namespace giliran::client
