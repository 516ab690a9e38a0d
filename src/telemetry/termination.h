// HAProxy's termination state: who ended a record, and where it was then. docs/formats/logs.md has
// the table.
#pragma once

#include "telemetry/record.h"

namespace giliran::telemetry {

struct Termination {
  char cause = '-';
  char phase = '-';
  bool operator==(const Termination&) const = default;
};

Termination termination(const Record& record);

}  // namespace giliran::telemetry
