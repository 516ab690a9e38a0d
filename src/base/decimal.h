// Whole numbers in decimal, for what writes many of them, most of them small: by a table, where
// std::to_chars counts digits first and divides for each.
#pragma once

#include <array>
#include <charconv>
#include <cstdint>
#include <cstring>

namespace giliran::base {

constexpr int kDecimalMax = 20;  // digits of a uint64_t

struct SmallDecimal {
  char digits[3];  // without leading zeros
  uint8_t size;
};

inline constexpr auto kSmallDecimals = [] {
  std::array<SmallDecimal, 1000> all{};
  for (uint32_t n = 0; n < all.size(); ++n) {
    SmallDecimal& one = all[n];
    if (n >= 100) one.digits[one.size++] = static_cast<char>('0' + n / 100);
    if (n >= 10) one.digits[one.size++] = static_cast<char>('0' + n / 10 % 10);
    one.digits[one.size++] = static_cast<char>('0' + n % 10);
  }
  return all;
}();

// Writes it without leading zeros, where at least kDecimalMax bytes are free; returns the end.
inline char* put_decimal(char* at, uint64_t n) {
  if (n >= kSmallDecimals.size()) return std::to_chars(at, at + kDecimalMax, n).ptr;
  std::memcpy(at, &kSmallDecimals[n], sizeof(SmallDecimal));  // one byte too many, for one store
  return at + kSmallDecimals[n].size;
}

}  // namespace giliran::base
