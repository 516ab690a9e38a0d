#include <gtest/gtest.h>

#include <ctime>
#include <string>
#include <vector>

#include "wire/http1/event_trace.h"
#include "wire/http1/parser.h"

namespace giliran::wire::http1 {
namespace {

HeadResult parse(std::string_view text, RequestHead& head, HeadLimits limits = {}) {
  return RequestParser(limits).parse(text, head);
}

std::string get_with(std::string_view fields) {
  return "GET / HTTP/1.1\r\nHost: a\r\n" + std::string(fields) + "\r\n";
}

struct Refusal {
  std::string bytes;
  Problem problem;
  uint16_t status;
};

void expect_refused(const std::vector<Refusal>& refusals, HeadLimits limits = {}) {
  for (const Refusal& refusal : refusals) {
    RequestHead head;
    const HeadResult result = parse(refusal.bytes, head, limits);
    EXPECT_EQ(result.parse, Parse::kError) << refusal.bytes;
    EXPECT_EQ(problem_name(result.problem), problem_name(refusal.problem)) << refusal.bytes;
    EXPECT_EQ(status_for(result.problem), refusal.status) << refusal.bytes;
  }
}

void expect_accepted(const std::vector<std::string>& messages) {
  for (const std::string& message : messages) {
    RequestHead head;
    const HeadResult result = parse(message, head);
    EXPECT_EQ(result.parse, Parse::kDone) << message << problem_name(result.problem);
    EXPECT_EQ(result.consumed, message.size()) << message;
  }
}

TEST(RequestParserTest, ReadsAHead) {
  const std::string text =
      "POST /a/b?c=d HTTP/1.1\r\nHost: example.com:8080\r\nX-Empty:\r\nX-Padded: \t a b\t \r\n"
      "content-LENGTH: 5\r\n\r\nhello";
  RequestHead head;
  const HeadResult result = parse(text, head);
  ASSERT_EQ(result.parse, Parse::kDone);
  EXPECT_EQ(result.consumed, text.size() - 5);
  EXPECT_EQ(head.method, "POST");
  EXPECT_EQ(head.target, "/a/b?c=d");
  EXPECT_EQ(head.path, "/a/b?c=d");
  EXPECT_EQ(head.host, "example.com:8080");
  EXPECT_EQ(head.form, TargetForm::kOrigin);
  EXPECT_EQ(head.version, Version::k11);
  EXPECT_EQ(head.framing, Framing::kLength);
  EXPECT_EQ(head.content_length, 5U);
  EXPECT_TRUE(head.keep_alive);
  ASSERT_EQ(head.fields.count, 4U);
  EXPECT_EQ(head.fields.items[0].name, "Host");
  EXPECT_EQ(head.fields.items[0].id, Name::kHost);
  EXPECT_EQ(head.fields.items[1].name, "X-Empty");
  EXPECT_EQ(head.fields.items[1].value, "");
  EXPECT_EQ(head.fields.items[2].value, "a b");
  EXPECT_EQ(head.fields.items[3].id, Name::kContentLength);
}

TEST(RequestParserTest, ForgetsThePreviousHead) {
  RequestHead head;
  RequestParser parser;
  const std::string first =
      "POST http://h/p HTTP/1.1\r\nHost: a\r\nContent-Length: 7\r\nConnection: close, upgrade\r\n"
      "Upgrade: x\r\nExpect: 100-continue\r\n\r\n";
  ASSERT_EQ(parser.parse(first, head).parse, Parse::kDone);
  EXPECT_TRUE(head.upgrade);
  EXPECT_TRUE(head.expect_continue);
  ASSERT_EQ(parser.parse("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", head).parse,
            Parse::kDone);
  EXPECT_EQ(head.host, "");
  EXPECT_EQ(head.form, TargetForm::kOrigin);
  EXPECT_EQ(head.version, Version::k10);
  EXPECT_EQ(head.framing, Framing::kNone);
  EXPECT_EQ(head.content_length, 0U);
  EXPECT_TRUE(head.keep_alive);
  EXPECT_FALSE(head.upgrade);
  EXPECT_FALSE(head.expect_continue);
  EXPECT_EQ(head.fields.count, 1U);
}

TEST(RequestParserTest, RefusesLineEndsAndBytesThatAreReadInDifferentWays) {
  expect_refused({
      {"GET / HTTP/1.1\nHost: a\r\n\r\n", Problem::kBareLf, 400},
      {"GET / HTTP/1.1\r\nHost: a\n\r\n", Problem::kBareLf, 400},
      {"GET / HTTP/1.1\r\nHost: a\r\n\n", Problem::kBareLf, 400},
      {"GET / HTTP/1.1\r\nHost: a\n\n", Problem::kBareLf, 400},
      {"\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", Problem::kBareLf, 400},
      {"\rGET / HTTP/1.1\r\nHost: a\r\n\r\n", Problem::kBareCr, 400},
      {"GET / HTTP/1.1\rHost: a\r\n\r\n", Problem::kBareCr, 400},
      {"GET /\rx HTTP/1.1\r\nHost: a\r\n\r\n", Problem::kBareCr, 400},
      {"GET\r / HTTP/1.1\r\nHost: a\r\n\r\n", Problem::kBareCr, 400},
      {get_with("A: b\rc\r\n"), Problem::kBareCr, 400},
      {get_with("A\rb: c\r\n"), Problem::kBareCr, 400},
      {get_with("A: b\r\r\n"), Problem::kBareCr, 400},
      {get_with(std::string("A: b\0c\r\n", 8)), Problem::kNul, 400},
      {get_with(std::string("A\0b: c\r\n", 8)), Problem::kNul, 400},
      {std::string("GET /\0 HTTP/1.1\r\n", 17), Problem::kNul, 400},
      {get_with("A: b\x01\r\n"), Problem::kBadFieldValue, 400},
      {get_with("A: b\x0b\r\n"), Problem::kBadFieldValue, 400},
      {get_with("A: b\x7f\r\n"), Problem::kBadFieldValue, 400},
      {get_with("A: a long value of many bytes, then \x1b[0m\r\n"), Problem::kBadFieldValue, 400},
      {get_with("A: b\r\n c\r\n"), Problem::kObsoleteFolding, 400},
      {get_with("A: b\r\n\tc\r\n"), Problem::kObsoleteFolding, 400},
      {"GET / HTTP/1.1\r\n Host: a\r\n\r\n", Problem::kObsoleteFolding, 400},
      {get_with("A : b\r\n"), Problem::kBadFieldName, 400},
      {get_with("A\t: b\r\n"), Problem::kBadFieldName, 400},
      {get_with(": b\r\n"), Problem::kBadFieldName, 400},
      {get_with("A\r\n"), Problem::kBadFieldName, 400},
      {get_with("A b\r\n"), Problem::kBadFieldName, 400},
      {get_with("A(b): c\r\n"), Problem::kBadFieldName, 400},
      {get_with("\xc3\xa4: c\r\n"), Problem::kBadFieldName, 400},
  });
  expect_accepted({get_with("A: b\tc\r\n"), get_with("A: \xc3\xa4\xff\r\n"),
                   get_with("!#$%&'*+-.^_`|~09azAZ: b\r\n"), get_with("A::b\r\n")});
}

TEST(RequestParserTest, SkipsFewEmptyLines) {
  expect_accepted(
      {"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"});
  expect_refused({{"\r\n\r\n\r\nGET / HTTP/1.1\r\n", Problem::kBadRequestLine, 400}});
  RequestHead head;
  for (const char* text : {"", "\r", "\r\n", "\r\n\r", "\r\n\r\n"}) {
    EXPECT_EQ(parse(text, head).parse, Parse::kNeedMore);
  }
}

TEST(RequestParserTest, RefusesBadRequestLines) {
  const std::string end = "\r\nHost: a\r\n\r\n";
  expect_refused({
      {" GET / HTTP/1.1" + end, Problem::kBadMethod, 400},
      {"GE(T / HTTP/1.1" + end, Problem::kBadMethod, 400},
      {"GET\t/ HTTP/1.1" + end, Problem::kBadMethod, 400},
      {"GET\r\n\r\n", Problem::kBadMethod, 400},
      {std::string(33, 'A') + " / HTTP/1.1" + end, Problem::kBadMethod, 400},
      {"\x16\x03\x01\x02", Problem::kBadMethod, 400},  // TLS
      {"GET  / HTTP/1.1" + end, Problem::kBadRequestLine, 400},
      {"GET /  HTTP/1.1" + end, Problem::kBadVersion, 400},
      {"GET / HTTP/1.1 " + end, Problem::kBadRequestLine, 400},
      {"GET / HTTP/1.11" + end, Problem::kBadRequestLine, 400},
      {"GET /\t HTTP/1.1" + end, Problem::kBadTarget, 400},
      {"GET /\r\n", Problem::kBadRequestLine, 400},  // HTTP/0.9
      {"GET / \r\n", Problem::kBadVersion, 400},
      {"GET /a b HTTP/1.1" + end, Problem::kBadVersion, 400},
      {"GET /a#b HTTP/1.1" + end, Problem::kBadTarget, 400},
      {"GET /\xc3\xa4 HTTP/1.1" + end, Problem::kBadTarget, 400},
      {"GET /\x7f HTTP/1.1" + end, Problem::kBadTarget, 400},
      {"GET /a/long/path/of/many/bytes\x01 HTTP/1.1" + end, Problem::kBadTarget, 400},
      {"GET a HTTP/1.1" + end, Problem::kBadTarget, 400},
      {"GET * HTTP/1.1" + end, Problem::kBadTarget, 400},
      {"OPTIONS ** HTTP/1.1" + end, Problem::kBadTarget, 400},
      {"GET ftp://a/ HTTP/1.1" + end, Problem::kBadTarget, 400},
      {"GET http://?b HTTP/1.1" + end, Problem::kBadHost, 400},
      {"GET http:///b HTTP/1.1" + end, Problem::kBadHost, 400},
      {"GET http:// HTTP/1.1" + end, Problem::kBadHost, 400},
      {"GET http://u@a/ HTTP/1.1" + end, Problem::kBadHost, 400},
      {"GET http://a:b/ HTTP/1.1" + end, Problem::kBadHost, 400},
      {"GET a:80 HTTP/1.1" + end, Problem::kBadTarget, 400},
      {"CONNECT a HTTP/1.1" + end, Problem::kBadTarget, 400},
      {"CONNECT a: HTTP/1.1" + end, Problem::kBadTarget, 400},
      {"CONNECT / HTTP/1.1" + end, Problem::kBadTarget, 400},
      {"CONNECT http://a:80/ HTTP/1.1" + end, Problem::kBadTarget, 400},
      {"GET / http/1.1" + end, Problem::kBadVersion, 400},
      {"GET / HTTP/1" + end, Problem::kBadVersion, 400},
      {"GET / HTTP/1,1" + end, Problem::kBadVersion, 400},
      {"GET / HTTP/x.1" + end, Problem::kBadVersion, 400},
      {"GET / FTP/1.1" + end, Problem::kBadVersion, 400},
      {"GET / HTTP/2.0" + end, Problem::kUnsupportedVersion, 505},
      {"GET / HTTP/0.9" + end, Problem::kUnsupportedVersion, 505},
      {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Problem::kHttp2Preface, 505},
      {"PRI / HTTP/2.0" + end, Problem::kUnsupportedVersion, 505},
      {"GET / HTTP/3.0" + end, Problem::kUnsupportedVersion, 505},
      {"PRI * HTTP/1.1" + end, Problem::kBadTarget, 400},
      {"head / HTTP/1.1" + end, Problem::kBadMethod, 400},
      {"HEAd / HTTP/1.1" + end, Problem::kBadMethod, 400},
      {"connect a:80 HTTP/1.1" + end, Problem::kBadMethod, 400},
      {"Connect / HTTP/1.1" + end, Problem::kBadMethod, 400},
      {"GET http://a\\b/ HTTP/1.1" + end, Problem::kBadHost, 400},
      {"GET http://a#b/ HTTP/1.1" + end, Problem::kBadTarget, 400},
      {"GET http:/a HTTP/1.1" + end, Problem::kBadTarget, 400},
      {"GET //\xa0 HTTP/1.1" + end, Problem::kBadTarget, 400},
      {"GET /\x0bHTTP/1.1" + end, Problem::kBadTarget, 400},
      {"GET / HTTP/1.1\t" + end, Problem::kBadRequestLine, 400},
      {"GET / HTTP/1.1 HTTP/1.1" + end, Problem::kBadRequestLine, 400},
      {"GET / HTTP/01.1" + end, Problem::kBadVersion, 400},
      {"GET / HTTP/1." + end, Problem::kBadVersion, 400},
      {"GET / HTTP/-1.1" + end, Problem::kBadVersion, 400},
      {"GET / HTTP /1.1" + end, Problem::kBadVersion, 400},
  });
  expect_accepted({std::string(32, 'A') + " / HTTP/1.1" + end,
                   "GET /a%23b|{}^\"<>\\ HTTP/1.1" + end, "GET // HTTP/1.1" + end,
                   // Methods are read as they are written; these decide no framing.
                   "get / HTTP/1.1" + end, "Post / HTTP/1.1" + end, "HEADER / HTTP/1.1" + end,
                   "M-SEARCH / HTTP/1.1" + end, "0 / HTTP/1.1" + end});
}

TEST(RequestParserTest, ReadsTargetForms) {
  struct Case {
    std::string_view line;
    TargetForm form;
    std::string_view path;
    std::string_view host;
  };
  for (const Case& c : std::vector<Case>{
           {"GET /x HTTP/1.1", TargetForm::kOrigin, "/x", "field"},
           {"GET http://a/x?y HTTP/1.1", TargetForm::kAbsolute, "/x?y", "a"},
           {"GET HTTPS://a:8/ HTTP/1.1", TargetForm::kAbsolute, "/", "a:8"},
           {"OPTIONS http://a/ HTTP/1.1", TargetForm::kAbsolute, "/", "a"},
           {"GET /http://a/ HTTP/1.1", TargetForm::kOrigin, "/http://a/", "field"},
           {"GET http://a/http://b/ HTTP/1.1", TargetForm::kAbsolute, "/http://b/", "a"},
           {"GET http://a:/?b HTTP/1.1", TargetForm::kAbsolute, "/?b", "a:"},
           {"GET //a/b HTTP/1.1", TargetForm::kOrigin, "//a/b", "field"},
           {"GET http://[::1]:8 HTTP/1.1", TargetForm::kAbsolute, "/", "[::1]:8"},
           {"OPTIONS http://a HTTP/1.1", TargetForm::kAbsolute, "*", "a"},
           {"GET http://a?b=/c HTTP/1.1", TargetForm::kAbsolute, "?b=/c", "a"},
           {"GET HTTP://a:80? HTTP/1.1", TargetForm::kAbsolute, "?", "a:80"},
           {"OPTIONS http://a?b HTTP/1.1", TargetForm::kAbsolute, "?b", "a"},
           {"OPTIONS * HTTP/1.1", TargetForm::kAsterisk, "*", "field"},
           {"CONNECT a:443 HTTP/1.1", TargetForm::kAuthority, "", "a:443"},
       }) {
    RequestHead head;
    const std::string text = std::string(c.line) + "\r\nHost: field\r\n\r\n";
    ASSERT_EQ(parse(text, head).parse, Parse::kDone) << c.line;
    EXPECT_EQ(head.form, c.form) << c.line;
    EXPECT_EQ(head.path, c.path) << c.line;
    EXPECT_EQ(head.host, c.host) << c.line;
  }
}

TEST(RequestParserTest, ReadsVersions) {
  RequestHead head;
  ASSERT_EQ(parse("GET / HTTP/1.0\r\n\r\n", head).parse, Parse::kDone);
  EXPECT_EQ(head.version, Version::k10);
  ASSERT_EQ(parse("GET / HTTP/1.9\r\nHost: a\r\n\r\n", head).parse, Parse::kDone);
  EXPECT_EQ(head.version, Version::k11);
}

TEST(RequestParserTest, WantsOneGoodHost) {
  const std::string line = "GET / HTTP/1.1\r\n";
  expect_refused({{line + "\r\n", Problem::kMissingHost, 400},
                  {"GET http://a/ HTTP/1.1\r\n\r\n", Problem::kMissingHost, 400},
                  {line + "Host: a\r\nHost: a\r\n\r\n", Problem::kDuplicateHost, 400},
                  {"GET / HTTP/1.0\r\nHost: a\r\nhost: b\r\n\r\n", Problem::kDuplicateHost, 400}});
  for (const char* host :
       {"a b",  "u@a",  "a/b",      "a,b", "a:80:80", "a:x",  "a:65536",    "a:-1", "::1",
        "[::1", "[]",   "[::1]x",   "[g]", "a%",      "a%2",  "a%zz",       "a\"b", "a?b",
        "a#b",  "a\\b", "\xc3\xa4", ":80", "<a>",     "a\tb", "[::1]:80:80"}) {
    expect_refused({{line + "Host: " + host + "\r\n\r\n", Problem::kBadHost, 400}});
  }
  for (const char* host : {"", "a", "a.b-c_d:80", "127.0.0.1:65535", "[::1]", "[::ffff:1.2.3.4]:80",
                           "a:", "a%20b", "xn--4ca.example", "A"}) {
    expect_accepted({line + "Host: " + host + "\r\n\r\n"});
  }
  expect_refused({{"GET http://a/ HTTP/1.1\r\nHost: b c\r\n\r\n", Problem::kBadHost, 400}});
}

TEST(RequestParserTest, RefusesDoubtfulFraming) {
  expect_refused({
      {get_with("Content-Length: 5\r\nContent-Length: 5\r\n"), Problem::kBadContentLength, 400},
      {get_with("Content-Length: 5\r\nContent-Length: 6\r\n"), Problem::kBadContentLength, 400},
      {get_with("Content-Length: 5, 5\r\n"), Problem::kBadContentLength, 400},
      {get_with("Content-Length: +5\r\n"), Problem::kBadContentLength, 400},
      {get_with("Content-Length: -5\r\n"), Problem::kBadContentLength, 400},
      {get_with("Content-Length: 0x5\r\n"), Problem::kBadContentLength, 400},
      {get_with("Content-Length: 5 5\r\n"), Problem::kBadContentLength, 400},
      {get_with("Content-Length: 5.0\r\n"), Problem::kBadContentLength, 400},
      {get_with("Content-Length:\r\n"), Problem::kBadContentLength, 400},
      {get_with("Content-Length: 18446744073709551616\r\n"), Problem::kBadContentLength, 400},
      {get_with("Content-Length: 9223372036854775808\r\n"), Problem::kBadContentLength, 400},
      {get_with("Content-Length: 4294967296000000000000000000000005\r\n"),
       Problem::kBadContentLength, 400},
      {get_with("Content-Length: 5\r\nX: y\r\ncontent-length: 5\r\n"), Problem::kBadContentLength,
       400},
      {get_with("Content-Length: 5;a\r\n"), Problem::kBadContentLength, 400},
      {get_with("Content-Length: \"5\"\r\n"), Problem::kBadContentLength, 400},
      {get_with("Content-Length: 5,\r\n"), Problem::kBadContentLength, 400},
      {get_with("Content-Length: 1e1\r\n"), Problem::kBadContentLength, 400},
      {get_with("Content-Length: 5\r\nTransfer-Encoding: identity\r\n"),
       Problem::kConflictingLength, 400},
      {get_with("Content-Length: 0\r\nTransfer-Encoding: chunked\r\n"), Problem::kConflictingLength,
       400},
      {get_with("Content-Length: 5\r\nTransfer-Encoding:\r\n"), Problem::kConflictingLength, 400},
      {get_with("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), Problem::kConflictingLength,
       400},
      {get_with("Transfer-Encoding: chunked\r\nContent-Length: x\r\n"), Problem::kConflictingLength,
       400},
      {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", Problem::kBadTransferEncoding, 400},
      {get_with("Transfer-Encoding: gzip, chunked\r\n"), Problem::kUnsupportedTransferEncoding,
       501},
      {get_with("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n"),
       Problem::kUnsupportedTransferEncoding, 501},
  });
  for (const char* coding : {"", "gzip", "identity", "xchunked", "chunkedx", "\"chunked\"",
                             "chunked;a=b", "chunked,", ",chunked", "chunked, chunked",
                             "chunked, gzip", "chunked gzip", "gzip,, chunked", "chun ked"}) {
    expect_refused({{get_with("Transfer-Encoding: " + std::string(coding) + "\r\n"),
                     Problem::kBadTransferEncoding, 400}});
  }
  expect_refused({{get_with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
                   Problem::kBadTransferEncoding, 400},
                  {get_with("Transfer-Encoding: chunked\r\nTransfer-Encoding:\r\n"),
                   Problem::kBadTransferEncoding, 400},
                  {get_with("Transfer-Encoding: \x0b"
                            "chunked\r\n"),
                   Problem::kBadFieldValue, 400}});
}

TEST(RequestParserTest, ReadsFraming) {
  RequestHead head;
  ASSERT_EQ(parse(get_with("Content-Length: 0\r\n"), head).parse, Parse::kDone);
  EXPECT_EQ(head.framing, Framing::kLength);
  ASSERT_EQ(parse(get_with("Content-Length: 9223372036854775807\r\n"), head).parse, Parse::kDone);
  EXPECT_EQ(head.content_length, uint64_t{INT64_MAX});
  ASSERT_EQ(parse(get_with("Content-Length: \t007\t\r\n"), head).parse, Parse::kDone);
  EXPECT_EQ(head.content_length, 7U);
  for (const char* coding : {"chunked", "CHUNKED", "\t chunked \t"}) {
    ASSERT_EQ(parse(get_with("Transfer-Encoding: " + std::string(coding) + "\r\n"), head).parse,
              Parse::kDone);
    EXPECT_EQ(head.framing, Framing::kChunked);
    EXPECT_EQ(head.content_length, 0U);
  }
}

TEST(RequestParserTest, ReadsConnectionOptions) {
  struct Case {
    std::string_view version;
    std::string_view fields;
    bool keep_alive;
    bool upgrade;
    bool expect_continue;
  };
  for (const Case& c : std::vector<Case>{
           {"1.1", "", true, false, false},
           {"1.1", "Connection: close\r\n", false, false, false},
           {"1.1", "Connection: CLOSE\r\n", false, false, false},
           {"1.1", "Connection: keep-alive, a, close\r\n", false, false, false},
           {"1.1", "Connection: close\r\nConnection: keep-alive\r\n", false, false, false},
           {"1.1", "Connection: closer\r\n", true, false, false},
           {"1.0", "", false, false, false},
           {"1.0", "Connection: a,\tKeep-Alive\r\n", true, false, false},
           {"1.0", "Connection: keep-alive\r\nConnection: close\r\n", false, false, false},
           {"1.0", "Connection: upgrade\r\nUpgrade: x\r\n", false, false, false},
           {"1.1", "Connection: Upgrade\r\nUpgrade: websocket\r\n", true, true, false},
           {"1.1", "Upgrade: websocket\r\n", true, false, false},
           {"1.1", "Connection: upgrade\r\n", true, false, false},
           {"1.1", "Expect: 100-Continue\r\n", true, false, true},
           {"1.1", "Expect:\r\n", true, false, false},
           {"1.1", "Expect:\r\nExpect: 100-continue\r\n", true, false, true},
           {"1.0", "Expect: 100-continue\r\n", false, false, false},
       }) {
    RequestHead head;
    const std::string text =
        "GET / HTTP/" + std::string(c.version) + "\r\nHost: a\r\n" + std::string(c.fields) + "\r\n";
    ASSERT_EQ(parse(text, head).parse, Parse::kDone) << text;
    EXPECT_EQ(head.keep_alive, c.keep_alive) << text;
    EXPECT_EQ(head.upgrade, c.upgrade) << text;
    EXPECT_EQ(head.expect_continue, c.expect_continue) << text;
  }
}

TEST(RequestParserTest, RefusesExpectationsItCannotMeet) {
  for (const char* fields :
       {"Expect: x\r\n", "Expect: 100-continue, x\r\n", "Expect: 100-continue;a\r\n",
        "Expect: 100-continue, 100-continue\r\n", "Expect: 100\r\n", "Expect: 200-ok\r\n",
        "Expect: 100-continue\r\nExpect: 100-continue\r\n", "Expect: \r\nExpect: x\r\n"}) {
    expect_refused({{get_with(fields), Problem::kUnsupportedExpectation, 417}});
  }
  expect_refused({{"GET / HTTP/1.0\r\nExpect: x\r\n\r\n", Problem::kUnsupportedExpectation, 417}});
}

TEST(RequestParserTest, TellsLookalikesOfKnownFields) {
  RequestHead head;
  const std::string text = get_with(
      "Content_Length: 5\r\nTransfer_Encoding: chunked\r\nx_forwarded-for: b\r\n"
      "X_Other: c\r\n");
  ASSERT_EQ(parse(text, head).parse, Parse::kDone);
  EXPECT_EQ(head.framing, Framing::kNone);
  const auto fields = head.fields.all();
  ASSERT_EQ(fields.size(), 5U);
  for (int i = 1; i <= 3; ++i) {
    EXPECT_EQ(fields[static_cast<size_t>(i)].id, Name::kLookalike) << i;
  }
  EXPECT_EQ(fields[4].id, Name::kOther);
}

TEST(RequestParserTest, HoldsToLimits) {
  const HeadLimits limits{.head_bytes_max = 100, .target_bytes_max = 10, .fields_max = 2};
  const std::string line = "GET / HTTP/1.1\r\nHost: a\r\n";  // 25 bytes
  const std::string fits = line + "A: " + std::string(100 - 25 - 3 - 4, 'x') + "\r\n\r\n";
  RequestHead head;
  EXPECT_EQ(parse(fits, head, limits).parse, Parse::kDone);
  EXPECT_EQ(parse("\r\n" + fits, head, limits).parse, Parse::kDone);
  EXPECT_EQ(parse("GET /123456789 HTTP/1.1\r\nHost: a\r\n\r\n", head, limits).parse, Parse::kDone);
  expect_refused({{line + "A: " + std::string(100 - 25 - 3 - 3, 'x') + "\r\n\r\n",
                   Problem::kHeadTooLarge, 431},
                  {line + std::string(75, 'x'), Problem::kHeadTooLarge, 431},
                  {line + "A: b\r\nC: d\r\n\r\n", Problem::kTooManyFields, 431},
                  {"GET /1234567890 HTTP/1.1\r\nHost: a\r\n\r\n", Problem::kTargetTooLong, 414},
                  {"GET /" + std::string(60, 'x'), Problem::kTargetTooLong, 414}},
                 limits);
  EXPECT_EQ(parse(line + std::string(74, 'x'), head, limits).parse, Parse::kNeedMore);
}

TEST(RequestParserTest, RefusesALongTargetBeforeTheHeadIsComplete) {
  RequestHead head;
  const HeadResult result = parse("GET /" + std::string(8300, 'x'), head);
  EXPECT_EQ(result.parse, Parse::kError);
  EXPECT_EQ(result.problem, Problem::kTargetTooLong);
}

TEST(RequestParserTest, RefusesGarbageBeforeTheHeadIsComplete) {
  RequestHead head;
  for (const char* text : {"SSH-2.0-OpenSSH_9.2\r\n", "GET /\r\n", "GET / HTTP/1.1x", "\x80"}) {
    EXPECT_EQ(parse(text, head).parse, Parse::kError) << text;
  }
}

TEST(RequestParserTest, KeepsToFieldsMaxWhateverTheLimitSays) {
  const HeadLimits limits{.fields_max = 100000};
  std::string text = "GET / HTTP/1.1\r\nHost: a\r\n";
  for (size_t i = 1; i < kFieldsMax; ++i) text += "A: b\r\n";
  RequestHead head;
  EXPECT_EQ(parse(text + "\r\n", head, limits).parse, Parse::kDone);
  expect_refused({{text + "A: b\r\n\r\n", Problem::kTooManyFields, 431}}, limits);
}

// Ticks of the processor for a head of that size that arrives byte by byte; the best of three.
std::clock_t cost_byte_by_byte(size_t head_bytes) {
  const std::string half(head_bytes / 2, 'x');
  const std::string text = "GET /" + half + " HTTP/1.1\r\nHost: a\r\nA: " + half + "\r\n\r\n";
  std::clock_t best = 0;
  for (int round = 0; round < 3; ++round) {
    RequestParser parser({.head_bytes_max = 1U << 28, .target_bytes_max = 1U << 28});
    RequestHead head;
    const std::clock_t begin = std::clock();
    size_t shown = 0;
    while (parser.parse(std::string_view(text).substr(0, shown), head).parse == Parse::kNeedMore) {
      ++shown;
    }
    const std::clock_t cost = std::clock() - begin;
    EXPECT_EQ(shown, text.size());
    if (round == 0 || cost < best) best = cost;
  }
  return best;
}

TEST(RequestParserTest, DoesLinearWorkByteByByte) {
  const auto small = static_cast<double>(cost_byte_by_byte(32 << 10));
  const auto large = static_cast<double>(cost_byte_by_byte(512 << 10));
  EXPECT_LT(large, 16 * 4 * (small + CLOCKS_PER_SEC / 10000.0)) << "quadratic would be 256 times";
}

}  // namespace
}  // namespace giliran::wire::http1
