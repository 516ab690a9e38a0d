#include "terminal/shares.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace giliran::terminal {
namespace {

std::vector<std::string> shown(std::vector<Share> shares, size_t columns, size_t rows) {
  std::vector<std::string> texts;
  for (const LiveLine& line : share_lines(shares, columns, rows)) texts.push_back(line.text);
  return texts;
}

TEST(Shares, ALineEachWithItsPart) {
  EXPECT_THAT(shown({{"s1", 3}, {"s2", 1, "left out"}}, 42, 8),
              testing::ElementsAre("  s1                    75.0%  ███████▌",
                                   "  s2                    25.0%  ██▌  left out"));
}

TEST(Shares, OfNothingThereIsNoPart) {
  EXPECT_THAT(
      shown({{"s1", 0}, {"s2", 0}}, 42, 8),
      testing::ElementsAre("  s1                        -  ", "  s2                        -  "));
}

TEST(Shares, MoreThanThereIsRoomForAreCounted) {
  const std::vector<Share> many(20, Share{.name = "s", .count = 1});
  EXPECT_EQ(shown(many, 80, 100).size(), 8u);
  EXPECT_EQ(shown(many, 80, 100).back(), "  and 13 more");
  EXPECT_THAT(shown(many, 80, 1), testing::ElementsAre("  and 20 more"));
  EXPECT_TRUE(shown(many, 80, 0).empty());
}

}  // namespace
}  // namespace giliran::terminal
