// Whether a run tells of the servers or of the client itself; and, apart from it, how they did.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/histogram.h"
#include "client/plan.h"
#include "client/recorder.h"

namespace giliran::client {

// Of the measurement. Says nothing of how the target did.
struct Verdict {
  bool valid = true;   // false: CLIENT-LIMITED
  bool judged = true;  // false: too little was measured to tell whether the client kept up
  std::vector<std::string> reasons{};  // why it is not valid; sentences without a full stop
  std::vector<std::string> notes{};    // what a reader should know of a valid result, too

  std::string_view word() const;  // "VALID", "CLIENT-LIMITED", "NOT JUDGED"
};

struct VerdictInput {
  const Plan& plan;
  uint64_t due = 0;
  uint64_t issued = 0;
  uint64_t answered = 0;
  uint64_t shortages = 0;           // connections that this machine had nothing left for
  base::Duration issuing{};         // how long requests were measured
  const base::Histogram& service;   // ns
  const base::Histogram& response;  // ns
  const base::Histogram& lag;       // ns
  const base::Histogram& wait;      // ns
  double cpu_share_busiest = 0;     // of one thread's time
  double all_busy_share = 0;        // of the time in which no connection was idle
  bool answering_at_end = true;     // answers still came when the issuing ended
};

// The processor and the lag are judged only where there is something to judge: below a second the
// start is most of it, and of few answers there is no 99th percentile.
constexpr base::Duration kJudgedFrom = std::chrono::seconds(1);
constexpr uint64_t kJudgedAnswersMin = 100;
constexpr double kCpuShareMax = 0.9;
// The generator is late where the 99th percentile of its lag is above both.
constexpr base::Duration kLagTolerated = std::chrono::microseconds(500);
constexpr double kLagShareMax = 0.2;  // of the 99th percentile of the response time
constexpr double kIssuedShareMin = 0.99;

// Whether there is enough to judge processor and lag.
bool enough_to_judge(base::Duration issuing, uint64_t answered);
// The client's own lateness is, to a noticeable part, what was measured.
bool too_late(const base::Histogram& lag, const base::Histogram& response);

// CLIENT-LIMITED, that is not valid, where
// - a connection could not be opened for want of something of this machine;
// - a thread of the client used kCpuShareMax or more of its time; or, in an open loop,
// - lag p99 > kLagTolerated and lag p99 > kLagShareMax x response p99: what was measured is, to a
//   noticeable part, the generator's own lateness; or
// - less than kIssuedShareMin of what was due was issued although answers came to the end: the
//   response times lack those that would have been longest.
// Processor and lag only where enough_to_judge(), the others always. Records that the log dropped
// are no reason: they were measured. Pure.
Verdict judge(const VerdictInput& input);

// How the target did, whatever the measurement is worth.
struct TargetVerdict {
  enum class State : uint8_t {
    kNotAsked,  // no request has ended
    kNoErrors,
    kErrors,
    kAllFailed  // no answer with a status below 400
  };
  State state = State::kNotAsked;
  std::string text{};  // a sentence without a full stop: "4 of 100 requests failed (4.00%)"

  std::string_view word() const;  // "NOT ASKED", "NO ERRORS", "ERRORS", "ALL FAILED"
};

TargetVerdict judge_target(const Counts& counts);

}  // namespace giliran::client
