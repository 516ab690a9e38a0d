// Records as a person reads them on a terminal: docs/formats/logs.md, "text".
#pragma once

#include <string>

#include "telemetry/local_clock.h"
#include "telemetry/record.h"

namespace giliran::telemetry {

// Appends one line, with its end: printable ASCII and one arrow, whatever the texts hold. No
// allocation but growth of `out`.
void append_text(const Record& record, LocalClock& clock, std::string& out);

// Appends a line of the log's own, such as "dropped 17 records of this log".
void append_text_message(std::string_view what, base::WallTime now, LocalClock& clock,
                         std::string& out);

}  // namespace giliran::telemetry
