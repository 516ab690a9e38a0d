#include "balance/sticky_table.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

namespace giliran::balance {
namespace {

using Names = std::vector<std::string_view>;

TEST(StickyTable, FindsWhatItGave) {
  std::vector<std::string> texts;
  for (int i = 0; i < 1000; ++i) texts.push_back("10.0.0." + std::to_string(i) + ":80");
  const Names names(texts.begin(), texts.end());
  const StickyTable table("pool", names);
  std::set<uint64_t> tokens;
  for (uint32_t i = 0; i < names.size(); ++i) {
    EXPECT_EQ(table.find(table.token(i)), i);
    tokens.insert(table.token(i));
  }
  EXPECT_EQ(tokens.size(), names.size());
  EXPECT_FALSE(table.find(0));
  EXPECT_FALSE(table.find(table.token(7) + 1));
  EXPECT_FALSE(StickyTable().find(1));
}

TEST(StickyTable, ATokenStaysWhenThePoolChanges) {
  const StickyTable before("pool", Names{"a", "b", "c"});
  const StickyTable after("pool", Names{"c", "x", "a"});
  EXPECT_EQ(after.find(before.token(0)), 2U);
  EXPECT_EQ(after.find(before.token(2)), 0U);
  EXPECT_FALSE(after.find(before.token(1)));
}

TEST(StickyTable, PoolsAndNamesDoNotMix) {
  const StickyTable one("pool", Names{"a"});
  EXPECT_FALSE(StickyTable("other", Names{"a"}).find(one.token(0)));
  EXPECT_FALSE(StickyTable("poola", Names{""}).find(one.token(0)));
}

TEST(StickyTable, EndpointsOfOneNameAreToldApart) {
  const StickyTable table("pool", Names{"host", "host", "other", "host"});
  EXPECT_EQ(table.find(table.token(0)), 0U);
  EXPECT_EQ(table.find(table.token(1)), 1U);
  EXPECT_EQ(table.find(table.token(3)), 3U);
}

// Clients keep them over restarts and versions.
TEST(StickyTable, TokensNeverChange) {
  const StickyTable table("default", Names{"127.0.0.1:9001", "127.0.0.1:9002"});
  EXPECT_EQ(table.token(0), 0xe89704575165af3dULL);
  EXPECT_EQ(table.token(1), 0x0ababbc91cc6325aULL);
}

}  // namespace
}  // namespace giliran::balance
