// What the fuzzer of whole exchanges starts from, and what it once found, in the unit tests.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "sim/exchange_fuzz_target.h"

namespace giliran::sim {
namespace {

TEST(ExchangeCorpus, HoldsWhatTheFuzzerChecks) {
  const std::filesystem::path folder =
      std::filesystem::path(__FILE__).parent_path() / "../../tests/corpora/exchange";
  size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    SCOPED_TRACE(entry.path().filename());
    std::ostringstream text;
    text << std::ifstream(entry.path(), std::ios::binary).rdbuf();
    fuzz_exchange(text.str());  // aborts
    ++count;
  }
  EXPECT_GT(count, 15U);
}

}  // namespace
}  // namespace giliran::sim
