#include "telemetry/local_clock.h"

#include <ctime>

namespace giliran::telemetry {

namespace {

LocalTime ask(int64_t second) {
  const time_t time = second;
  tm parts{};
  if (::localtime_r(&time, &parts) == nullptr) return {};
  return {.year = static_cast<unsigned>(parts.tm_year + 1900),
          .month = static_cast<unsigned>(parts.tm_mon + 1),
          .day = static_cast<unsigned>(parts.tm_mday),
          .hour = static_cast<unsigned>(parts.tm_hour),
          .minute = static_cast<unsigned>(parts.tm_min),
          .second = static_cast<unsigned>(parts.tm_sec),
          .utc_offset_minutes = static_cast<int>(parts.tm_gmtoff / 60)};
}

}  // namespace

LocalTime LocalClock::at(int64_t second) {
  const int64_t rest = (second % 60 + 60) % 60;
  const int64_t minute = (second - rest) / 60;
  const Minute* found = nullptr;
  for (const Minute& known : known_) {
    if (known.number == minute) found = &known;
  }
  if (found == nullptr) {
    Minute& fresh = known_[oldest_];
    oldest_ = 1 - oldest_;
    fresh = {.number = minute, .begin = ask(second - rest)};
    found = &fresh;
  }
  // Offsets with seconds in them went out with local mean time.
  if (found->begin.second != 0) return ask(second);
  LocalTime time = found->begin;
  time.second = static_cast<unsigned>(rest);
  return time;
}

const char* month_name(unsigned month) {
  static constexpr const char* kNames[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                           "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  return kNames[(month - 1) % 12];
}

}  // namespace giliran::telemetry
