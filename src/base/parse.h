// Numbers with units, as flags and configuration files write them. Every function matches the whole
// input and refuses overflow; an error quotes the text and says what was expected.
#pragma once

#include <charconv>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/time.h"

namespace giliran::base {

Result<uint64_t> parse_uint(std::string_view text, uint64_t max = UINT64_MAX);
Result<double> parse_double(std::string_view text);      // finite, no inf or nan
Result<uint64_t> parse_count(std::string_view text);     // 1000, 20k, 3m (decimal: 10^3, 10^6)
Result<uint64_t> parse_bytes(std::string_view text);     // 512, 16KiB, 100MiB, 1GiB, also B
Result<Duration> parse_duration(std::string_view text);  // 250us, 1.5ms, 10s, 2m, 1h; 0
Result<double> parse_fraction(std::string_view text);    // 1%, 0.5%, 0.01 -> [0, 1]
Result<double> parse_rate(std::string_view text);        // per second: 20k, 500, 50/1s, 10/ms
Result<uint16_t> parse_port(std::string_view text);      // 0..65535

// "1.5ms", "10s": the shortest exact form with a unit; for plans and messages.
std::string format_duration(Duration d);
// "16KiB", "1.5MiB".
std::string format_bytes(uint64_t bytes);

// The candidate nearest to `word` by edit distance, or "" where none is near (distance above a
// third).
std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace giliran::base
