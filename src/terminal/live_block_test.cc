#include "terminal/live_block.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/parse.h"
#include "report/table.h"

namespace giliran::terminal {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// As much of a terminal as the block needs: a cursor, rows that wrap, three sequences.
class Screen {
 public:
  explicit Screen(size_t columns) : columns_(columns), rows_(1) {}

  void write(std::string_view bytes) {
    for (size_t i = 0; i < bytes.size(); ++i) {
      if (bytes[i] == '\r') {
        column_ = 0;
      } else if (bytes[i] == '\n') {
        if (++row_ == rows_.size()) rows_.emplace_back();
      } else if (bytes[i] == '\x1b') {
        i = escape(bytes, i + 2);
      } else {
        put(bytes[i]);
      }
    }
  }
  std::vector<std::string> rows() const {
    std::vector<std::string> list = rows_;
    while (!list.empty() && list.back().empty()) list.pop_back();
    return list;
  }
  size_t row() const { return row_; }
  size_t column() const { return column_; }

 private:
  void put(char c) {
    if (column_ == columns_) {
      column_ = 0;
      if (++row_ == rows_.size()) rows_.emplace_back();
    }
    rows_[row_].resize(std::max(rows_[row_].size(), column_ + 1), ' ');
    rows_[row_][column_++] = c;
  }
  size_t escape(std::string_view bytes, size_t at) {
    const size_t end = bytes.find_first_of("AJKm", at);
    const std::string_view number = bytes.substr(at, end - at);
    if (bytes[end] == 'A') row_ -= base::parse_uint(number).value();
    if (bytes[end] == 'K') rows_[row_].resize(std::min(rows_[row_].size(), column_));
    if (bytes[end] == 'J') {
      rows_[row_].resize(std::min(rows_[row_].size(), column_));
      rows_.resize(row_ + 1);
    }
    return end;
  }

  size_t columns_;
  std::vector<std::string> rows_;
  size_t row_ = 0;
  size_t column_ = 0;
};

TEST(LiveBlock, IsRewrittenInPlace) {
  Screen screen(20);
  LiveBlock block(true);
  screen.write("before\r\n");
  screen.write(block.draw({{"one", LiveLine::Style::kStrong}, {"two"}, {"three"}}, 20));
  EXPECT_THAT(screen.rows(), ElementsAre("before", "one", "two", "three"));
  screen.write(block.draw({{"1"}, {"2", LiveLine::Style::kAlarm}}, 20));
  EXPECT_THAT(screen.rows(), ElementsAre("before", "1", "2"));
  screen.write(block.draw({{"a"}, {"b"}, {"c"}, {"d"}}, 20));
  EXPECT_THAT(screen.rows(), ElementsAre("before", "a", "b", "c", "d"));
  screen.write(block.erase(20));
  EXPECT_THAT(screen.rows(), ElementsAre("before"));
  EXPECT_EQ(screen.row(), 1u);
  EXPECT_EQ(screen.column(), 0u);
  EXPECT_THAT(block.erase(20), IsEmpty());
}

TEST(LiveBlock, NoLineWraps) {
  Screen screen(13);
  LiveBlock block(false);
  screen.write(block.draw({{std::string(50, 'x')}, {"y"}}, 11));  // the mark of the cut is 3 bytes
  EXPECT_EQ(screen.rows().size(), 2u);
  EXPECT_THAT(screen.rows()[0], testing::StartsWith("xxxxxxxxx\xe2"));
  screen.write(block.erase(11));
  EXPECT_THAT(screen.rows(), IsEmpty());
}

TEST(LiveBlock, OfATerminalThatBecameNarrowerNothingIsLeft) {
  LiveBlock block(false);
  block.draw({{std::string(30, 'x')}, {std::string(5, 'y')}}, 40);
  // Shown again by a terminal of 10 columns, those are four rows.
  EXPECT_THAT(block.erase(10), HasSubstr("\x1b[3A"));
}

TEST(LiveBlock, ColourOnlyWhereAskedFor) {
  const std::vector<LiveLine> lines = {{"one", LiveLine::Style::kAlarm}};
  EXPECT_THAT(LiveBlock(true).draw(lines, 80), HasSubstr("\x1b[1;31m"));
  EXPECT_THAT(LiveBlock(false).draw(lines, 80), Not(HasSubstr("m")));
}

}  // namespace
}  // namespace giliran::terminal
