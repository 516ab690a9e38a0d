#include "base/text.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace giliran::base {
namespace {

TEST(Text, IgnoringCase) {
  EXPECT_TRUE(equals_ignoring_case("Content-Length", "content-lENGTH"));
  EXPECT_FALSE(equals_ignoring_case("a", "ab"));
  EXPECT_FALSE(equals_ignoring_case("[", "{"));  // 32 apart, and no letters
}

TEST(Text, Elements) {
  std::string_view list = " a ,, b\t,c d, ";
  std::string_view element;
  std::vector<std::string> all;
  while (next_element(list, element)) all.emplace_back(element);
  EXPECT_EQ(all, (std::vector<std::string>{"a", "b", "c d"}));
}

}  // namespace
}  // namespace giliran::base
