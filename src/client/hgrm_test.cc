#include "client/hgrm.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

namespace giliran::client {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

struct Row {
  double value = 0, percentile = 0, count = 0;
  std::string left;
};

std::vector<Row> rows(const std::string& text) {
  std::vector<Row> list;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    if (line.empty() || line.starts_with('#') || line.find("Value") != std::string::npos) continue;
    std::istringstream words(line);
    Row row;
    words >> row.value >> row.percentile >> row.count >> row.left;
    list.push_back(row);
  }
  return list;
}

TEST(Hgrm, OneToAHundredMilliseconds) {
  base::Histogram histogram;
  for (uint64_t i = 1; i <= 100; ++i) histogram.record(i * 1'000'000);
  const std::string text = hgrm_text(histogram);
  EXPECT_THAT(text, StartsWith("       Value     Percentile TotalCount 1/(1-Percentile)\n\n"));
  EXPECT_THAT(text, HasSubstr("       1.000 0.000000000000          1           1.00\n"));
  EXPECT_THAT(text, HasSubstr("#[Max     =      100.000, Total count    =          100]\n"));
  EXPECT_THAT(text, EndsWith("SubBuckets     =         2048]\n"));
  const auto list = rows(text);
  // The first halving in five steps of a tenth, the second in five of a twentieth, and so on.
  ASSERT_GE(list.size(), 20u);
  for (size_t i = 0; i <= 5; ++i)
    EXPECT_NEAR(list[i].percentile, 0.1 * static_cast<double>(i), 1e-9);
  for (size_t i = 5; i <= 10; ++i) {
    EXPECT_NEAR(list[i].percentile, 0.5 + 0.05 * static_cast<double>(i - 5), 1e-9);
  }
  EXPECT_NEAR(list[5].value, 50, 0.05);
  EXPECT_EQ(list[5].count, 50);
  EXPECT_EQ(list.back().value, 100);
  EXPECT_EQ(list.back().percentile, 1);
  EXPECT_EQ(list.back().left, "inf");
}

TEST(Hgrm, ValuesAndPercentilesRiseAndEveryLineHoldsWhatItSays) {
  base::Histogram histogram;
  uint64_t value = 17;
  for (int i = 0; i < 20'000; ++i) {
    value = value * 6364136223846793005 + 1442695040888963407;
    histogram.record((value >> 33) % 50'000'000);
  }
  const auto list = rows(hgrm_text(histogram));
  for (size_t i = 1; i < list.size(); ++i) {
    EXPECT_GE(list[i].value, list[i - 1].value);
    EXPECT_GT(list[i].percentile, list[i - 1].percentile);
    EXPECT_GE(list[i].count / 20'000, list[i].percentile - 1e-9);
  }
}

TEST(Hgrm, OfEqualValuesAndOfNone) {
  base::Histogram histogram;
  EXPECT_THAT(rows(hgrm_text(histogram)), testing::IsEmpty());
  histogram.record(5'000'000, 3);
  const auto list = rows(hgrm_text(histogram));
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(list[0].count, 3);
  EXPECT_EQ(list[1].percentile, 1);
}

}  // namespace
}  // namespace giliran::client
