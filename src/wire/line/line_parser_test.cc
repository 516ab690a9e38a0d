#include "wire/line/line_parser.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "wire/http1/event_trace.h"

namespace giliran::wire::line {
namespace {

// All lines, then what the parser wants next; the stream is cut and moved as in event_trace.h.
std::vector<std::string> read(std::string_view text, std::vector<size_t> cuts,
                              uint32_t line_bytes_max) {
  http1::PiecewiseStream stream(text, std::move(cuts));
  LineParser parser(line_bytes_max);
  std::vector<std::string> seen;
  for (;;) {
    const LineResult result = parser.next(stream.show());
    switch (result.kind) {
      case LineResult::Kind::kLine:
        seen.push_back("line:" + std::string(result.line));
        stream.consume(result.consumed);
        break;
      case LineResult::Kind::kTooLong:
        seen.push_back("too long");
        return seen;
      case LineResult::Kind::kNeedMore:
        if (stream.receive_more()) break;
        seen.push_back("more at " + std::to_string(stream.consumed()));
        return seen;
    }
  }
}

using Seen = std::vector<std::string>;

TEST(LineParserTest, ReadsLines) {
  EXPECT_EQ(read("", {}, 9), (Seen{"more at 0"}));
  EXPECT_EQ(read("a\nb\r\n\n\r\nc", {}, 9),
            (Seen{"line:a", "line:b", "line:", "line:", "more at 8"}));
  EXPECT_EQ(read("a\rb\r\r\n", {}, 9), (Seen{"line:a\rb\r", "more at 6"}));
  EXPECT_EQ(read(std::string_view("a\0b\n", 4), {}, 9)[0], std::string("line:a\0b", 8));
}

TEST(LineParserTest, HoldsToTheLimit) {
  EXPECT_EQ(read("12345\n", {}, 5), (Seen{"line:12345", "more at 6"}));
  EXPECT_EQ(read("12345", {}, 5), (Seen{"more at 0"}));
  EXPECT_EQ(read("123456", {}, 5), (Seen{"too long"}));
  EXPECT_EQ(read("123456\n", {}, 5), (Seen{"too long"}));
  EXPECT_EQ(read("1234\r\n", {}, 5), (Seen{"line:1234", "more at 6"}));
  EXPECT_EQ(read("12345\r\n", {}, 5), (Seen{"too long"}));  // the CR counts
  EXPECT_EQ(read("1\n123456\n", {}, 5), (Seen{"line:1", "too long"}));
}

TEST(LineParserTest, SaysTheSameHoweverCut) {
  for (const std::string text :
       {"hello\nworld\r\n\n\r\n", "a\r\nbc\nlonger than it may be\nd", "\r\r\n", "no end"}) {
    for (const uint32_t limit : {6U, 100U}) {
      const Seen whole = read(text, {}, limit);
      for (size_t i = 0; i < text.size(); ++i) {
        EXPECT_EQ(read(text, {i}, limit), whole) << text << " at " << i;
        for (size_t j = i; j < text.size(); ++j) EXPECT_EQ(read(text, {i, j}, limit), whole);
      }
      EXPECT_EQ(read(text, http1::cut_everywhere(text), limit), whole) << text;
    }
  }
}

}  // namespace
}  // namespace giliran::wire::line
