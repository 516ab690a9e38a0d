// Numbers as people read them.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "base/time.h"

namespace giliran::report {

std::string format_count(uint64_t n);          // 1,234,567
std::string format_latency(base::Duration d);  // "0", "850 ns", "12.3 µs", "5.21 ms", "1.50 s"
std::string format_latency_us(double us);      // the same from microseconds
std::string format_rate(double per_second);    // "0.52/s", "37.5/s", "12,345/s"
std::string format_size(uint64_t bytes);       // "812 B", "1.5 KiB", "3.2 GiB"
std::string format_share(uint64_t part, uint64_t whole);  // "12.3%", "-" of nothing
// One character of ▁▂▃▄▅▆▇█ a value, relative to the largest; a space for zero.
std::string sparkline(std::span<const uint64_t> values);

}  // namespace giliran::report
