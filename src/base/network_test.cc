#include "base/network.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "base/rng.h"

namespace giliran::base {
namespace {

using ::testing::HasSubstr;

Network parsed(std::string_view text) {
  const auto network = Network::parse(text);
  EXPECT_TRUE(network) << network.error().message;
  return network ? *network : Network();
}

Address address(std::string_view text) {
  return Address::parse(text).value();
}

TEST(NetworkTest, TextReadsBack) {
  for (const char* text : {"10.0.0.0/8", "192.0.2.1", "0.0.0.0/0", "128.0.0.0/1", "fd00::/8",
                           "::/0", "::1", "2001:db8::/33", "::ffff:10.0.0.0/104", "unix"}) {
    const Network network = parsed(text);
    EXPECT_EQ(network.text(), text);
    EXPECT_EQ(parsed(network.text()), network);
  }
  EXPECT_EQ(parsed("10.0.0.1/32").text(), "10.0.0.1");
  EXPECT_EQ(parsed("FD00:0:0::/16").text(), "fd00::/16");
  EXPECT_EQ(Network().text(), "-");
}

TEST(NetworkTest, RefusesWhatIsNone) {
  for (const char* text : {"",
                           "/",
                           "/8",
                           "10",
                           "10/8",
                           "10.0.0/8",
                           "10.0.0.0/",
                           "10.0.0.0/33",
                           "10.0.0.0/-1",
                           "10.0.0.0/08",
                           "10.0.0.0/8/8",
                           "10.0.0.0/+8",
                           " 10.0.0.0/8",
                           "10.0.0.0 /8",
                           "010.0.0.0/8",
                           "0x0a000000/8",
                           "::/129",
                           "[::1]",
                           "[::]/0",
                           "::1%2",
                           "fe80::%lo/64",
                           "localhost",
                           "unix:",
                           "unix:/x",
                           "UNIX",
                           "10.0.0.0:80",
                           "256.0.0.0/8",
                           "10.0.0.1/8",
                           "fd00::1/8",
                           "128.0.0.0/0",
                           "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128"}) {
    EXPECT_FALSE(Network::parse(text)) << text;
  }
  EXPECT_FALSE(Network::parse(std::string_view("10.0.0.0\0/8", 11)));
}

TEST(NetworkTest, AnErrorSaysWhatIsWrong) {
  EXPECT_THAT(Network::parse("10.1.2.3/8").error().message, HasSubstr("did you mean 10.0.0.0/8?"));
  EXPECT_THAT(Network::parse("10.0.0.0/40").error().message, HasSubstr("'40'"));
  EXPECT_THAT(Network::parse("all").error().message, HasSubstr("'all'"));
}

TEST(NetworkTest, Contains) {
  struct Case {
    const char* network;
    const char* address;
    bool inside;
  };
  for (const Case& c : std::vector<Case>{
           {"10.0.0.0/8", "10.255.255.255:1", true},
           {"10.0.0.0/8", "11.0.0.0:1", false},
           {"10.0.0.0/8", "9.255.255.255:1", false},
           {"10.128.0.0/9", "10.127.255.255:1", false},
           {"10.128.0.0/9", "10.128.0.0:1", true},
           {"192.0.2.1", "192.0.2.1:80", true},
           {"192.0.2.1", "192.0.2.2:80", false},
           {"192.0.2.0/31", "192.0.2.1:80", true},
           {"192.0.2.0/31", "192.0.2.2:80", false},
           {"0.0.0.0/0", "255.255.255.255:1", true},
           {"0.0.0.0/0", "[::1]:1", false},
           {"0.0.0.0/0", "[::ffff:1.2.3.4]:1", true},
           {"10.0.0.0/8", "[::ffff:10.0.0.1]:1", true},
           {"10.0.0.0/8", "[::ffff:11.0.0.1]:1", false},
           {"10.0.0.0/8", "[::10.0.0.1]:1", false},
           {"::ffff:10.0.0.0/104", "10.1.2.3:1", true},
           {"::ffff:10.0.0.0/104", "11.1.2.3:1", false},
           {"::ffff:10.0.0.0/104", "[::ffff:10.1.2.3]:1", true},
           {"::/0", "10.1.2.3:1", false},
           {"::/0", "[::ffff:10.1.2.3]:1", true},
           {"fd00::/8", "[fdff::1]:1", true},
           {"fd00::/8", "[fe00::1]:1", false},
           {"fe80::/10", "[fe80::1%2]:1", true},
           {"::1", "[::1]:1", true},
           {"::1", "127.0.0.1:1", false},
           {"unix", "unix:/x", true},
           {"unix", "127.0.0.1:1", false},
           {"0.0.0.0/0", "unix:/x", false},
       }) {
    EXPECT_EQ(parsed(c.network).contains(address(c.address)), c.inside)
        << c.network << " " << c.address;
  }
}

TEST(NetworkTest, NoAddressIsInNoNetwork) {
  for (const char* text : {"0.0.0.0/0", "::/0", "unix"}) {
    EXPECT_FALSE(parsed(text).contains(Address()));
  }
  EXPECT_FALSE(Network().contains(Address::loopback(1)));
}

TEST(NetworkTest, AnyOfSeveral) {
  const std::vector<Network> networks = {parsed("10.0.0.0/8"), parsed("unix")};
  EXPECT_TRUE(any_contains(networks, address("10.0.0.1:1")));
  EXPECT_TRUE(any_contains(networks, address("unix:/x")));
  EXPECT_FALSE(any_contains(networks, address("[::1]:1")));
  EXPECT_FALSE(any_contains({}, address("10.0.0.1:1")));
}

// Against arithmetic on the whole address.
TEST(NetworkTest, EveryPrefixAgreesWithAMask) {
  Rng rng(1);
  for (uint32_t prefix = 0; prefix <= 32; ++prefix) {
    const uint64_t mask = ~uint64_t{0} << (32 - prefix) & 0xffffffff;
    for (int i = 0; i < 50; ++i) {
      const auto base = static_cast<uint32_t>(rng.next() & mask);
      const Network network =
          parsed(Address::ipv4(base, 0).host_text() + "/" + std::to_string(prefix));
      const auto flipped = static_cast<uint32_t>(base ^ uint64_t{1} << rng.below(32));
      EXPECT_EQ(network.contains(Address::ipv4(flipped, 1)), (flipped & mask) == base);
      EXPECT_TRUE(network.contains(Address::ipv4(base, 1)));
    }
  }
}

}  // namespace
}  // namespace giliran::base
