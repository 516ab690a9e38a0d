#include "base/printable.h"

#include <gtest/gtest.h>

#include "base/utf8.h"

namespace giliran::base {
namespace {

TEST(Printable, PlainTextStaysWhatItIs) {
  EXPECT_EQ(printable("GET /a?b=1"), "GET /a?b=1");
  EXPECT_EQ(printable("größe 100 µs 日本 🙂"), "größe 100 µs 日本 🙂");
  EXPECT_EQ(printable(""), "");
}

TEST(Printable, ControlsAreNeverPassed) {
  EXPECT_EQ(printable("a\x1b[2J\r\n\t\x7f\x07z"), "a?[2J?????z");
  EXPECT_EQ(printable(std::string_view("\0", 1)), "?");
  EXPECT_EQ(printable("\u0085\u009b31m\u009f"), "??31m?") << "C1: CSI in one character";
}

TEST(Printable, TextIsNotTurnedRoundOrHidden) {
  EXPECT_EQ(printable("a\u202Egnp.exe"), "a?gnp.exe");
  for (const char* mark : {"\u061C", "\u200E", "\u200F", "\u202A", "\u202D", "\u2066", "\u2069",
                           "\u2028", "\u200B", "\u2060", "\uFEFF", "\u00AD", "\U000E0041"}) {
    EXPECT_EQ(printable(mark), "?") << mark;
  }
}

TEST(Printable, EachByteThatIsNoUtf8IsReplaced) {
  EXPECT_EQ(printable("\xff"), "\uFFFD");
  EXPECT_EQ(printable("a\xc3"), "a\uFFFD") << "cut within a character";
  EXPECT_EQ(printable("\xc0\xaf"), "\uFFFD\uFFFD") << "an overlong form";
  EXPECT_EQ(printable("\xed\xa0\x80"), "\uFFFD\uFFFD\uFFFD") << "a surrogate";
  EXPECT_EQ(printable("\x9b\x31"), "\uFFFD1") << "CSI as one byte";
}

TEST(Printable, IsCutByColumns) {
  EXPECT_EQ(printable("abcdef", 4), "abc…");
  EXPECT_EQ(printable("abcd", 4), "abcd");
  EXPECT_EQ(printable("äöüß", 3), "äö…");
  EXPECT_EQ(printable("\xff\xff\xff", 2), "\uFFFD…");
  EXPECT_EQ(printable("ab", 1), "…");
  EXPECT_EQ(width(printable("\x1b\x1b\x1b\x1b", 3)), 3);
}

TEST(Printable, LinesStayLines) {
  EXPECT_EQ(printable_lines("a\x1b\n  b\n"), "a?\n  b\n");
  EXPECT_EQ(printable_lines("a"), "a");
}

TEST(Printable, WhateverTheBytesTheTextIsGood) {
  std::string all;
  for (int high = 0; high < 256; ++high) {
    for (int low = 0; low < 256; ++low) {
      for (const int c : {high, low}) all += static_cast<char>(c);
    }
  }
  std::string_view left = all;
  const std::string out = printable(all);
  left = out;
  while (!left.empty()) {
    const size_t size = utf8_sequence(left);
    ASSERT_NE(size, 0);
    ASSERT_FALSE(is_hidden(code_point(left.substr(0, size))));
    left.remove_prefix(size);
  }
}

}  // namespace
}  // namespace giliran::base
