#include "wire/http1/writer.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

#include "wire/http1/parser.h"

namespace giliran::wire::http1 {
namespace {

TEST(WriterTest, WritesARequestThatParses) {
  std::array<char, 512> memory;
  Writer writer(memory.data(), memory.size());
  writer.request_line("PUT", "/a?b");
  writer.field("Host", "example.com");
  writer.field("Content-Length", uint64_t{12345678901});
  writer.end_of_head();
  ASSERT_FALSE(writer.overflowed());
  const std::string_view text(memory.data(), writer.size());
  EXPECT_EQ(text, "PUT /a?b HTTP/1.1\r\nHost: example.com\r\nContent-Length: 12345678901\r\n\r\n");
  RequestHead head;
  EXPECT_EQ(RequestParser().parse(text, head).parse, Parse::kDone);
  EXPECT_EQ(head.content_length, 12345678901U);
}

TEST(WriterTest, AQueryAloneGetsItsPath) {
  char out[64];
  Writer writer(out, sizeof out);
  writer.request_line("GET", "?a");
  EXPECT_EQ(std::string_view(out, writer.size()), "GET /?a HTTP/1.1\r\n");
}

TEST(WriterTest, WritesAChunkedResponseThatParses) {
  std::array<char, 512> memory;
  Writer writer(memory.data(), memory.size());
  writer.status_line(503, reason_phrase(503));
  writer.field("Transfer-Encoding", "chunked");
  writer.end_of_head();
  const size_t head_bytes = writer.size();
  std::array<char, 18> size_line;
  writer.raw({size_line.data(), format_chunk_size(26, size_line.data())});
  writer.raw("abcdefghijklmnopqrstuvwxyz");
  writer.raw(kChunkEnd);
  writer.raw(kLastChunk);
  writer.field("X-Sum", uint64_t{7});
  writer.end_of_head();

  std::string_view text(memory.data(), writer.size());
  ResponseHead head;
  const HeadResult result = ResponseParser().parse(text, "GET", head);
  ASSERT_EQ(result.parse, Parse::kDone);
  ASSERT_EQ(result.consumed, head_bytes);
  EXPECT_EQ(head.status, 503);
  EXPECT_EQ(head.reason, "Service Unavailable");
  BodyParser body;
  Fields trailers;
  body.start(head.framing, head.content_length);
  text.remove_prefix(result.consumed);
  const BodyEvent data = body.next(text, &trailers);
  EXPECT_EQ(data.data, "abcdefghijklmnopqrstuvwxyz");
  text.remove_prefix(data.consumed);
  const BodyEvent end = body.next(text, &trailers);
  EXPECT_EQ(end.kind, BodyEvent::Kind::kEnd);
  EXPECT_EQ(end.consumed, text.size());
  ASSERT_EQ(trailers.count, 1U);
  EXPECT_EQ(trailers.items[0].value, "7");
}

TEST(WriterTest, RemembersThatSomethingDidNotFit) {
  std::array<char, 16> memory;
  Writer writer(memory.data(), memory.size());
  writer.raw("0123456789");
  writer.field("Name", "value");
  EXPECT_TRUE(writer.overflowed());
  EXPECT_EQ(writer.size(), 10U);
  writer.raw("a");  // would fit, but behind a gap
  EXPECT_EQ(writer.size(), 10U);

  Writer exact(memory.data(), memory.size());
  exact.raw("0123456789abcdef");
  EXPECT_FALSE(exact.overflowed());
  exact.raw("");
  EXPECT_FALSE(exact.overflowed());
  exact.number(7);
  EXPECT_TRUE(exact.overflowed());
}

TEST(WriterTest, FormatsChunkSizes) {
  std::array<char, 18> out;
  const auto format = [&](uint64_t bytes) {
    return std::string(out.data(), format_chunk_size(bytes, out.data()));
  };
  EXPECT_EQ(format(0), "0\r\n");
  EXPECT_EQ(format(255), "ff\r\n");
  EXPECT_EQ(format(UINT64_MAX), "ffffffffffffffff\r\n");
}

TEST(WriterTest, KnowsReasons) {
  EXPECT_EQ(reason_phrase(200), "OK");
  EXPECT_EQ(reason_phrase(431), "Request Header Fields Too Large");
  EXPECT_EQ(reason_phrase(299), "");
}

TEST(WriterTest, KnowsHopByHopFields) {
  const auto hop = [](std::string_view name) {
    return is_hop_by_hop({.name = name, .value = {}, .id = name_of(name)});
  };
  for (const char* name : {"connection", "KEEP-ALIVE", "Proxy-Connection", "TE",
                           "Transfer-Encoding", "Upgrade", "HTTP2-Settings"}) {
    EXPECT_TRUE(hop(name)) << name;
  }
  for (const char* name : {"Host", "Trailer", "Content-Length", "Proxy-Authorization",
                           "Proxy-Authenticate", "Via", "X-Forwarded-For", "Cookie"}) {
    EXPECT_FALSE(hop(name)) << name;
  }
  EXPECT_TRUE(connection_lists("close, X-Hop ,", "x-hop"));
  EXPECT_FALSE(connection_lists("close, X-Hop", "X-Ho"));
  EXPECT_FALSE(connection_lists("", "x"));
}

}  // namespace
}  // namespace giliran::wire::http1
