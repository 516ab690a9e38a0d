#include "wire/http1/authority.h"

#include <charconv>

#include "wire/http1/characters.h"

namespace giliran::wire::http1 {

namespace {

constexpr ByteClass kHostBytes = class_of("-._~!$&'()*+;=");

constexpr bool is_hex(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

// The length of a registered name or IPv4 address at the front; 0 where there is none.
size_t measure_name(std::string_view text) {
  size_t i = 0;
  while (i < text.size()) {
    if (in(kHostBytes, text[i])) {
      ++i;
    } else if (text[i] == '%' && i + 2 < text.size() && is_hex(text[i + 1]) &&
               is_hex(text[i + 2])) {
      i += 3;
    } else {
      break;
    }
  }
  return i;
}

// The same for "[" IPv6 "]"; whether the digits make an address is for the one who connects.
size_t measure_literal(std::string_view text) {
  size_t i = 1;
  while (i < text.size() && (is_hex(text[i]) || text[i] == ':' || text[i] == '.')) ++i;
  return i > 2 && i < text.size() && text[i] == ']' ? i + 1 : 0;
}

bool is_port(std::string_view digits) {
  uint16_t value = 0;
  const char* const end = digits.data() + digits.size();
  const auto [at, error] = std::from_chars(digits.data(), end, value);
  return at == end && error == std::errc();
}

}  // namespace

bool is_authority(std::string_view text, Port port) {
  if (text.empty()) return false;
  const size_t host_bytes = text.front() == '[' ? measure_literal(text) : measure_name(text);
  if (host_bytes == 0) return false;
  if (host_bytes == text.size()) return port == Port::kOptional;
  if (text[host_bytes] != ':') return false;
  const std::string_view digits = text.substr(host_bytes + 1);
  if (digits.empty()) return port == Port::kOptional;
  return is_port(digits);
}

}  // namespace giliran::wire::http1
