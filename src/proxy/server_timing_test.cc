#include "proxy/server_timing.h"

#include <gtest/gtest.h>

#include <array>

namespace giliran::proxy {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;

TEST(ServerTiming, SaysMillisecondsToTheMicrosecond) {
  std::array<char, kServerTimingBytesMax> out;
  EXPECT_EQ(format_server_timing({.queue = microseconds(12), .wait = microseconds(3456)}, out),
            "gl-queue;dur=0.012, gl-connect;dur=0.000, gl-wait;dur=3.456");
}

TEST(ServerTiming, TheLongestFitsAndAClockThatStoodStillIsNoNegativeTime) {
  std::array<char, kServerTimingBytesMax> out;
  const PhasesSoFar day{.queue = hours(24), .connect = hours(24), .wait = hours(24)};
  EXPECT_TRUE(format_server_timing(day, out).ends_with("gl-wait;dur=86400000.000"));
  EXPECT_TRUE(
      format_server_timing({.queue = microseconds(-1)}, out).starts_with("gl-queue;dur=0."));
}

}  // namespace
}  // namespace giliran::proxy
