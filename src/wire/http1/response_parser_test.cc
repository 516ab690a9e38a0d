#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "wire/http1/parser.h"

namespace giliran::wire::http1 {
namespace {

HeadResult parse(std::string_view text, ResponseHead& head, std::string_view method = "GET",
                 HeadLimits limits = {}) {
  return ResponseParser(limits).parse(text, method, head);
}

TEST(ResponseParserTest, ReadsAHead) {
  const std::string text = "HTTP/1.1 404 Not \xc3\xa4 Found\r\nContent-Length: 3\r\n\r\nabc";
  ResponseHead head;
  const HeadResult result = parse(text, head);
  ASSERT_EQ(result.parse, Parse::kDone);
  EXPECT_EQ(result.consumed, text.size() - 3);
  EXPECT_EQ(head.status, 404);
  EXPECT_EQ(head.reason, "Not \xc3\xa4 Found");
  EXPECT_EQ(head.framing, Framing::kLength);
  EXPECT_EQ(head.content_length, 3U);
  EXPECT_TRUE(head.has_content_length);
  EXPECT_TRUE(head.keep_alive);
  EXPECT_EQ(head.fields.count, 1U);
}

TEST(ResponseParserTest, ReadsStatusLines) {
  ResponseHead head;
  ASSERT_EQ(parse("HTTP/1.0 200 \r\n\r\n", head).parse, Parse::kDone);
  EXPECT_EQ(head.version, Version::k10);
  EXPECT_EQ(head.reason, "");
  ASSERT_EQ(parse("HTTP/1.3 999\r\n\r\n", head).parse, Parse::kDone);
  EXPECT_EQ(head.version, Version::k11);
  EXPECT_EQ(head.status, 999);
}

TEST(ResponseParserTest, RefusesBadHeads) {
  const std::vector<std::pair<std::string, Problem>> cases = {
      {"\r\nHTTP/1.1 200 OK\r\n\r\n", Problem::kBadStatusLine},
      {"ICY 200 OK\r\n\r\n", Problem::kBadStatusLine},
      {"HTTP/1.1200 OK\r\n\r\n", Problem::kBadStatusLine},
      {"HTTP/1.1  200 OK\r\n\r\n", Problem::kBadStatusLine},
      {"HTTP/1.1 20 OK\r\n\r\n", Problem::kBadStatusLine},
      {"HTTP/1.1 2000 OK\r\n\r\n", Problem::kBadStatusLine},
      {"HTTP/1.1 099 OK\r\n\r\n", Problem::kBadStatusLine},
      {"HTTP/1.1 2x0 OK\r\n\r\n", Problem::kBadStatusLine},
      {"HTTP/1.1 200\tOK\r\n\r\n", Problem::kBadStatusLine},
      {"HTTP/1.1 200 O\x01K\r\n\r\n", Problem::kBadStatusLine},
      {"HTTP/1.1\r\n\r\n", Problem::kBadStatusLine},
      {"HTTP/2.0 200 OK\r\n\r\n", Problem::kUnsupportedVersion},
      {"HTTP/1.1 200 OK\n\n", Problem::kBareLf},
      {"HTTP/1.1 200 OK\rx\r\n\r\n", Problem::kBareCr},
      {std::string("HTTP/1.1 200 O\0K\r\n\r\n", 20), Problem::kNul},
      {"HTTP/1.1 200 OK\r\nA : b\r\n\r\n", Problem::kBadFieldName},
      {"HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", Problem::kObsoleteFolding},
      {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
       Problem::kBadContentLength},
      {"HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\n", Problem::kBadContentLength},
      {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
       Problem::kConflictingLength},
      {"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", Problem::kBadTransferEncoding},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", Problem::kBadTransferEncoding},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
       Problem::kUnsupportedTransferEncoding},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n",
       Problem::kConflictingLength},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked\r\n\r\n",
       Problem::kBadTransferEncoding},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: \x0b"
       "chunked\r\n\r\n",
       Problem::kBadFieldValue},
      {"HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775808\r\n\r\n",
       Problem::kBadContentLength},
      {"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", Problem::kBadContentLength},
      {"HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n", Problem::kBadContentLength},
      {"HTTP/1.1 200 OK\r\nLocation: /a\rSet-Cookie: b\r\n\r\n", Problem::kBareCr},
      {"HTTP/1.1 200 OK\r\nLocation: /a\nSet-Cookie: b\r\n\r\n", Problem::kBareLf},
      {"HTTP/1.1 200 OK\r\n: a\r\n\r\n", Problem::kBadFieldName},
      {"HTTP/1.1 200 OK\r\n A: b\r\n\r\n", Problem::kObsoleteFolding},
      {" HTTP/1.1 200 OK\r\n\r\n", Problem::kBadStatusLine},
      {"http/1.1 200 OK\r\n\r\n", Problem::kBadStatusLine},
      {"HTTP/1.1 -20 OK\r\n\r\n", Problem::kBadStatusLine},
      {"HTTP/1.1 +200 OK\r\n\r\n", Problem::kBadStatusLine},
  };
  for (const auto& [text, problem] : cases) {
    ResponseHead head;
    const HeadResult result = parse(text, head);
    EXPECT_EQ(result.parse, Parse::kError) << text;
    EXPECT_EQ(problem_name(result.problem), problem_name(problem)) << text;
  }
}

TEST(ResponseParserTest, DecidesTheFraming) {
  struct Case {
    std::string_view method;
    std::string_view start;
    std::string_view fields;
    Framing framing;
    bool has_content_length;
    bool keep_alive;
  };
  constexpr std::string_view kLength = "Content-Length: 5\r\n";
  constexpr std::string_view kZero = "Content-Length: 0\r\n";
  constexpr std::string_view kChunked = "Transfer-Encoding: chunked\r\n";
  for (const Case& c : std::vector<Case>{
           {"GET", "1.1 200", kLength, Framing::kLength, true, true},
           {"GET", "1.1 200", kZero, Framing::kLength, true, true},
           {"GET", "1.1 200", kChunked, Framing::kChunked, false, true},
           {"GET", "1.1 200", "", Framing::kUntilClose, false, false},
           {"GET", "1.0 200", "Connection: keep-alive\r\n", Framing::kUntilClose, false, false},
           {"GET", "1.0 200", "Content-Length: 5\r\nConnection: keep-alive\r\n", Framing::kLength,
            true, true},
           {"GET", "1.0 200", kLength, Framing::kLength, true, false},
           {"GET", "1.1 200", "Content-Length: 5\r\nConnection: close\r\n", Framing::kLength, true,
            false},
           {"HEAD", "1.1 200", kLength, Framing::kNone, true, true},
           {"HEAD", "1.1 200", kChunked, Framing::kNone, false, true},
           {"HEAD", "1.1 200", "", Framing::kNone, false, true},
           {"head", "1.1 200", kLength, Framing::kLength, true, true},
           {"GET", "1.1 304", kLength, Framing::kNone, true, true},
           {"GET", "1.1 304", kChunked, Framing::kNone, false, true},
           {"GET", "1.1 204", "", Framing::kNone, false, true},
           {"GET", "1.1 204", kZero, Framing::kNone, true, true},
           {"GET", "1.1 100", "", Framing::kNone, false, true},
           {"GET", "1.1 101", "Upgrade: x\r\nConnection: upgrade\r\n", Framing::kNone, false, true},
           {"CONNECT", "1.1 200", kLength, Framing::kNone, true, true},
           {"CONNECT", "1.1 200", "", Framing::kNone, false, true},
           {"CONNECT", "1.1 407", kLength, Framing::kLength, true, true},
           {"POST", "1.1 205", "", Framing::kUntilClose, false, false},
       }) {
    const std::string text =
        "HTTP/" + std::string(c.start) + " x\r\n" + std::string(c.fields) + "\r\n";
    ResponseHead head;
    ASSERT_EQ(parse(text, head, c.method).parse, Parse::kDone) << text;
    EXPECT_EQ(head.framing, c.framing) << c.method << " " << text;
    EXPECT_EQ(head.has_content_length, c.has_content_length) << c.method << " " << text;
    EXPECT_EQ(head.content_length, c.fields.contains("5") ? 5U : 0U) << c.method << " " << text;
    EXPECT_EQ(head.keep_alive, c.keep_alive) << c.method << " " << text;
  }
}

// One reading (RFC 9112, 6.3): no field gives such a response a body, and none makes it bad.
TEST(ResponseParserTest, NoFieldGivesABodyToWhatHasNone) {
  const std::pair<const char*, const char*> bodiless[] = {
      {"GET", "204"}, {"DELETE", "204"}, {"GET", "100"},     {"GET", "103"},
      {"GET", "304"}, {"HEAD", "200"},   {"CONNECT", "200"}, {"HEAD", "204"}};
  for (const auto& [method, status] : bodiless) {
    const bool never = *status == '1' || std::string_view(status) == "204";
    for (const std::string& fields : std::vector<std::string>{
             "Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n",
             "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
             "Content-Length: 5\r\nContent-Length: 6\r\n", "Content-Length: x\r\n",
             "Transfer-Encoding: gzip\r\n", "Transfer-Encoding: identity, chunked\r\n"}) {
      const std::string head_text = std::string("HTTP/1.1 ") + status + " x\r\n" + fields + "\r\n";
      const bool sound = fields == "Content-Length: 5\r\n" || fields.ends_with(": chunked\r\n");
      const bool announced =
          sound && !never && fields.starts_with("Content") && !fields.contains("Transfer");
      ResponseHead head;
      const HeadResult result = parse(head_text + "HTTP/1.1 200 OK\r\n\r\n", head, method);
      ASSERT_EQ(result.parse, Parse::kDone) << method << " " << head_text;
      EXPECT_EQ(result.consumed, head_text.size());
      EXPECT_EQ(head.framing, Framing::kNone) << method << " " << head_text;
      EXPECT_EQ(head.has_content_length, announced) << method << " " << head_text;
      EXPECT_EQ(head.content_length, announced ? 5U : 0U) << method << " " << head_text;
      const bool conflict = fields.contains("Content") && fields.contains("Transfer");
      EXPECT_EQ(head.keep_alive, sound && !never && !conflict) << method << " " << head_text;
    }
  }
}

TEST(ResponseParserTest, HoldsToLimits) {
  const HeadLimits limits{.head_bytes_max = 64, .fields_max = 1};
  ResponseHead head;
  EXPECT_EQ(parse("HTTP/1.1 200 OK\r\nA: b\r\nC: d\r\n\r\n", head, "GET", limits).problem,
            Problem::kTooManyFields);
  const std::string start = "HTTP/1.1 200 ";
  EXPECT_EQ(parse(start + std::string(63 - start.size(), 'x'), head, "GET", limits).parse,
            Parse::kNeedMore);
  EXPECT_EQ(parse(start + std::string(64 - start.size(), 'x'), head, "GET", limits).problem,
            Problem::kHeadTooLarge);
}

TEST(ResponseParserTest, RefusesGarbageBeforeTheHeadIsComplete) {
  ResponseHead head;
  for (const char* text : {"SSH-2.0-OpenSSH_9.2\r\n", "hello", "HTTP/1.1 ok"}) {
    EXPECT_EQ(parse(text, head).problem, Problem::kBadStatusLine) << text;
  }
}

}  // namespace
}  // namespace giliran::wire::http1
