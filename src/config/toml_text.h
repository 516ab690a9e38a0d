// Pieces of TOML text, written.
#pragma once

#include <string>
#include <string_view>

namespace giliran::config {

// On one line, as between double quotes: quotes, backslashes and control characters are escaped.
std::string escaped(std::string_view text);
// "text", quoted and escaped. The text must be UTF-8.
std::string quoted(std::string_view text);
// A key, quoted only where it must be.
std::string toml_key(std::string_view key);

bool is_utf8(std::string_view text);

}  // namespace giliran::config
