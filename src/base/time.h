// Points and spans of time. Durations are nanoseconds; an Instant comes from a monotonic clock and
// only its differences mean anything; a WallTime is what a calendar shows.
#pragma once

#include <chrono>
#include <cstdint>

namespace giliran::base {

using Duration = std::chrono::nanoseconds;

struct MonotonicTag {
  using rep = int64_t;
  using period = std::nano;
  using duration = Duration;
  using time_point = std::chrono::time_point<MonotonicTag>;
  static constexpr bool is_steady = true;
};
using Instant = std::chrono::time_point<MonotonicTag, Duration>;

// Nanoseconds since 1970-01-01T00:00:00Z.
struct WallTime {
  int64_t ns = 0;
  auto operator<=>(const WallTime&) const = default;
};

constexpr Instant kNoDeadline = Instant::max();

constexpr double to_us(Duration d) {
  return static_cast<double>(d.count()) / 1e3;
}
constexpr double to_seconds(Duration d) {
  return static_cast<double>(d.count()) / 1e9;
}
constexpr Duration from_seconds(double s) {
  return Duration(static_cast<int64_t>(s * 1e9));
}

}  // namespace giliran::base
