#include "proxy/client_address.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace giliran::proxy {
namespace {

const base::Address kPeer = *base::Address::parse("10.0.0.1:5555");

std::vector<base::Network> trusted() {
  return {*base::Network::parse("10.0.0.0/8"), *base::Network::parse("fd00::/8")};
}

std::string client(const std::vector<std::string>& values, const base::Address& peer = kPeer) {
  conn::Fields fields;
  for (const std::string& value : values) {
    fields.items[fields.count++] = {"x-other", "9.9.9.9", wire::http1::Name::kOther};
    fields.items[fields.count++] = {"x-forwarded-for", value, wire::http1::Name::kXForwardedFor};
  }
  return find_asker(fields, peer, trusted()).client.text();
}

// Of fields with these names and values.
Asker asker(const std::vector<std::pair<std::string, std::string>>& all,
            const base::Address& peer = kPeer) {
  static conn::Fields fields;
  fields.count = 0;
  for (const auto& [name, value] : all) {
    fields.items[fields.count++] = {name, value, wire::http1::name_of(name)};
  }
  return find_asker(fields, peer, trusted());
}

TEST(ClientAddress, OfAPeerThatIsNotTrustedIsItsOwn) {
  EXPECT_EQ(client({"1.2.3.4"}, *base::Address::parse("192.0.2.1:1")), "192.0.2.1:1");
}

TEST(ClientAddress, TheRightmostThatIsNotTrusted) {
  EXPECT_EQ(client({"1.2.3.4"}), "1.2.3.4:0");
  EXPECT_EQ(client({"6.6.6.6, 1.2.3.4"}), "1.2.3.4:0");
  EXPECT_EQ(client({"6.6.6.6, 1.2.3.4, 10.1.1.1,fd00::7 ,,"}), "1.2.3.4:0");
  EXPECT_EQ(client({"6.6.6.6", "1.2.3.4", "10.1.1.1"}), "1.2.3.4:0");
  EXPECT_EQ(client({"junk, 1.2.3.4"}), "1.2.3.4:0");
  EXPECT_EQ(client({"[2001:db8::1]:443"}), "[2001:db8::1]:443");
  EXPECT_EQ(client({"::ffff:10.0.0.7"}), "[::ffff:10.0.0.7]:0");  // trusted, and the last
}

TEST(ClientAddress, TheLeftmostWhereAllAreTrusted) {
  EXPECT_EQ(client({"10.2.2.2, 10.3.3.3"}), "10.2.2.2:0");
  EXPECT_EQ(client({}), "10.0.0.1:5555");
  EXPECT_EQ(client({"", ", ,"}), "10.0.0.1:5555");
}

TEST(ClientAddress, ForwardedIsReadWhereItStandsAlone) {
  const auto forwarded = [](const char* value, const char* more = "") {
    return asker({{"Forwarded", value}, {"forwarded", more}}).client.text();
  };
  EXPECT_EQ(forwarded("for=1.2.3.4"), "1.2.3.4:0");
  EXPECT_EQ(forwarded("for=6.6.6.6, for=\"[2001:db8::1]:4711\";proto=https, for=10.1.1.1"),
            "[2001:db8::1]:4711");
  EXPECT_EQ(forwarded("for=6.6.6.6", "for=1.2.3.4, for=\"[fd00::7]\""), "1.2.3.4:0");
  EXPECT_EQ(forwarded("for=\"6.6.6.6, ", "for=1.2.3.4"), "1.2.3.4:0");  // an open quote
  EXPECT_EQ(forwarded("for=10.2.2.2, for=10.3.3.3"), "10.2.2.2:0");
  for (const char* junk : {"for=unknown", "for=_hidden", "proto=https", "junk", "for=\"1.2.3.4"}) {
    EXPECT_EQ(forwarded("for=1.2.3.4", junk), "10.0.0.1:5555") << junk;
  }
  EXPECT_EQ(forwarded("", " ,"), "10.0.0.1:5555");
  const std::vector<std::pair<std::string, std::string>> alone{{"Forwarded", "for=1.2.3.4"}};
  EXPECT_EQ(asker(alone, *base::Address::parse("192.0.2.1:1")).client.text(), "192.0.2.1:1");
}

TEST(ClientAddress, ForwardedSaysHowTheClientAsked) {
  const Asker found = asker(
      {{"Forwarded", "for=1.2.3.4;proto=https;host=a.example, for=10.1.1.1;proto=http;host=b"}});
  EXPECT_EQ(found.client.text(), "1.2.3.4:0");
  EXPECT_EQ(found.proto, "https");
  EXPECT_EQ(found.host, "a.example");
}

TEST(ClientAddress, XForwardedForWinsWhereBothAreThere) {
  const Asker found =
      asker({{"Forwarded", "for=6.6.6.6;proto=https"}, {"X-Forwarded-For", "1.2.3.4"}});
  EXPECT_EQ(found.client.text(), "1.2.3.4:0");
  EXPECT_EQ(found.proto, "");
  EXPECT_EQ(asker({{"X-Forwarded-For", "junk"}, {"Forwarded", "for=6.6.6.6"}}).client.text(),
            "10.0.0.1:5555");
}

TEST(ClientAddress, JunkMakesItThePeer) {
  for (const char* junk :
       {"unknown", "_hidden", "1.2.3", "1.2.3.4.5", "a.example", "1.2.3.4:99999", "[::1", "[::1]x",
        "[1.2.3.4]", "1.2.3.4;5", "::1::", "unix:/x", "-1.2.3.4", "01.2.3.400", "1.2.3.4:", "[]",
        "\"1.2.3.4\"", "[::1]:", "fe80::1%1"}) {
    EXPECT_TRUE(parse_client_address(junk).none()) << junk;
    EXPECT_EQ(client({std::string("1.2.3.4, ") + junk + ", 10.1.1.1"}), "10.0.0.1:5555") << junk;
  }
  EXPECT_TRUE(parse_client_address(std::string_view("1.2.3.4\0x", 9)).none());
  EXPECT_TRUE(parse_client_address(std::string(5000, '1')).none());
}

}  // namespace
}  // namespace giliran::proxy
