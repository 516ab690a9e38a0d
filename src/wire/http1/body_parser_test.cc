#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "wire/http1/event_trace.h"
#include "wire/http1/parser.h"
#include "wire/http1/writer.h"

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
      {"5,5\r\nhello", Problem::kBadChunk},
      {"5_\r\nhello", Problem::kBadChunk},
      {"5\t\r\nhello", Problem::kBadChunk},
      {"5h\r\nhello", Problem::kBadChunk},
      {"\"5\"\r\nhello", Problem::kBadChunk},
      {"\n5\r\nhello", Problem::kBareLf},
      {"fffffffffffffffff\r\n", Problem::kBadChunk},
      {"5;a\x7f\r\nhello", Problem::kBadChunk},
      {"5\r\nhell\r\n0\r\n\r\n", Problem::kBareLf},
      {"00\r\n \r\n\r\n", Problem::kObsoleteFolding},
      {"0\r\nGET / HTTP/1.1\r\n\r\n", Problem::kBadFieldName},
      {"0\r\n\n", Problem::kBareLf},
      {"0\r\nA: b\n\r\n", Problem::kBareLf},
      {"0\r\nA : b\r\n\r\n", Problem::kBadFieldName},
      {"0\r\nA: b\r\n c\r\n\r\n", Problem::kObsoleteFolding},
      {"0\r\nA: b\x01\r\n\r\n", Problem::kBadFieldValue},
      {"0\r\n\rx\r\n\r\n", Problem::kBareCr},
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

// Otherwise a body of one-byte chunks could carry a thousand times its size past every bound.
TEST(BodyParserTest, BoundsTheExtensionsOfABody) {
  const auto chunks = [](int count, size_t data_bytes, size_t extension_bytes) {
    char size[18];
    const std::string chunk = std::string(size, format_chunk_size(data_bytes, size) - 2) + ";" +
                              std::string(extension_bytes, 'x') + "\r\n" +
                              std::string(data_bytes, 'd') + "\r\n";
    std::string body;
    for (int i = 0; i < count; ++i) body += chunk;
    return body + "0\r\n\r\n";
  };
  // 1018 bytes are 1000 more than those that go with a chunk of one byte.
  EXPECT_EQ(read_chunked(chunks(16, 1, 1018)).last, BodyEvent::Kind::kEnd);
  EXPECT_EQ(read_chunked(chunks(17, 1, 1018)).problem, Problem::kBadChunk);
  // What signs each chunk (a hundred bytes or so) is not bounded by the length of the body.
  EXPECT_EQ(read_chunked(chunks(2000, 512, 120)).last, BodyEvent::Kind::kEnd);
  EXPECT_EQ(read_chunked(chunks(5000, 1, 18)).last, BodyEvent::Kind::kEnd);
  EXPECT_EQ(read_chunked(chunks(20000, 1, 19)).problem, Problem::kBadChunk);

  BodyParser parser;  // the next body begins anew
  for (int i = 0; i < 2; ++i) {
    parser.start(Framing::kChunked, 0);
    EXPECT_EQ(read(parser, chunks(16, 1, 1018)).last, BodyEvent::Kind::kEnd);
  }
}

TEST(BodyParserTest, LeavesOutTrailersThatSayWhoAsksOrChangeTheHead) {
  const Body body = read_chunked(
      "0\r\nX-Forwarded-For: 6.6.6.6\r\nforwarded: for=6\r\nAuthorization: Basic eA==\r\nA: b\r\n"
      "Cookie: c\r\nset-cookie: d\r\nContent-Type: text/html\r\nContent-Encoding: gzip\r\n"
      "Content_Length: 5\r\ntraceparent: x\r\nServer-Timing: e\r\n\r\n");
  EXPECT_EQ(body.last, BodyEvent::Kind::kEnd);
  ASSERT_EQ(body.trailers.count, 2U);
  EXPECT_EQ(body.trailers.items[0].name, "A");
  EXPECT_EQ(body.trailers.items[1].name, "Server-Timing");
}

// RFC 9110, 6.5.1: they are ignored, which is no reason to refuse the message.
TEST(BodyParserTest, LeavesOutTrailersThatFrameOrRouteTheMessage) {
  const Body body = read_chunked(
      "0\r\nTrailer: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\nHost: a\r\nA: b\r\n"
      "Connection: close\r\nTE: gzip\r\nUpgrade: h2c\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(body.last, BodyEvent::Kind::kEnd);
  ASSERT_EQ(body.trailers.count, 1U);
  EXPECT_EQ(body.trailers.items[0].name, "A");
}

TEST(BodyParserTest, ReadsSizesAsTheyAreWritten) {
  EXPECT_EQ(read_chunked("000000000000005\r\nhello\r\n000\r\n\r\n").data, "hello");
  EXPECT_EQ(read_chunked("aB\r\n" + std::string(0xab, 'x') + "\r\n0\r\n\r\n").data.size(), 0xabU);
  EXPECT_EQ(read_chunked("1;a=\"\\\"; \x7e\";b\r\nx\r\n0;last=\"1\r\n\r\n").last,
            BodyEvent::Kind::kEnd);
  // A quoted text does not hide a line end.
  EXPECT_EQ(read_chunked("1;a=\"\r\n5\r\n\"\r\nx").data, "5");
  EXPECT_EQ(read_chunked("1;a=\"\r\n5\r\n\"\r\nx").problem, Problem::kBadChunk);
}

TEST(BodyParserTest, ChecksTrailersThatNobodyWants) {
  BodyParser parser;
  parser.start(Framing::kChunked, 0);
  EXPECT_EQ(parser.next("0\r\nA : b\r\n\r\n", nullptr).problem, Problem::kBadFieldName);
}

}  // namespace
}  // namespace giliran::wire::http1
