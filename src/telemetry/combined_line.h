// Records as NGINX's log format `combined`.
#pragma once

#include <string>

#include "telemetry/local_clock.h"
#include "telemetry/record.h"

namespace giliran::telemetry {

// Appends the line of an exchange, with its end.
void append_combined(const Record& record, LocalClock& clock, std::string& out);

}  // namespace giliran::telemetry
