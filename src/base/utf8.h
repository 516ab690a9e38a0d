// UTF-8 as records and terminals need it: validity one sequence at a time, cutting, and what is
// not to be shown.
#pragma once

#include <cstddef>
#include <string_view>

namespace giliran::base {

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

// The code point of a valid sequence, as utf8_sequence() measured it.
constexpr char32_t code_point(std::string_view sequence) {
  const auto c = static_cast<unsigned char>(sequence[0]);
  if (sequence.size() == 1) return c;
  char32_t value = c & (0xFFu >> (sequence.size() + 1));
  for (size_t i = 1; i < sequence.size(); ++i) {
    value = value << 6 | (static_cast<unsigned char>(sequence[i]) & 0x3F);
  }
  return value;
}

// Whether a terminal may act on it or show the text around it otherwise than it is: controls,
// marks of direction (UAX #9), line separators, and what has no shape at all (zero-width, tags).
constexpr bool is_hidden(char32_t c) {
  if (c < 0xA0) return c < 0x20 || c >= 0x7F;
  if (c < 0x2000) return c == 0xAD || c == 0x61C;
  return (c >= 0x200B && c <= 0x200F) || (c >= 0x2028 && c <= 0x202E) ||
         (c >= 0x2060 && c <= 0x206F) || c == 0xFEFF || (c >= 0xFFF9 && c <= 0xFFFB) ||
         (c >= 0xE0000 && c <= 0xE0FFF);
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

}  // namespace giliran::base
