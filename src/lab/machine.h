// What the whole machine did, so that a run which was disturbed can say so.
#pragma once

#include <optional>
#include <string_view>

#include "base/time.h"

namespace giliran::lab {

// CPU time that all cores together have been busy since the start of the machine, time that a
// hypervisor took included: of the first line of /proc/stat. Absent where there is no such thing.
std::optional<base::Duration> parse_busy_time(std::string_view proc_stat, int64_t ticks_per_second);
std::optional<base::Duration> machine_busy_time();

}  // namespace giliran::lab
