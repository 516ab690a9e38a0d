#include "proxy/forwarded_field.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace giliran::proxy {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// From the right to the left.
std::vector<std::string> elements(std::string_view list) {
  std::vector<std::string> out;
  std::string_view element;
  while (last_forwarded(list, element)) out.emplace_back(element);
  return out;
}

TEST(ForwardedField, IsReadFromItsEnd) {
  EXPECT_THAT(elements("for=a;proto=http , for=b,for=c"),
              ElementsAre("for=c", "for=b", "for=a;proto=http"));
  EXPECT_THAT(elements(R"(for="a,b", for="\",";host="x\\", for=c)"),
              ElementsAre("for=c", R"(for="\",";host="x\\")", R"(for="a,b")"));
  EXPECT_THAT(elements(" , ,, "), IsEmpty());
  EXPECT_THAT(elements(""), IsEmpty());
}

TEST(ForwardedField, WhatIsInFrontChangesNothingOfWhatIsBehind) {
  for (const char* evil :
       {"for=\"", "for=\"a, for=b", "\\", "for=\"\\", "\"\"\"", "for=a\"b", "\\\""}) {
    for (const char* ours : {"for=192.0.2.7", "for=\"[2001:db8::1]:80\";proto=https"}) {
      const std::string list = std::string(evil) + ", " + ours;
      ASSERT_FALSE(elements(list).empty());
      EXPECT_EQ(elements(list)[0], ours) << list;
    }
  }
}

std::string client(std::string_view element) {
  const base::Address address = parse_forwarded(element).client;
  return address.none() ? "none" : address.text();
}

TEST(ForwardedField, NodesThatAreAddresses) {
  EXPECT_EQ(client("for=192.0.2.43"), "192.0.2.43:0");
  EXPECT_EQ(client("For=\"192.0.2.43:4711\""), "192.0.2.43:4711");
  EXPECT_EQ(client("for=192.0.2.43:4711"), "192.0.2.43:4711");  // must be quoted, often is not
  EXPECT_EQ(client("for=\"[2001:db8:cafe::17]:4711\""), "[2001:db8:cafe::17]:4711");
  EXPECT_EQ(client("FOR=\"[2001:db8:cafe::17]\";by=10.0.0.1"), "[2001:db8:cafe::17]:0");
  EXPECT_EQ(client("for=[2001:db8::1]"), "[2001:db8::1]:0");
  EXPECT_EQ(client("for=2001:db8::1"), "[2001:db8::1]:0");
  EXPECT_EQ(client("by=10.0.0.1 ; proto=\"http\" ;for=\"192.0.2.43\";"), "192.0.2.43:0");
  EXPECT_EQ(client("for=\"192.0.2.43:_secret\""), "192.0.2.43:0");
  EXPECT_EQ(client("for=\"[::1]:_p80\""), "[::1]:0");
  EXPECT_EQ(client("for=\"\\1\\9\\2.0.2.43\""), "192.0.2.43:0");
}

TEST(ForwardedField, NodesThatAreNone) {
  for (const char* element : {"for=unknown",
                              "for=_hidden",
                              "for=\"_SEVKISEK\"",
                              "proto=https",
                              "by=1.2.3.4",
                              "",
                              ";",
                              "for",
                              "for=",
                              "for=\"\"",
                              "for=\"1.2.3.4",
                              "for=1.2.3.4\"",
                              "for=\"1.2.3.4\"x",
                              "=1.2.3.4",
                              "for=1.2.3.4;for=5.6.7.8",
                              "for=1.2.3.4;host",
                              "for=\"1.2.3.4\\\"",
                              "for=1.2.3",
                              "for=1.2.3.4:99999",
                              "xfor=1.2.3.4",
                              "for=:_a",
                              "for=a.example"}) {
    EXPECT_EQ(client(element), "none") << element;
  }
  EXPECT_EQ(client("for=" + std::string(1000, '1')), "none");
}

TEST(ForwardedField, HowAndWhere) {
  const ForwardedElement e = parse_forwarded("for=1.2.3.4;proto=HTTPS;host=\"a.example:8443\"");
  EXPECT_EQ(e.proto, "https");
  EXPECT_EQ(e.host, "a.example:8443");
  for (const char* odd :
       {"proto=ftp;host=\"a b\"", "proto=\"ht\\tp\";host=\"a\\b\"", "host=\"u@h\""}) {
    EXPECT_EQ(parse_forwarded(odd).proto, "") << odd;
    EXPECT_EQ(parse_forwarded(odd).host, "") << odd;
  }
}

}  // namespace
}  // namespace giliran::proxy
