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

TEST(Text, AnyName) {
  const auto has = [](std::string_view names, std::string_view name) {
    return any_name(names, [&](std::string_view each) { return each == name; });
  };
  EXPECT_TRUE(has("a,bc,d", "bc"));
  EXPECT_TRUE(has("a", "a"));
  EXPECT_FALSE(has("a,bc,d", "b"));
  EXPECT_FALSE(has("a,bc", "a,bc"));
  EXPECT_FALSE(has("", ""));
}

TEST(Text, AllDigits) {
  EXPECT_TRUE(all_digits("0"));
  EXPECT_TRUE(all_digits("00123456789"));
  for (const char* other : {"", "-1", "1.5", "1 ", "1s"}) EXPECT_FALSE(all_digits(other)) << other;
}

}  // namespace
}  // namespace giliran::base
