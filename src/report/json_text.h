// JSON as this program prints it.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace giliran::report {

// ASCII, whatever its texts hold: text of others (a server's name, a path) does nothing to a
// terminal that shows it, and bytes that are not UTF-8 are U+FFFD. No line end.
// indent: spaces a level; -1: one line.
inline std::string json_text(const nlohmann::ordered_json& json, int indent = -1) {
  return json.dump(indent, ' ', true, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace giliran::report
