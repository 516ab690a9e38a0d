// HAProxy's termination state: who ended a record, and where it was then. docs/formats/logs.md has
// the table.
#pragma once

#include <optional>
#include <string_view>

#include "telemetry/record.h"

namespace giliran::telemetry {

struct Termination {
  char cause = '-';
  char phase = '-';
  bool operator==(const Termination&) const = default;
};

Termination termination(const Record& record);

// What a state says of a line, the other way: several endings share one, and then the status
// decides, or the commonest is taken (`SC`: connect-failed, which may have been refused; `cD` of an
// exchange: client-timeout). Absent where it is none of ours.
struct Ending {
  End end = End::kOk;
  By by = By::kNobody;
  Phase phase = Phase::kNone;
};
struct EndingFacts {
  bool flow = false;
  bool server = false;  // one was chosen
  uint16_t status = 0;
};
std::optional<Ending> ending_of(std::string_view state, const EndingFacts& facts);

}  // namespace giliran::telemetry
