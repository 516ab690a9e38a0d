// What the clock on this machine's wall shows: the local time of log lines of other programs.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace giliran::telemetry {

struct LocalTime {
  unsigned year = 1970, month = 1, day = 1, hour = 0, minute = 0, second = 0;
  int utc_offset_minutes = 0;
};

// One thread's. Asks the C library once a minute, not once a line; the zone is the one that TZ or
// /etc/localtime named when the process began.
class LocalClock {
 public:
  // Of a second since 1970-01-01T00:00:00Z.
  LocalTime at(int64_t second);

 private:
  struct Minute {
    int64_t number = INT64_MIN;
    LocalTime begin;
  };
  // A request that takes longer than a minute has its begin and its end in two of them.
  std::array<Minute, 2> known_;
  size_t oldest_ = 0;
};

// "Jan" of 1.
const char* month_name(unsigned month);

}  // namespace giliran::telemetry
