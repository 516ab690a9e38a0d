#include "report/table.h"

#include <gtest/gtest.h>

#include <vector>

#include "report/format.h"

namespace giliran::report {
namespace {

TEST(Table, AlignsColumnsByCodePoints) {
  Table table({{"server", Align::kLeft}, {"p50"}, {"share"}});
  table.add({"a", "12.3 µs", "1%"});
  table.add({"longer", "5 s", "100%"});
  EXPECT_EQ(table.text(2),
            "  server      p50  share\n"
            "  a       12.3 µs     1%\n"
            "  longer      5 s   100%\n");
}

TEST(Table, FillsMissingCellsAndTrimsLineEnds) {
  Table table({{"a", Align::kLeft}, {"b", Align::kLeft}});
  table.add({"x"});
  EXPECT_EQ(table.text(0), "a  b\nx\n");
}

TEST(Table, NoControlCharactersGetThrough) {
  Table table({{"a", Align::kLeft}});
  table.add({"x\x1b[31m\n\x7f\xc2\x9b"});
  EXPECT_EQ(table.text(0), "a\nx?[31m???\n");
}

TEST(Format, Latency) {
  EXPECT_EQ(format_latency(base::Duration(0)), "0");
  EXPECT_EQ(format_latency(base::Duration(850)), "850 ns");
  EXPECT_EQ(format_latency(base::Duration(12'340)), "12.3 µs");
  EXPECT_EQ(format_latency(base::Duration(999'700)), "1.00 ms");
  EXPECT_EQ(format_latency(base::Duration(5'210'000)), "5.21 ms");
  EXPECT_EQ(format_latency(base::Duration(1'500'000'000)), "1.50 s");
}

TEST(Format, CountsRatesSizesShares) {
  EXPECT_EQ(format_count(0), "0");
  EXPECT_EQ(format_count(999), "999");
  EXPECT_EQ(format_count(1'234'567), "1,234,567");
  EXPECT_EQ(format_rate(0.521), "0.52/s");
  EXPECT_EQ(format_rate(12'345.4), "12,345/s");
  EXPECT_EQ(format_size(812), "812 B");
  EXPECT_EQ(format_size(1536), "1.5 KiB");
  EXPECT_EQ(format_share(1, 8), "12.5%");
  EXPECT_EQ(format_share(0, 0), "-");
}

TEST(Format, Sparkline) {
  const std::vector<uint64_t> values = {0, 1, 4, 8};
  EXPECT_EQ(sparkline(values), " ▁▄█");
}

TEST(Wrapped, LinesHaveTheIndentAndAreNoLonger) {
  EXPECT_EQ(wrapped("one two three four", 2, 10), "one two\n  three\n  four\n");
  EXPECT_EQ(wrapped("µµµ µµµ", 0, 7), "µµµ µµµ\n");
  EXPECT_EQ(wrapped("averylongword b", 4, 8), "averylongword\n    b\n");
  EXPECT_EQ(wrapped("", 4, 8), "\n");
}

}  // namespace
}  // namespace giliran::report
