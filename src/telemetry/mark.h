// Where the records of one process begin and end in its log: a log that has the one and not the
// other tells that its last records may be missing.
#pragma once

#include <cstdint>
#include <string_view>

namespace giliran::telemetry {

enum class Mark : uint8_t { kBegin, kEnd };

std::string_view name(Mark mark);

}  // namespace giliran::telemetry
