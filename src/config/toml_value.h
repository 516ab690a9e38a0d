// TOML text as a tree of plain values that remember where they stand. The library that parses it is
// known to toml_value.cc alone: it takes seconds to compile.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace giliran::config {

// From 1; 0: nowhere (a flag).
struct Position {
  uint32_t line = 0;
  uint32_t column = 0;
  auto operator<=>(const Position&) const = default;
};

struct Value {
  enum class Kind : uint8_t { kText, kInteger, kFloat, kBool, kTime, kList, kTable };
  Kind kind = Kind::kTable;
  std::string key{};    // of a table's member; empty for an item of a list
  Position key_at{};    // of a table's member
  Position at{};        // of the value
  std::string text{};   // kText: what stands between the quotes; kTime: as written
  int64_t integer = 0;  // kInteger
  double number = 0;    // kFloat
  bool boolean = false;
  std::vector<Value> children{};  // kList, kTable: in the order of the text

  // The member of that name, or null.
  const Value* find(std::string_view name) const;
  // For messages: one line, at most 60 characters of what was written.
  std::string shown() const;
};

Value text_value(std::string text);

struct TomlError {
  Position at;
  std::string what;  // one line
};

constexpr size_t kTomlBytesMax = size_t{1} << 20;

std::expected<Value, TomlError> read_toml(std::string_view text);

}  // namespace giliran::config
