#include "client/address_turns.h"

#include <gtest/gtest.h>

#include <map>
#include <vector>

namespace giliran::client {
namespace {

base::Address v4(uint8_t last) {
  return *base::Address::parse("10.0.0." + std::to_string(last) + ":80");
}
base::Address v6(uint8_t last) {
  return *base::Address::parse("[fd00::" + std::to_string(last) + "]:80");
}

TEST(AddressTurns, ConnectionsAreSpreadEvenlyFromWhereTheThreadBegins) {
  const std::vector<base::Address> addresses = {v4(1), v4(2), v4(3)};
  AddressTurns turns(addresses, 4);
  EXPECT_EQ(turns.next(), 1u);
  EXPECT_EQ(turns.next(), 2u);
  std::map<uint32_t, int> times;
  for (int i = 0; i < 300; ++i) ++times[turns.next()];
  EXPECT_EQ(times, (std::map<uint32_t, int>{{0, 100}, {1, 100}, {2, 100}}));
}

TEST(AddressTurns, OneThatFailsKeepsItsTurnWhereOthersConnect) {
  const std::vector<base::Address> addresses = {v4(1), v4(2), v6(1)};
  AddressTurns turns(addresses, 0);
  turns.connected(0);
  for (int i = 0; i < 10; ++i) turns.failed(1);
  EXPECT_EQ(turns.next(), 0u);
  EXPECT_EQ(turns.next(), 1u);
  EXPECT_EQ(turns.next(), 0u);
}

TEST(AddressTurns, TheOtherFamilyIsForWhatCannotBeReachedAtAll) {
  const std::vector<base::Address> addresses = {v4(1), v4(2), v6(1)};
  AddressTurns turns(addresses, 0);
  turns.failed(0);
  EXPECT_LT(turns.next(), 2u);
  turns.failed(1);
  EXPECT_EQ(turns.next(), 2u);
  turns.failed(0);  // one that was still under way
  EXPECT_EQ(turns.next(), 2u);
  turns.failed(2);  // neither that one: from the front
  EXPECT_LT(turns.next(), 2u);
}

TEST(AddressTurns, OneAddressIsAlwaysTheOne) {
  const std::vector<base::Address> addresses = {v4(1)};
  AddressTurns turns(addresses, 3);
  turns.failed(0);
  EXPECT_EQ(turns.next(), 0u);
}

}  // namespace
}  // namespace giliran::client
