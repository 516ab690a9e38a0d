#include "proxy/upgrade.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "proxy/forward.h"
#include "wire/http1/parser.h"

namespace giliran::proxy {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

struct Asked {
  explicit Asked(const std::string& fields)
      : text("GET / HTTP/1.1\r\nHost: h\r\n" + fields + "\r\n") {
    wire::http1::RequestParser parser;
    EXPECT_EQ(parser.parse(text, head).parse, wire::http1::Parse::kDone) << text;
  }
  std::string text;
  conn::RequestHead head;
};

struct Answered {
  Answered(const std::string& status, const std::string& fields)
      : text("HTTP/1.1 " + status + " x\r\n" + fields + "\r\n") {
    wire::http1::ResponseParser parser;
    EXPECT_EQ(parser.parse(text, "GET", head).parse, wire::http1::Parse::kDone) << text;
  }
  std::string text;
  conn::ResponseHead head;
};

std::string offer(const std::string& protocols) {
  return "Connection: upgrade\r\nUpgrade: " + protocols + "\r\n";
}

// What passes of the offer to a server.
std::vector<std::string> passed(const std::string& fields, bool upgrade = true) {
  const Asked asked(fields);
  FieldList list;
  forward_request(asked.head, {.forwarding = config::Forwarding::kOff, .upgrade = upgrade}, list);
  std::vector<std::string> out;
  for (const conn::Field& f : list.all()) {
    if (f.name == "Upgrade") out.emplace_back(f.value);
    EXPECT_NE(f.name, "HTTP2-Settings");
  }
  EXPECT_EQ(upgrade && asks_for_upgrade(asked.head), !out.empty()) << fields;
  return out;
}

TEST(Upgrade, OnlyWhereTheListenerPassesIt) {
  EXPECT_THAT(passed(offer("websocket")), ElementsAre("websocket"));
  EXPECT_THAT(passed(offer("websocket"), false), IsEmpty());
  EXPECT_THAT(passed("Upgrade: websocket\r\n"), IsEmpty());  // not in Connection
}

TEST(Upgrade, OfARequestWithABodyToo) {
  for (const char* body :
       {"Content-Length: 1\r\n", "Content-Length: 0\r\n", "Transfer-Encoding: chunked\r\n"}) {
    EXPECT_THAT(passed(offer("tcp") + body), ElementsAre("tcp")) << body;
  }
}

TEST(Upgrade, NeverToHttpHoweverItIsSpelt) {
  for (const char* http :
       {"h2c",     "H2C",       "h2",       "h2c-14",      "h2-16",   "h2c/1", "\"h2c\"",
        "h2c;q=1", "h2c ; q=1", "HTTP/2.0", "http/1.1",    "HTTP",    "HTTP2", "h3",
        "h3-29",   "https",     "TLS/1.0",  "tls",         "h2c foo", "x;h2c", "/2",
        "foo/",    "foo/1/2",   "h2c\tx",   "foo\xc2\xa0", "(h2c)"}) {
    EXPECT_THAT(passed(offer(http)), IsEmpty()) << http;
    EXPECT_THAT(passed(offer(std::string(http) + ", websocket, " + http)), ElementsAre("websocket"))
        << http;
  }
  EXPECT_THAT(passed(offer("H2C, websocket") + "Upgrade: h2c, foo/2\r\nHTTP2-Settings: AA\r\n"),
              ElementsAre("websocket, foo/2"));
  for (const char* other : {"SPDY/3.1", "websocket", "tcp", "IRC/6.9", "connect-ip", "x-h2c"}) {
    EXPECT_THAT(passed(offer(other)), ElementsAre(other));
  }
  EXPECT_THAT(passed(offer(std::string(300, 'x'))), IsEmpty());
}

std::string agreed(const std::string& asked_fields, const std::string& answered_fields) {
  const Asked asked(asked_fields);
  const Answered answered("101", answered_fields);
  return std::string(agreed_protocol(asked.head, answered.head));
}

TEST(Upgrade, ASwitchNamesAProtocolThatWasOffered) {
  const std::string two = offer("foo/2, WebSocket") + "Upgrade: tcp\r\n";
  EXPECT_EQ(agreed(two, offer("websocket")), "WebSocket");
  EXPECT_EQ(agreed(two, "Upgrade: tcp\r\n"), "tcp");
  EXPECT_EQ(agreed(two, offer("FOO/2, tcp")), "foo/2");  // layers, the lowest first
  EXPECT_EQ(agreed(two, offer("tcp, bar")), "");
  EXPECT_EQ(agreed(two, offer("foo")), "");
  EXPECT_EQ(agreed(two, offer("foo/1")), "");
  EXPECT_EQ(agreed(two, offer("")), "");
  EXPECT_EQ(agreed(two, ""), "");
  // What did not pass was not offered.
  EXPECT_EQ(agreed(offer("h2c, websocket"), offer("h2c")), "");
  EXPECT_EQ(agreed(offer("h2c, websocket"), offer("\"websocket\"")), "");
}

// What a response that does not switch offers for another time.
std::vector<std::string> offers(const std::string& status, const std::string& fields) {
  const Answered answered(status, fields);
  FieldList list;
  forward_response(answered.head, list);
  const bool any = forward_offer(answered.head, list);
  std::vector<std::string> out;
  for (const conn::Field& f : list.all()) {
    if (f.name == "Upgrade") out.emplace_back(f.value);
  }
  EXPECT_EQ(any, !out.empty());
  return out;
}

TEST(Upgrade, OffersOfResponsesPass) {
  EXPECT_THAT(offers("426", offer("websocket, h2c, foo/1")), ElementsAre("websocket, foo/1"));
  EXPECT_THAT(offers("426", "Connection: close\r\nUpgrade: websocket\r\n"),
              ElementsAre("websocket"));
  EXPECT_THAT(offers("200", offer("websocket")), ElementsAre("websocket"));
  EXPECT_THAT(offers("200", offer("h2,h2c")), IsEmpty());           // as Apache says it
  EXPECT_THAT(offers("200", "Upgrade: websocket\r\n"), IsEmpty());  // of that hop, and not told
  EXPECT_THAT(offers("103", offer("websocket")), IsEmpty());
  EXPECT_THAT(offers("200", ""), IsEmpty());
}

TEST(Upgrade, ASwitchKeepsItsFieldAsItIs) {
  const Answered answered("101", offer("websocket"));
  FieldList list;
  forward_response(answered.head, list);
  ASSERT_EQ(list.count, 2U);
  EXPECT_EQ(list.items[0].value, "websocket");
}

}  // namespace
}  // namespace giliran::proxy
