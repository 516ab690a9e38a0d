#include "control/live_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace giliran::control {
namespace {

using terminal::LiveLine;
using testing::ElementsAre;

std::vector<std::string> texts(const std::vector<LiveLine>& lines) {
  std::vector<std::string> all;
  for (const LiveLine& line : lines) all.push_back(line.text);
  return all;
}

LiveFigures busy() {
  LiveFigures f;
  f.interval = std::chrono::seconds(2);
  f.records_before = 9'000;
  f.errors_before = 7;
  f.in_flight = 87;
  f.connections = 120;
  f.up = std::chrono::milliseconds(61'500);
  for (int i = 0; i < 2'000; ++i) f.seen.total.record(i < 1'980 ? 1'000'000 : 50'000'000);
  f.seen.records = 2'000;
  f.seen.errors = 3;
  f.servers = {{.name = "s1", .count = 1'500}, {.name = "s2", .count = 500, .note = "left out"}};
  return f;
}

TEST(LiveText, SaysHowItIsNow) {
  EXPECT_THAT(texts(live_lines(busy(), 42, 10)),
              ElementsAre("1,000/s   87 in flight   120 connections   up 1:01",
                          "  p50 1.00 ms   p99 1.00 ms   max 50.0 ms",
                          "  3 errors now, 10 of 11,000 since the start",
                          "  s1                    75.0%  ███████▌",
                          "  s2                    25.0%  ██▌  left out"));
}

TEST(LiveText, ErrorsAreSeen) {
  LiveFigures f = busy();
  EXPECT_EQ(live_lines(f, 80, 10)[2].style, LiveLine::Style::kAlarm);
  f.seen.errors = 0;
  EXPECT_EQ(live_lines(f, 80, 10)[2].style, LiveLine::Style::kPlain);
}

TEST(LiveText, OfNothingThereAreNoTimes) {
  const auto lines = texts(live_lines({.interval = std::chrono::seconds(1)}, 80, 10));
  EXPECT_THAT(lines[0], testing::StartsWith("0"));
  EXPECT_EQ(lines[1], "  p50 -   p99 -   max -");
}

TEST(LiveText, DaysAreHours) {
  LiveFigures f = busy();
  f.up = std::chrono::hours(49) + std::chrono::seconds(69);
  EXPECT_THAT(live_lines(f, 80, 10)[0].text, testing::EndsWith("up 49:01:09"));
}

TEST(LiveText, FitsASmallTerminal) {
  EXPECT_EQ(live_lines(busy(), 80, 2).size(), 2u);
  EXPECT_EQ(live_lines(busy(), 80, 4).size(), 4u);
}

}  // namespace
}  // namespace giliran::control
