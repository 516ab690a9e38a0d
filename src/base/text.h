// ASCII text without locale and without allocation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace giliran::base {

constexpr char to_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

constexpr bool equals_ignoring_case(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (to_lower(a[i]) != to_lower(b[i])) return false;
  }
  return true;
}

// Without spaces and tabs at both ends.
constexpr std::string_view trim(std::string_view s) {
  while (!s.empty() && (s.front() == ' ' || s.front() == '\t')) s.remove_prefix(1);
  while (!s.empty() && (s.back() == ' ' || s.back() == '\t')) s.remove_suffix(1);
  return s;
}

// The ending of a noun behind that number.
constexpr std::string_view plural(uint64_t count) {
  return count == 1 ? "" : "s";
}

// Takes the next comma-separated element off the front of `list`, trimmed; skips empty ones.
// Returns false at the end.
constexpr bool next_element(std::string_view& list, std::string_view& element) {
  while (!list.empty()) {
    const size_t comma = list.find(',');
    element = trim(list.substr(0, comma));
    list = comma == std::string_view::npos ? std::string_view() : list.substr(comma + 1);
    if (!element.empty()) return true;
  }
  return false;
}

// Whether `is_it` holds for one of the names between commas.
constexpr bool any_name(std::string_view names, auto is_it) {
  std::string_view name;
  while (next_element(names, name)) {
    if (is_it(name)) return true;
  }
  return false;
}

// One digit or more, and nothing else.
constexpr bool all_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

}  // namespace giliran::base
