// Writes a log line into memory that its caller has bounded.
#pragma once

#include <array>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "base/decimal.h"
#include "base/time.h"
#include "telemetry/local_clock.h"

namespace giliran::telemetry {

// The bytes that stand for themselves: from `first` to `~`, without those of `except`.
constexpr std::array<bool, 256> plain_bytes(unsigned char first, std::string_view except) {
  std::array<bool, 256> plain{};
  for (size_t c = first; c < 0x7F; ++c) {
    plain[c] = except.find(static_cast<char>(c)) == std::string_view::npos;
  }
  return plain;
}

class LineWriter {
 public:
  explicit LineWriter(char* at) : at_(at) {}
  char* at() const { return at_; }

  void byte(char c) { *at_++ = c; }
  void raw(std::string_view text) {
    std::memcpy(at_, text.data(), text.size());
    at_ += text.size();
  }
  void number(int64_t n) { at_ = std::to_chars(at_, at_ + 20, n).ptr; }
  void count(uint64_t n) { at_ = base::put_decimal(at_, n); }
  void digits(unsigned value, size_t size) {
    for (size_t i = size; i > 0; --i, value /= 10) {
      at_[i - 1] = static_cast<char>('0' + value % 10);
    }
    at_ += size;
  }
  // What is not plain becomes `mark` and two capital hexadecimal digits.
  void escaped(std::string_view text, const std::array<bool, 256>& plain, std::string_view mark) {
    for (const char c : text) {
      const auto code = static_cast<unsigned char>(c);
      if (plain[code]) {
        *at_++ = c;
        continue;
      }
      raw(mark);
      *at_++ = kHex[code >> 4];
      *at_++ = kHex[code & 0xF];
    }
  }
  // "22/Nov/2026:09:00:00"
  void date_and_time(const LocalTime& t) {
    digits(t.day, 2);
    byte('/');
    raw({month_name(t.month), 3});
    byte('/');
    digits(t.year, 4);
    byte(':');
    time_of_day(t);
  }
  void time_of_day(const LocalTime& t) {
    digits(t.hour, 2);
    byte(':');
    digits(t.minute, 2);
    byte(':');
    digits(t.second, 2);
  }

 private:
  static constexpr char kHex[] = "0123456789ABCDEF";
  char* at_;
};

// A point of the calendar as whole seconds and the rest, which is never negative.
struct SplitTime {
  int64_t seconds;
  int64_t rest_ns;
};
constexpr SplitTime split(base::WallTime time) {
  constexpr int64_t kSecond = 1'000'000'000;
  const int64_t seconds = time.ns / kSecond - (time.ns % kSecond < 0 ? 1 : 0);
  return {.seconds = seconds, .rest_ns = time.ns - seconds * kSecond};
}

}  // namespace giliran::telemetry
