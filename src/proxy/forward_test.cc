#include "proxy/forward.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "wire/http1/parser.h"

namespace giliran::proxy {
namespace {

using testing::ElementsAre;

std::vector<std::string> texts(const FieldList& fields) {
  std::vector<std::string> out;
  for (const conn::Field& f : fields.all()) {
    out.push_back(std::string(f.name) + ": " + std::string(f.value));
  }
  return out;
}

std::vector<std::string> request(const std::string& fields, bool keep_tracestate = false,
                                 const char* version = "1.1") {
  const std::string text = std::string("GET /x HTTP/") + version + "\r\n" + fields + "\r\n";
  conn::RequestHead head;
  wire::http1::RequestParser parser;
  EXPECT_EQ(parser.parse(text, head).parse, wire::http1::Parse::kDone);
  FieldList out;
  forward_request(head,
                  {.client_host = "10.0.0.9",
                   .server_host = "server:1",
                   .traceparent = "00-trace",
                   .keep_tracestate = keep_tracestate},
                  out);
  return texts(out);
}

std::vector<std::string> response(const std::string& text) {
  conn::ResponseHead head;
  wire::http1::ResponseParser parser;
  EXPECT_EQ(parser.parse(text, "GET", head).parse, wire::http1::Parse::kDone);
  FieldList out;
  forward_response(head, out);
  return texts(out);
}

TEST(ForwardRequest, AddsWhatWeSayAndKeepsTheRestInOrder) {
  EXPECT_THAT(request("Host: a.example\r\nB: 2\r\nA: 1\r\n"),
              ElementsAre("Host: a.example", "B: 2", "A: 1", "X-Forwarded-For: 10.0.0.9",
                          "X-Forwarded-Proto: http", "X-Forwarded-Host: a.example",
                          "traceparent: 00-trace", "Via: 1.1 giliran"));
}

TEST(ForwardRequest, DropsWhatBelongsToOneHop) {
  EXPECT_THAT(
      request("Host: h\r\nConnection: keep-alive\r\nKeep-Alive: timeout=5\r\nTE: trailers\r\n"
              "Proxy-Connection: x\r\nUpgrade: h2c\r\nHTTP2-Settings: a\r\n"
              "Transfer-Encoding: chunked\r\nAccept: */*\r\n"),
      ElementsAre("Host: h", "Accept: */*", "X-Forwarded-For: 10.0.0.9", "X-Forwarded-Proto: http",
                  "X-Forwarded-Host: h", "traceparent: 00-trace", "Via: 1.1 giliran"));
  EXPECT_THAT(request("Host: h\r\nContent-Length: 0\r\n"),
              ElementsAre("Host: h", "X-Forwarded-For: 10.0.0.9", "X-Forwarded-Proto: http",
                          "X-Forwarded-Host: h", "traceparent: 00-trace", "Via: 1.1 giliran"));
}

TEST(ForwardRequest, DropsWhatAnyConnectionFieldLists) {
  EXPECT_THAT(
      request("Host: h\r\nConnection: X-One\r\nX-One: 1\r\nx-two: 2\r\nconnection: close, X-Two\r\n"
              "X-Three: 3\r\n"),
      ElementsAre("Host: h", "X-Three: 3", "X-Forwarded-For: 10.0.0.9", "X-Forwarded-Proto: http",
                  "X-Forwarded-Host: h", "traceparent: 00-trace", "Via: 1.1 giliran"));
}

TEST(ForwardRequest, DoesNotBelieveWhatTheClientSaysOfItself) {
  EXPECT_THAT(request("Host: h\r\nX-Forwarded-For: 1.2.3.4\r\nX-FORWARDED-PROTO: https\r\n"
                      "X-Forwarded-Host: evil\r\nForwarded: for=1.2.3.4\r\n"
                      "traceparent: theirs\r\n"),
              ElementsAre("Host: h", "X-Forwarded-For: 10.0.0.9", "X-Forwarded-Proto: http",
                          "X-Forwarded-Host: h", "traceparent: 00-trace", "Via: 1.1 giliran"));
}

TEST(ForwardRequest, TracestateBelongsToAValidTraceparent) {
  EXPECT_THAT(request("Host: h\r\nTraceState: a=b\r\n", true),
              ElementsAre("Host: h", "TraceState: a=b", "X-Forwarded-For: 10.0.0.9",
                          "X-Forwarded-Proto: http", "X-Forwarded-Host: h", "traceparent: 00-trace",
                          "Via: 1.1 giliran"));
  EXPECT_THAT(request("Host: h\r\nTraceState: a=b\r\n", false),
              ElementsAre("Host: h", "X-Forwarded-For: 10.0.0.9", "X-Forwarded-Proto: http",
                          "X-Forwarded-Host: h", "traceparent: 00-trace", "Via: 1.1 giliran"));
}

TEST(ForwardRequest, AddsToTheViaOfOthersAndNamesTheVersionReceived) {
  EXPECT_THAT(request("Via: 1.1 other\r\n", false, "1.0"),
              ElementsAre("Host: server:1", "Via: 1.1 other", "X-Forwarded-For: 10.0.0.9",
                          "X-Forwarded-Proto: http", "traceparent: 00-trace", "Via: 1.0 giliran"));
}

TEST(ForwardRequest, HostOfAnAbsoluteTargetWins) {
  const std::string text = "GET http://real.example/x HTTP/1.1\r\nHost: other\r\n\r\n";
  conn::RequestHead head;
  wire::http1::RequestParser parser;
  ASSERT_EQ(parser.parse(text, head).parse, wire::http1::Parse::kDone);
  FieldList out;
  forward_request(head, {}, out);
  EXPECT_EQ(texts(out)[0], "Host: real.example");
}

TEST(ForwardRequest, HasRoomForAllFieldsThereCanBe) {
  std::string fields = "Host: h\r\n";
  for (size_t i = 0; i < 99; ++i) fields += "F" + std::to_string(i) + ": v\r\n";
  EXPECT_EQ(request(fields).size(), 100U + 5U);
}

TEST(ForwardResponse, DropsWhatBelongsToOneHop) {
  EXPECT_THAT(response("HTTP/1.1 200 OK\r\nServer: s\r\nConnection: close, X-Mine\r\nX-Mine: 1\r\n"
                       "Keep-Alive: timeout=5\r\nContent-Length: 3\r\nSet-Cookie: a\r\n"
                       "Set-Cookie: b\r\n\r\n"),
              ElementsAre("Server: s", "Set-Cookie: a", "Set-Cookie: b", "Via: 1.1 giliran"));
  EXPECT_THAT(response("HTTP/1.0 200 OK\r\nX-Forwarded-For: stays\r\n\r\n"),
              ElementsAre("X-Forwarded-For: stays", "Via: 1.0 giliran"));
}

conn::Fields trailers_named(const std::vector<const char*>& names) {
  conn::Fields trailers;
  for (const char* name : names) {
    trailers.items[trailers.count++] = {
        .name = name, .value = "1", .id = wire::http1::name_of(name)};
  }
  return trailers;
}

// Behind the body of a request whose head has those fields.
std::vector<std::string> request_trailers(const std::string& fields,
                                          const std::vector<const char*>& names) {
  const std::string text = "PUT /x HTTP/1.1\r\n" + fields + "\r\n";
  conn::RequestHead head;
  wire::http1::RequestParser parser;
  EXPECT_EQ(parser.parse(text, head).parse, wire::http1::Parse::kDone);
  FieldList out;
  out.add("left", "over");
  forward_request_trailers(head.fields, trailers_named(names), out);
  return texts(out);
}

std::vector<std::string> response_trailers(const std::vector<const char*>& names) {
  FieldList out;
  out.add("left", "over");
  forward_response_trailers(trailers_named(names), out);
  return texts(out);
}

TEST(ForwardTrailers, PassesThoseOfTheMessage) {
  EXPECT_THAT(request_trailers("Host: h\r\n", {"X-Sum", "Keep-Alive"}), ElementsAre("X-Sum: 1"));
  EXPECT_THAT(response_trailers({"X-Sum", "Keep-Alive", "Server-Timing"}),
              ElementsAre("X-Sum: 1", "Server-Timing: 1"));
}

TEST(ForwardTrailers, DropsWhatWeAddToAHead) {
  EXPECT_THAT(request_trailers("Host: h\r\n",
                               {"Host", "traceparent", "Via", "Forwarded", "X-Forwarded-For",
                                "X-Forwarded-Proto", "X-Forwarded-Host", "X-FORWARDED-PORT"}),
              ElementsAre());
  EXPECT_THAT(response_trailers({"Via"}), ElementsAre());
}

// A server that merges them into the head is told no more than by the head.
TEST(ForwardTrailers, DropsWhatTheHeadWouldNotSay) {
  const std::string fields = "Host: h\r\nConnection: X-Hop\r\n";
  for (const char* name :
       {"X-Forwarded-Port", "x-forwarded-prefix", "X-Forwarded-Server", "X-Real-IP", "Proxy",
        "TraceState", "X-Hop", "Keep-Alive", "X_Forwarded_For"}) {
    const std::string field = std::string(name) + ": 1";
    EXPECT_THAT(request(fields + field + "\r\n"), testing::Not(testing::Contains(field)));
    EXPECT_THAT(request_trailers(fields, {name}), ElementsAre()) << name;
  }
  EXPECT_THAT(request_trailers(fields, {"X-Hops", "Prox", "X-Forwarded"}),
              ElementsAre("X-Hops: 1", "Prox: 1", "X-Forwarded: 1"));
}

TEST(Idempotent, AsRfc9110Says) {
  for (const char* method : {"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"}) {
    EXPECT_TRUE(idempotent(method)) << method;
  }
  for (const char* method : {"POST", "PATCH", "CONNECT", "get", "", "GETS"}) {
    EXPECT_FALSE(idempotent(method)) << method;
  }
}

}  // namespace
}  // namespace giliran::proxy
