// UTF-8 as records need it: validity one sequence at a time, and cutting.
#pragma once

#include <cstddef>
#include <string_view>

namespace giliran::telemetry {

// Bytes of the valid UTF-8 sequence at the front of `s` (not empty), or 0 where there is none
// (RFC 3629: no overlong forms, no surrogates, at most U+10FFFF).
constexpr size_t utf8_sequence(std::string_view s) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(s[i]); };
  const auto more = [&](size_t n) {
    if (s.size() <= n) return false;
    for (size_t i = 1; i <= n; ++i) {
      if ((byte(i) & 0xC0) != 0x80) return false;
    }
    return true;
  };
  const unsigned char c = byte(0);
  if (c < 0x80) return 1;
  if (c < 0xC2 || c > 0xF4) return 0;
  if (c < 0xE0) return more(1) ? 2 : 0;
  if (c < 0xF0) {
    if (!more(2)) return 0;
    const bool bad = (c == 0xE0 && byte(1) < 0xA0) || (c == 0xED && byte(1) >= 0xA0);
    return bad ? 0 : 3;
  }
  if (!more(3)) return 0;
  const bool bad = (c == 0xF0 && byte(1) < 0x90) || (c == 0xF4 && byte(1) >= 0x90);
  return bad ? 0 : 4;
}

// The first `bytes` of `s` (or all), less a sequence that would be cut in two.
constexpr std::string_view utf8_prefix(std::string_view s, size_t bytes) {
  if (s.size() <= bytes) return s;
  size_t end = bytes;
  const auto continues = [&](size_t i) {
    return (static_cast<unsigned char>(s[i]) & 0xC0) == 0x80;
  };
  while (end > 0 && bytes - end < 3 && continues(end)) --end;
  // Bytes that are no UTF-8 anyway may be cut anywhere.
  return s.substr(0, continues(end) ? bytes : end);
}

}  // namespace giliran::telemetry
