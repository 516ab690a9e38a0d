#include "proxy/client_address.h"

#include <gtest/gtest.h>

#include <string>
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
  return client_address(fields, peer, trusted()).text();
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
