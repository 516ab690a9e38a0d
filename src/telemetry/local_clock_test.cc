#include "telemetry/local_clock.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <ctime>

#include "base/rng.h"
#include "telemetry/time_zone.h"

namespace giliran::telemetry {
namespace {

std::string text(const LocalTime& t) {
  return fmt::format("{}-{:02}-{:02} {:02}:{:02}:{:02} {:+}", t.year, t.month, t.day, t.hour,
                     t.minute, t.second, t.utc_offset_minutes);
}

TEST(LocalClock, KnowsTheZone) {
  LocalClock clock;
  {
    const TimeZone utc("UTC0");
    EXPECT_EQ(text(clock.at(1'795'338'000)), "2026-11-22 09:00:00 +0");
  }
  const TimeZone india("IST-5:30");
  LocalClock other;
  EXPECT_EQ(text(other.at(1'795'338'000)), "2026-11-22 14:30:00 +330");
  EXPECT_EQ(text(other.at(-1)), "1970-01-01 05:29:59 +330");
}

TEST(LocalClock, FollowsSummerTime) {
  const TimeZone zone("CET-1CEST,M3.5.0,M10.5.0/3");
  LocalClock clock;
  EXPECT_EQ(text(clock.at(1'774'745'999)), "2026-03-29 01:59:59 +60");
  EXPECT_EQ(text(clock.at(1'774'746'000)), "2026-03-29 03:00:00 +120");
  EXPECT_EQ(text(clock.at(1'774'745'999)), "2026-03-29 01:59:59 +60");
}

// Whatever it remembers, it says what the C library does; also where offsets have seconds.
TEST(LocalClock, AgreesWithTheCLibrary) {
  for (const char* name : {"UTC0", "CET-1CEST,M3.5.0,M10.5.0/3", "LMT-0:19:32", "NST3:30NDT"}) {
    const TimeZone zone(name);
    LocalClock clock;
    base::Rng rng(11);
    for (int i = 0; i < 5'000; ++i) {
      const time_t second =
          1'774'740'000 + static_cast<time_t>(rng.below(i % 2 == 0 ? 300 : 1u << 28));
      tm expected{};
      ::localtime_r(&second, &expected);
      const LocalTime t = clock.at(second);
      ASSERT_EQ(t.second, static_cast<unsigned>(expected.tm_sec)) << name << " " << second;
      ASSERT_EQ(t.minute, static_cast<unsigned>(expected.tm_min)) << name << " " << second;
      ASSERT_EQ(t.hour, static_cast<unsigned>(expected.tm_hour)) << name << " " << second;
      ASSERT_EQ(t.day, static_cast<unsigned>(expected.tm_mday)) << name << " " << second;
      ASSERT_EQ(t.month, static_cast<unsigned>(expected.tm_mon + 1)) << name << " " << second;
      ASSERT_EQ(t.utc_offset_minutes, expected.tm_gmtoff / 60) << name << " " << second;
    }
  }
}

}  // namespace
}  // namespace giliran::telemetry
