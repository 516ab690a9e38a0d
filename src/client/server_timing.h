// Server-Timing (W3C, https://www.w3.org/TR/server-timing/), read without allocating: what servers
// say of where the time went.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace giliran::client {

struct ServerMetric {
  std::string_view name;
  // "dur" is in milliseconds; absent where not given, no plain decimal number, or above a day.
  std::optional<uint64_t> took_ns;
};

// Reads `queue;dur=0.125, db;desc="a, b";dur=12` from left to right. What cannot be read is left
// out, up to the next comma outside of quotes. Borrows the text. Pure.
class ServerTimingReader {
 public:
  explicit ServerTimingReader(std::string_view value) : rest_(value) {}
  // The next metric that has a name; nullopt at the end.
  std::optional<ServerMetric> next();

 private:
  std::string_view rest_;
};

}  // namespace giliran::client
