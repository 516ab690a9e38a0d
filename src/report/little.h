// Little's law: as many requests are in the system, on the average, as come in a second times how
// long they stay. It holds whatever the system is (Little 1961), so that where the three do not
// fit, one of them was measured wrongly.
#pragma once

#include <string>

#include "report/client_result.h"

namespace giliran::report {

// All measured independently of each other.
struct LittleInput {
  double in_flight = 0;        // mean number in the system
  double in_flight_error = 0;  // its standard error; 0: exact
  double in_flight_bias = 0;   // by so much the way it was counted may be off; 0: none
  double rate = 0;             // a second
  double mean_s = 0;           // mean time in the system
  double measured_s = 0;       // how long was measured
};

struct Little {
  bool checked = false;  // false: `text` says why not
  double in_flight = 0;
  double expected = 0;   // rate x mean time
  double tolerance = 0;  // of the difference, as a share of what was expected
  bool holds = true;
  std::string text{};  // one sentence
};

// The tolerance: kLittleTolerance, three standard errors of the number in the system, its bias, and
// what requests that straddle the begin or the end may add: twice their mean time over what was
// measured.
// Where that is more than kLittleToleranceMax, agreement proves nothing and is not called one.
constexpr double kLittleTolerance = 0.05;
constexpr double kLittleToleranceMax = 0.25;
Little check_little(const LittleInput& input);

// The number in the system is counted, not derived from times: due less ended, as it is at the end
// of every interval. Times are response times. Not checked: without intervals to speak of, where
// more than 1 % of the requests failed (their times are in no histogram), or few that may have
// taken more than 5 % of the time of all others, if each waited for its time-out, or where the mean
// response time is more than a tenth of what was measured. Evenly spaced requests may come in step
// with the intervals, each right after the others were counted: the number may be off by one, and
// is not checked where that is more than half of it.
Little check_little(const ClientResult& result);

}  // namespace giliran::report
