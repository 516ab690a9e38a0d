#include "config/toml_text.h"

#include <fmt/format.h>

#include <algorithm>

namespace giliran::config {
namespace {

bool bare(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_';
}

// Bytes of the sequence that begins with `c`, or 0; `min` is the least code point that needs them.
size_t sequence_of(unsigned char c, uint32_t& code, uint32_t& min) {
  if (c < 0x80) {
    code = c;
    min = 0;
    return 1;
  }
  if (c >= 0xC2 && c < 0xE0) {
    code = c & 0x1FU;
    min = 0x80;
    return 2;
  }
  if (c >= 0xE0 && c < 0xF0) {
    code = c & 0x0FU;
    min = 0x800;
    return 3;
  }
  if (c >= 0xF0 && c < 0xF5) {
    code = c & 0x07U;
    min = 0x10000;
    return 4;
  }
  return 0;
}

}  // namespace

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c == '\t') {
      out += "\\t";
    } else if (byte < 0x20 || byte == 0x7f) {
      out += fmt::format("\\u{:04X}", byte);
    } else {
      out += c;
    }
  }
  return out;
}

std::string quoted(std::string_view text) {
  return '"' + escaped(text) + '"';
}

std::string toml_key(std::string_view key) {
  return !key.empty() && std::ranges::all_of(key, bare) ? std::string(key) : quoted(key);
}

bool is_utf8(std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    uint32_t code = 0, min = 0;
    const size_t bytes = sequence_of(static_cast<unsigned char>(text[at]), code, min);
    if (bytes == 0 || text.size() - at < bytes) return false;
    for (size_t i = 1; i < bytes; ++i) {
      const auto byte = static_cast<unsigned char>(text[at + i]);
      if ((byte & 0xC0U) != 0x80) return false;
      code = code << 6 | (byte & 0x3FU);
    }
    if (code < min || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) return false;
    at += bytes;
  }
  return true;
}

}  // namespace giliran::config
