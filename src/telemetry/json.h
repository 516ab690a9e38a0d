// Records as JSON lines, both ways.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "telemetry/record.h"

namespace giliran::telemetry {

// Appends one line, with its line end. No allocation but growth of `out`.
void append_json(const Record& record, std::string& out);

}  // namespace giliran::telemetry
