#include "base/decimal.h"

#include <gtest/gtest.h>

#include <string>

#include "base/rng.h"

namespace giliran::base {
namespace {

std::string decimal(uint64_t n) {
  char text[kDecimalMax];
  return {text, put_decimal(text, n)};
}

TEST(Decimal, IsWhatTheLibraryWrites) {
  for (uint64_t n = 0; n < 20'000; ++n) ASSERT_EQ(decimal(n), std::to_string(n));
  Rng rng(1);
  for (int i = 0; i < 10'000; ++i) {
    const uint64_t n = rng.next() >> rng.below(64);
    ASSERT_EQ(decimal(n), std::to_string(n));
  }
  EXPECT_EQ(decimal(UINT64_MAX), "18446744073709551615");
}

}  // namespace
}  // namespace giliran::base
