#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "wire/http1/event_trace.h"
#include "wire/http1/parser.h"

namespace giliran::wire::http1 {
namespace {

struct Body {
  BodyEvent::Kind last = BodyEvent::Kind::kNeedMore;
  Problem problem = Problem::kNone;
  std::string data;
  size_t consumed = 0;
  Fields trailers;
};

Body read(BodyParser& parser, std::string_view bytes) {
  Body body;
  for (;;) {
    const BodyEvent event = parser.next(bytes.substr(body.consumed), &body.trailers);
    body.consumed += event.consumed;
    body.last = event.kind;
    body.problem = event.problem;
    if (event.kind != BodyEvent::Kind::kData) return body;
    body.data += event.data;
  }
}

Body read_chunked(std::string_view bytes) {
  BodyParser parser;
  parser.start(Framing::kChunked, 0);
  return read(parser, bytes);
}

TEST(BodyParserTest, EndsAtOnceWithoutABody) {
  BodyParser parser;
  EXPECT_EQ(parser.next("", nullptr).kind, BodyEvent::Kind::kEnd);
  parser.start(Framing::kNone, 0);
  EXPECT_EQ(parser.next("next", nullptr).kind, BodyEvent::Kind::kEnd);
  EXPECT_EQ(parser.next("next", nullptr).consumed, 0U);
  parser.start(Framing::kLength, 0);
  EXPECT_EQ(parser.next("", nullptr).kind, BodyEvent::Kind::kEnd);
  EXPECT_TRUE(parser.ended());
}

TEST(BodyParserTest, ReadsALength) {
  BodyParser parser;
  parser.start(Framing::kLength, 5);
  EXPECT_EQ(parser.next("", nullptr).kind, BodyEvent::Kind::kNeedMore);
  EXPECT_EQ(parser.next("he", nullptr).data, "he");
  EXPECT_EQ(parser.remaining(), 3U);
  EXPECT_FALSE(parser.end_of_input());
  const Body body = read(parser, "lloGET");
  EXPECT_EQ(body.data, "llo");
  EXPECT_EQ(body.consumed, 3U);
  EXPECT_EQ(body.last, BodyEvent::Kind::kEnd);
  EXPECT_TRUE(parser.end_of_input());
}

TEST(BodyParserTest, ReadsUntilClose) {
  BodyParser parser;
  parser.start(Framing::kUntilClose, 0);
  const Body body = read(parser, "anything");
  EXPECT_EQ(body.data, "anything");
  EXPECT_EQ(body.last, BodyEvent::Kind::kNeedMore);
  EXPECT_FALSE(parser.ended());
  EXPECT_TRUE(parser.end_of_input());
}

TEST(BodyParserTest, ReadsChunksAndTrailers) {
  const std::string text =
      "5\r\nhello\r\n00A;name=\"va;lue\" \t\r\n0123456789\r\n0\r\nX-Sum: 1 \r\nServer-Timing: "
      "a\r\n\r\nGET";
  const Body body = read_chunked(text);
  EXPECT_EQ(body.last, BodyEvent::Kind::kEnd);
  EXPECT_EQ(body.data, "hello0123456789");
  EXPECT_EQ(body.consumed, text.size() - 3);
  ASSERT_EQ(body.trailers.count, 2U);
  EXPECT_EQ(body.trailers.items[0].value, "1");
  EXPECT_EQ(body.trailers.items[1].id, Name::kServerTiming);
}

TEST(BodyParserTest, GivesDataAsItComes) {
  BodyParser parser;
  parser.start(Framing::kChunked, 0);
  EXPECT_EQ(parser.next("5", nullptr).consumed, 1U);
  const BodyEvent event = parser.next("\r\nhe", nullptr);
  EXPECT_EQ(event.kind, BodyEvent::Kind::kData);
  EXPECT_EQ(event.data, "he");
  EXPECT_EQ(event.consumed, 4U);
  EXPECT_EQ(parser.remaining(), 3U);
  EXPECT_EQ(parser.next("llo", nullptr).data, "llo");
  EXPECT_EQ(parser.next("\r\n0\r\n\r", nullptr).kind, BodyEvent::Kind::kNeedMore);
  EXPECT_FALSE(parser.end_of_input());
  EXPECT_EQ(parser.next("\r\n", nullptr).kind, BodyEvent::Kind::kEnd);
}

TEST(BodyParserTest, LeavesTrailersAloneWhereThereIsNoChunkedEnd) {
  BodyParser parser;
  Fields trailers;
  trailers.count = 7;
  parser.start(Framing::kLength, 0);
  parser.next("", &trailers);
  EXPECT_EQ(trailers.count, 7U);
  parser.start(Framing::kChunked, 0);
  parser.next("0\r\n\r\n", &trailers);
  EXPECT_EQ(trailers.count, 0U);
}

TEST(BodyParserTest, RefusesBadChunks) {
  const std::vector<std::pair<std::string, Problem>> cases = {
      {"\r\n", Problem::kBadChunk},
      {";a\r\n", Problem::kBadChunk},
      {"1\r\na\r\n\r\n", Problem::kBadChunk},
      {"g\r\n", Problem::kBadChunk},
      {"+5\r\nhello", Problem::kBadChunk},
      {"-5\r\nhello", Problem::kBadChunk},
      {"0x5\r\nhello", Problem::kBadChunk},
      {" 5\r\nhello", Problem::kBadChunk},
      {"5 \r\nhello", Problem::kBadChunk},
      {"5 ;a\r\nhello", Problem::kBadChunk},
      {"5\nhello", Problem::kBareLf},
      {"5\rhello", Problem::kBareCr},
      {"5;a\nhello", Problem::kBareLf},
      {"5;a\rb\r\nhello", Problem::kBareCr},
      {"5;\x01\r\nhello", Problem::kBadChunk},
      {std::string("5;\0\r\nhello", 10), Problem::kNul},
      {"5\r\nhello\n0\r\n\r\n", Problem::kBareLf},
      {"5\r\nhello\r0\r\n\r\n", Problem::kBareCr},
      {"5\r\nhelloo\r\n0\r\n\r\n", Problem::kBadChunk},
      {"1000000000000000\r\n", Problem::kBadChunk},
      {"0000000000000005\r\n", Problem::kBadChunk},
      {"0\r\n\n", Problem::kBareLf},
      {"0\r\nA: b\n\r\n", Problem::kBareLf},
      {"0\r\nA : b\r\n\r\n", Problem::kBadFieldName},
      {"0\r\nA: b\r\n c\r\n\r\n", Problem::kObsoleteFolding},
      {"0\r\nA: b\x01\r\n\r\n", Problem::kBadFieldValue},
      {"0\r\n\rx\r\n\r\n", Problem::kBareCr},
      {"0\r\nContent-Length: 5\r\n\r\n", Problem::kBadFieldName},
      {"0\r\nTransfer-Encoding: chunked\r\n\r\n", Problem::kBadFieldName},
      {"0\r\nHost: a\r\n\r\n", Problem::kBadFieldName},
      {"0\r\nConnection: close\r\n\r\n", Problem::kBadFieldName},
  };
  for (const auto& [text, problem] : cases) {
    const Body body = read_chunked(text);
    EXPECT_EQ(body.last, BodyEvent::Kind::kError) << text;
    EXPECT_EQ(problem_name(body.problem), problem_name(problem)) << text;
  }
}

TEST(BodyParserTest, StaysFailed) {
  BodyParser parser;
  parser.start(Framing::kChunked, 0);
  EXPECT_EQ(parser.next("5\nx", nullptr).kind, BodyEvent::Kind::kError);
  EXPECT_EQ(parser.next("5\r\nhello", nullptr).problem, Problem::kBareLf);
  EXPECT_FALSE(parser.end_of_input());
}

TEST(BodyParserTest, HoldsToLimits) {
  EXPECT_EQ(read_chunked("5;" + std::string(1024, 'x') + "\r\nhello").data, "hello");
  EXPECT_EQ(read_chunked("5;" + std::string(1025, 'x')).problem, Problem::kBadChunk);
  EXPECT_EQ(read_chunked("fffffffffffffff\r\nx").data, "x");

  const std::string extended = "00001;" + std::string(1000, 'x') + "\r\na\r\n";
  EXPECT_EQ(read_chunked(extended + extended + extended + extended).data, "aaaa") << "for each";

  const size_t value_bytes = BodyParser::kTrailerBytesMax - 7;  // "A: " value CRLF CRLF
  EXPECT_EQ(read_chunked("0\r\nA: " + std::string(value_bytes, 'x') + "\r\n\r\n").last,
            BodyEvent::Kind::kEnd);
  EXPECT_EQ(read_chunked("0\r\nA: " + std::string(value_bytes + 1, 'x') + "\r\n\r\n").problem,
            Problem::kTrailerTooLarge);
  EXPECT_EQ(status_for(Problem::kTrailerTooLarge), 431);

  std::string fields = "0\r\n";
  for (size_t i = 0; i < kFieldsMax; ++i) fields += "A: b\r\n";
  EXPECT_EQ(read_chunked(fields + "\r\n").trailers.count, kFieldsMax);
  EXPECT_EQ(read_chunked(fields + "A: b\r\n\r\n").problem, Problem::kTooManyFields);
}

TEST(BodyParserTest, ChecksTrailersThatNobodyWants) {
  BodyParser parser;
  parser.start(Framing::kChunked, 0);
  EXPECT_EQ(parser.next("0\r\nA : b\r\n\r\n", nullptr).problem, Problem::kBadFieldName);
}

}  // namespace
}  // namespace giliran::wire::http1
