#include "base/ids.h"

#include <cstring>

namespace giliran::base {
namespace {

// Eight digits at once: the nibbles are spread to a byte each, the highest first in memory.
void put_hex32(uint32_t value, char* out) {
  constexpr uint64_t kOnes = 0x0101'0101'0101'0101;
  uint64_t x = value;
  x = (x << 16 | x) & 0x0000'ffff'0000'ffff;
  x = (x << 8 | x) & 0x00ff'00ff'00ff'00ff;
  x = (x << 4 | x) & 0x0f0f'0f0f'0f0f'0f0f;
  const uint64_t letters = (x + 6 * kOnes) >> 4 & kOnes;  // 1 where 10 or more
  x = __builtin_bswap64(x + '0' * kOnes + letters * ('a' - '0' - 10));
  std::memcpy(out, &x, sizeof x);
}

void put_hex64(uint64_t value, char* out) {
  put_hex32(static_cast<uint32_t>(value >> 32), out);
  put_hex32(static_cast<uint32_t>(value), out + 8);
}

// Two, eight or sixteen lower-case digits.
std::optional<uint32_t> parse_hex8(const char* hex) {
  uint32_t value = 0;
  for (int i = 0; i < 2; ++i) {
    const char c = hex[i];
    if ((c < '0' || c > '9') && (c < 'a' || c > 'f')) return std::nullopt;
    value = value << 4 | static_cast<uint32_t>(c <= '9' ? c - '0' : c - 'a' + 10);
  }
  return value;
}

// Eight digits at once, the way back of put_hex32: what was no digit does not come out again.
std::optional<uint32_t> parse_hex32(const char* hex) {
  constexpr uint64_t kOnes = 0x0101'0101'0101'0101;
  uint64_t text = 0;
  std::memcpy(&text, hex, sizeof text);
  const uint64_t letters = text >> 6 & kOnes;
  uint64_t x = __builtin_bswap64((text & 0x0f * kOnes) + 9 * letters);
  x = (x | x >> 4) & 0x00ff'00ff'00ff'00ff;
  x = (x | x >> 8) & 0x0000'ffff'0000'ffff;
  const auto value = static_cast<uint32_t>(x | x >> 16);
  char again[sizeof text];
  put_hex32(value, again);
  return std::memcmp(again, hex, sizeof again) == 0 ? std::optional(value) : std::nullopt;
}

std::optional<uint64_t> parse_hex64(const char* hex) {
  const auto high = parse_hex32(hex);
  const auto low = parse_hex32(hex + 8);
  if (!high || !low) return std::nullopt;
  return uint64_t{*high} << 32 | *low;
}

}  // namespace

TraceId TraceId::make(Rng& rng) {
  TraceId id;
  do {
    id = {.high = rng.next(), .low = rng.next()};
  } while (id.none());
  return id;
}

void TraceId::format(char out[32]) const {
  put_hex64(high, out);
  put_hex64(low, out + 16);
}

SpanId SpanId::make(Rng& rng) {
  SpanId id;
  do {
    id.value = rng.next();
  } while (id.none());
  return id;
}

void SpanId::format(char out[16]) const {
  put_hex64(value, out);
}

std::optional<TraceParent> TraceParent::parse(std::string_view text) {
  if (text.size() < kTextSize) return std::nullopt;
  if (text[2] != '-' || text[35] != '-' || text[52] != '-') return std::nullopt;
  const auto version = parse_hex8(&text[0]);
  if (!version || *version == 0xff) return std::nullopt;
  if (text.size() > kTextSize && (*version == 0 || text[kTextSize] != '-')) return std::nullopt;
  const auto trace = parse_trace_id(text.substr(3, 32));
  const auto parent = parse_span_id(text.substr(36, 16));
  const auto flags = parse_hex8(&text[53]);
  if (!trace || trace->none() || !parent || parent->none() || !flags) return std::nullopt;
  return TraceParent{
      .trace = *trace, .parent = *parent, .flags = static_cast<uint8_t>(*flags & kFlagsKnown)};
}

void TraceParent::format(char out[kTextSize]) const {
  out[0] = out[1] = '0';
  out[2] = out[35] = out[52] = '-';
  trace.format(out + 3);
  parent.format(out + 36);
  constexpr char kDigits[] = "0123456789abcdef";
  out[53] = kDigits[flags >> 4];
  out[54] = kDigits[flags & 15];
}

std::optional<SpanId> parse_span_id(std::string_view hex) {
  if (hex.size() != 16) return std::nullopt;
  const auto value = parse_hex64(hex.data());
  if (!value) return std::nullopt;
  return SpanId{.value = *value};
}

std::optional<TraceId> parse_trace_id(std::string_view hex) {
  if (hex.size() != 32) return std::nullopt;
  const auto high = parse_hex64(&hex[0]);
  const auto low = parse_hex64(&hex[16]);
  if (!high || !low) return std::nullopt;
  return TraceId{.high = *high, .low = *low};
}

}  // namespace giliran::base
