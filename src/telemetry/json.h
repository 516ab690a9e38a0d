// Records as JSON lines.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "telemetry/mark.h"
#include "telemetry/record.h"

namespace giliran::telemetry {

// Bounds of text in a record, in bytes as received; what is longer is cut so that it and its '…'
// fit the bound.
constexpr size_t kTextMax = 256;
constexpr size_t kTargetMax = 1024;

// Appends one line, with its line end. No allocation but growth of `out`. Thread-safe.
void append_json(const Record& record, std::string& out);

// Appends the line by which a process says that its records begin, or end, here.
void append_mark_json(Tier tier, Mark mark, uint32_t process, base::WallTime now, std::string& out);

// Appends the line by which a log says that it dropped `count` records.
void append_dropped_json(Tier tier, uint64_t count, base::WallTime now, std::string& out);

}  // namespace giliran::telemetry
