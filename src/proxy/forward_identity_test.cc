// Who asked, as it is passed on: X-Forwarded-* and Forwarded, and what else forward_request()
// makes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "proxy/forward.h"
#include "wire/http1/parser.h"

namespace giliran::proxy {
namespace {

using config::Forwarding;
using testing::ElementsAre;
using testing::IsEmpty;

// The fields passed on, without those that are always there.
std::vector<std::string> forward(const std::string& fields, const ForwardedBy& by,
                                 const std::string& host = "h") {
  const std::string text = "GET /x HTTP/1.1\r\nHost: " + host + "\r\n" + fields + "\r\n";
  conn::RequestHead head;
  wire::http1::RequestParser parser;
  EXPECT_EQ(parser.parse(text, head).parse, wire::http1::Parse::kDone) << text;
  FieldList list;
  list.text_bytes = 2000;  // of the call before
  list.count = 7;
  forward_request(head, by, list);
  std::vector<std::string> out;
  for (const conn::Field& f : list.all()) {
    if (f.name == "Host" || f.name == "traceparent" || f.name == "Via") continue;
    out.push_back(std::string(f.name) + ": " + std::string(f.value));
  }
  return out;
}

const std::string kTheirs =
    "X-Forwarded-For: 1.1.1.1, 2.2.2.2\r\nx-forwarded-for: 3.3.3.3\r\nX-Forwarded-Proto: https\r\n"
    "X-Forwarded-Host: their.example\r\nX-Forwarded-Port: 443\r\nx-forwarded-prefix: /p\r\n"
    "Forwarded: for=1.1.1.1\r\n";

ForwardedBy by(Forwarding forwarding, bool trusted, bool forwarded = true) {
  return {.client_host = "10.0.0.9",
          .forwarding = forwarding,
          .trusted = trusted,
          .forwarded = forwarded,
          .port = 8080};
}

const std::vector<std::string> kOursOnly{"X-Forwarded-For: 10.0.0.9", "X-Forwarded-Proto: http",
                                         "X-Forwarded-Host: h", "X-Forwarded-Port: 8080",
                                         "Forwarded: for=10.0.0.9;host=h;proto=http"};
const std::vector<std::string> kAppended{"X-Forwarded-Proto: https",
                                         "X-Forwarded-Host: their.example",
                                         "X-Forwarded-Port: 443",
                                         "x-forwarded-prefix: /p",
                                         "Forwarded: for=1.1.1.1",
                                         "X-Forwarded-For: 1.1.1.1, 2.2.2.2, 3.3.3.3, 10.0.0.9",
                                         "Forwarded: for=10.0.0.9;host=h;proto=http"};

TEST(ForwardIdentity, ReplacedForThoseNotTrusted) {
  EXPECT_EQ(forward(kTheirs, by(Forwarding::kReplace, false)), kOursOnly);
  EXPECT_EQ(forward("", by(Forwarding::kReplace, false)), kOursOnly);
}

TEST(ForwardIdentity, AppendedToForThoseTrusted) {
  EXPECT_EQ(forward(kTheirs, by(Forwarding::kReplace, true)), kAppended);
  EXPECT_EQ(forward("", by(Forwarding::kReplace, true)), kOursOnly);
}

TEST(ForwardIdentity, AppendedToForEverybody) {
  EXPECT_EQ(forward(kTheirs, by(Forwarding::kAppend, false)), kAppended);
  EXPECT_EQ(forward(kTheirs, by(Forwarding::kAppend, true)), kAppended);
}

TEST(ForwardIdentity, OffAddsNothingAndBelievesTheTrusted) {
  EXPECT_THAT(forward(kTheirs, by(Forwarding::kOff, false)), IsEmpty());
  EXPECT_THAT(
      forward(kTheirs, by(Forwarding::kOff, true)),
      ElementsAre("X-Forwarded-For: 1.1.1.1, 2.2.2.2", "x-forwarded-for: 3.3.3.3",
                  "X-Forwarded-Proto: https", "X-Forwarded-Host: their.example",
                  "X-Forwarded-Port: 443", "x-forwarded-prefix: /p", "Forwarded: for=1.1.1.1"));
}

TEST(ForwardIdentity, WhatForwardedSaidIsSaidToThoseWhoReadTheOthers) {
  ForwardedBy behind = by(Forwarding::kReplace, true, false);
  behind.asker_host = "2001:db8::1";
  behind.asked_proto = "https";
  behind.asked_host = "a.example";
  const std::string theirs = "Forwarded: for=\"[2001:db8::1]\";proto=https;host=a.example\r\n";
  EXPECT_THAT(forward(theirs, behind),
              ElementsAre(theirs.substr(0, theirs.size() - 2),
                          "X-Forwarded-For: 2001:db8::1, 10.0.0.9", "X-Forwarded-Proto: https",
                          "X-Forwarded-Host: a.example", "X-Forwarded-Port: 8080"));
  EXPECT_EQ(forward(theirs + "X-Forwarded-Proto: http\r\n", behind)[1], "X-Forwarded-Proto: http");
}

TEST(ForwardIdentity, WhatXForwardedForSaidIsSaidToThoseWhoReadForwarded) {
  ForwardedBy behind = by(Forwarding::kReplace, true);
  behind.asker_host = "2001:db8::1";
  const std::string theirs = "X-Forwarded-For: 2001:db8::1\r\n";
  EXPECT_EQ(forward(theirs + "X-Forwarded-Proto: https\r\n", behind).back(),
            "Forwarded: for=\"[2001:db8::1]\";proto=https, for=10.0.0.9;host=h;proto=http");
  EXPECT_EQ(forward(theirs + "X-Forwarded-Proto: HTTPS\r\n", behind).back(),
            "Forwarded: for=\"[2001:db8::1]\";proto=https, for=10.0.0.9;host=h;proto=http");
  const auto odd = forward(theirs + "X-Forwarded-Proto: a;b\r\n", behind);
  EXPECT_EQ(odd.back(), "Forwarded: for=\"[2001:db8::1]\", for=10.0.0.9;host=h;proto=http");
  EXPECT_EQ(odd[1], "X-Forwarded-For: 2001:db8::1, 10.0.0.9");
  EXPECT_EQ(forward(theirs + "Forwarded: for=1.1.1.1\r\n", behind).back(),
            "Forwarded: for=10.0.0.9;host=h;proto=http");
}

TEST(ForwardIdentity, XRealIpIsBelievedAsTheOthersAndNeverMade) {
  const std::string theirs = "x-real-ip: 6.6.6.6\r\n";
  EXPECT_EQ(forward(theirs, by(Forwarding::kReplace, false)), kOursOnly);
  EXPECT_THAT(forward(theirs, by(Forwarding::kOff, false)), IsEmpty());
  EXPECT_EQ(forward(theirs, by(Forwarding::kReplace, true))[0], "x-real-ip: 6.6.6.6");
  EXPECT_EQ(forward(theirs, by(Forwarding::kAppend, false))[0], "x-real-ip: 6.6.6.6");
  EXPECT_EQ(forward(theirs, by(Forwarding::kOff, true))[0], "x-real-ip: 6.6.6.6");
}

TEST(ForwardIdentity, ForwardedOnlyWhereAskedFor) {
  auto ours = kOursOnly;
  ours.pop_back();
  EXPECT_EQ(forward(kTheirs, by(Forwarding::kReplace, false, false)), ours);
}

TEST(ForwardIdentity, ForwardedQuotesWhatIsNoToken) {
  ForwardedBy v6 = by(Forwarding::kReplace, false);
  v6.client_host = "fe80::1%2";
  EXPECT_THAT(forward("", v6, "a.example:8080"),
              ElementsAre("X-Forwarded-For: fe80::1", "X-Forwarded-Proto: http",
                          "X-Forwarded-Host: a.example:8080", "X-Forwarded-Port: 8080",
                          "Forwarded: for=\"[fe80::1]\";host=\"a.example:8080\";proto=http"));
  v6.client_host = "";
  EXPECT_EQ(forward("", v6, "[::1]").back(), "Forwarded: for=unknown;host=\"[::1]\";proto=http");
  EXPECT_EQ(forward("", v6, "[::1]").front(), "X-Forwarded-For: unknown");
}

TEST(ForwardIdentity, NamesInConnectionDoNotTakeOursAway) {
  EXPECT_EQ(forward("Connection: X-Forwarded-For, Forwarded, X-Forwarded-Host, Host\r\n",
                    by(Forwarding::kReplace, false)),
            kOursOnly);
}

TEST(ForwardIdentity, AListTooLongForOneFieldGoesOnInSeveral) {
  std::string theirs = "X-Forwarded-For: 1.1.1.1";
  for (int i = 0; i < 200; ++i) theirs += ", 10.20.30.40";
  theirs += "\r\nX-Forwarded-For: 2.2.2.2\r\n";
  const auto out = forward(theirs, by(Forwarding::kAppend, false));
  ASSERT_EQ(out.size(), 7U);
  EXPECT_EQ(out[0] + "\r\n" + out[1] + "\r\n", theirs);
  EXPECT_EQ(out[2], "X-Forwarded-For: 10.0.0.9");
  EXPECT_EQ(out[6], kOursOnly.back());
}

// However much a client sends, what is added stays within its bound, so that the head fits a block.
TEST(ForwardIdentity, WhatIsAddedIsBounded) {
  for (const size_t host_bytes : {2UL, 253UL, 262UL, 263UL, 10'000UL}) {
    for (const std::string& theirs :
         {std::string(), kTheirs, "X-Forwarded-For: " + std::string(1120, '1') + "\r\n"}) {
      ForwardedBy most = by(Forwarding::kAppend, true);
      most.client_host = "1111:2222:3333:4444:5555:6666:123.123.123.123";
      most.asker_host = most.client_host;
      most.traceparent = "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01";
      most.port = 65535;
      const std::string host = std::string(host_bytes - 1, 'a') + ":";  // must be quoted
      size_t bytes = 3 * 64;                                            // Host, traceparent, Via
      for (const auto& field : forward(theirs, most, host)) bytes += field.size() + 2;
      EXPECT_LE(bytes, theirs.size() + kForwardBytesMax) << host_bytes;
    }
  }
}

TEST(ForwardRequestFields, ExpectationsPassAndTeDoesNot) {
  const ForwardedBy off{.forwarding = Forwarding::kOff};
  EXPECT_THAT(forward("Expect: 100-continue\r\nTE: trailers\r\nConnection: TE\r\n", off),
              ElementsAre("Expect: 100-continue"));
}

}  // namespace
}  // namespace giliran::proxy
