// What kinds of values keys have: from a Value to a plain one, and back to TOML. The message of an
// error says what was expected, without quoting the value.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "config/toml_value.h"

namespace giliran::config {

// From min to max; 0 too where `zero` says so.
enum class Zero : uint8_t { kNo, kYes };

struct TimeRange {
  base::Duration min{1};
  base::Duration max = std::chrono::hours(24 * 365);
  Zero zero = Zero::kNo;
};

struct NumberRange {
  uint64_t min = 0;
  uint64_t max = UINT32_MAX;
  Zero zero = Zero::kNo;
};

base::Result<base::Duration> to_duration(const Value& value, TimeRange range);
base::Result<uint64_t> to_number(const Value& value, NumberRange range);  // 1000, "20k"
base::Result<uint64_t> to_bytes(const Value& value, NumberRange range);   // 1024, "1KiB"
base::Result<double> to_fraction(const Value& value);                     // 0.2, "20%"
base::Result<double> to_rate(const Value& value, double max);             // 100, "20k", "50/1s"
base::Result<bool> to_bool(const Value& value);
base::Result<std::string> to_text(const Value& value);
// Not empty, at most 64 visible characters of ASCII, none of which a log would have to escape.
base::Result<std::string> to_name(const Value& value);
base::Result<std::string> to_token(const Value& value);  // RFC 9110, 5.6.2
// As a field of a head may have it: no control characters, no space at the ends.
base::Result<std::string> to_field_value(const Value& value);

std::string from_duration(base::Duration time);
std::string from_number(uint64_t number);
std::string from_bytes(uint64_t bytes);
std::string from_fraction(double part);
std::string from_double(double number);
std::string from_bool(bool value);
// Empty where the text is.
std::string from_text(const std::string& text);
// "[a, b]" of what is TOML already; empty where there is none.
std::string from_list(std::span<const std::string> items);

bool is_token(std::string_view text);
bool is_visible(std::string_view text);  // ASCII, no space, not empty
// The rest of `message` behind `prefix`, where it begins with it.
std::string without_prefix(std::string message, std::string_view prefix);
// The items of a list; of anything else, itself.
std::vector<const Value*> items_of(const Value& value);

}  // namespace giliran::config
