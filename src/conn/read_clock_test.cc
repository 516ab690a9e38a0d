#include "conn/read_clock.h"

#include <gtest/gtest.h>

namespace giliran::conn {
namespace {

using std::chrono::seconds;

base::Instant at(int64_t s) {
  return base::Instant(seconds(s));
}

TEST(ReadClock, CountsOnlyTheTimeOfReading) {
  ReadClock clock;
  EXPECT_FALSE(clock.running());
  clock.start(at(100));
  EXPECT_TRUE(clock.running());
  EXPECT_EQ(clock.too_slow_at(10, seconds(3)), at(103));
  clock.read(at(101), 50);
  EXPECT_EQ(clock.moved(), at(101));
  EXPECT_EQ(clock.too_slow_at(10, seconds(3)), at(105));
  clock.pause(at(102));
  clock.pause(at(104));  // again: nothing
  EXPECT_FALSE(clock.running());
  clock.resume(at(110));
  clock.resume(at(111));
  EXPECT_EQ(clock.moved(), at(110));
  EXPECT_EQ(clock.too_slow_at(10, seconds(3)), at(113));  // 2 of 5 seconds are used
  clock.restart(at(112));
  EXPECT_EQ(clock.too_slow_at(10, seconds(3)), at(117));  // the bytes stay
  clock.start(at(200));
  EXPECT_EQ(clock.too_slow_at(10, seconds(3)), at(203));
}

TEST(ReadClock, ARestartWhilePausedStaysPaused) {
  ReadClock clock;
  clock.start(at(1));
  clock.pause(at(2));
  clock.restart(at(3));
  EXPECT_FALSE(clock.running());
  clock.resume(at(9));
  EXPECT_EQ(clock.too_slow_at(1, seconds(1)), at(10));
}

TEST(ReadClock, BearsAnyNumberOfBytes) {
  ReadClock clock;
  clock.start(at(0));
  for (int i = 0; i < 1000; ++i) clock.read(at(1), UINT32_MAX);
  EXPECT_GT(clock.too_slow_at(1, seconds(1)), at(1'000'000));
}

}  // namespace
}  // namespace giliran::conn
