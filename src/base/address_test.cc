#include "base/address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

namespace giliran::base {
namespace {

using ::testing::HasSubstr;

Address parsed(std::string_view text) {
  auto a = Address::parse(text);
  EXPECT_TRUE(a) << a.error().message;
  return a ? *a : Address();
}

std::string error_of(std::string_view text) {
  const auto a = Address::parse(text);
  EXPECT_FALSE(a) << text;
  return a ? "" : a.error().message;
}

TEST(Address, IsSmall) {
  EXPECT_LE(sizeof(Address), 40U);
}

TEST(Address, TextReadsBack) {
  for (const char* text :
       {"127.0.0.1:80", "0.0.0.0:0", "255.255.255.255:65535", "[::1]:80", "[2001:db8::1]:8080",
        "[fe80::1%2]:9", "[::ffff:1.2.3.4]:5", "unix:/run/x.sock", "unix:@abstract"}) {
    const Address a = parsed(text);
    EXPECT_EQ(a.text(), text);
    sockaddr_storage raw;
    const socklen_t size = a.to_sockaddr(raw);
    const Address back = Address::from_sockaddr(reinterpret_cast<const sockaddr*>(&raw), size);
    EXPECT_EQ(back, a) << text;
    EXPECT_EQ(back.text(), text);
  }
}

TEST(Address, Parts) {
  EXPECT_EQ(parsed("127.0.0.1:80").port(), 80);
  EXPECT_EQ(parsed("127.0.0.1:80").host_text(), "127.0.0.1");
  EXPECT_EQ(parsed("[::1]:80").host_text(), "::1");
  EXPECT_EQ(parsed("unix:/a").host_text(), "unix:/a");
  EXPECT_EQ(parsed("[::1]:80").with_port(81), parsed("[::1]:81"));
  EXPECT_EQ(Address::loopback(80), parsed("127.0.0.1:80"));
  EXPECT_TRUE(parsed("unix:/a").is_unix());
  EXPECT_EQ(parsed("unix:/a").port(), 0);
}

TEST(Address, None) {
  EXPECT_TRUE(Address().none());
  EXPECT_EQ(Address().text(), "-");
  EXPECT_TRUE(Address::from_sockaddr(nullptr, 0).none());
  sockaddr other{};
  other.sa_family = AF_APPLETALK;
  EXPECT_TRUE(Address::from_sockaddr(&other, sizeof other).none());
}

TEST(Address, Equality) {
  EXPECT_EQ(parsed("unix:/a"), parsed("unix:/a"));
  EXPECT_FALSE(parsed("unix:/a") == parsed("unix:/b"));
  EXPECT_FALSE(parsed("127.0.0.1:1") == parsed("127.0.0.1:2"));
  EXPECT_FALSE(parsed("127.0.0.1:1") == parsed("127.0.0.2:1"));
  EXPECT_FALSE(parsed("[::1]:1") == parsed("[::2]:1"));
  EXPECT_FALSE(parsed("[fe80::1%1]:1") == parsed("[fe80::1%2]:1"));
  EXPECT_EQ(Address(), Address());
}

TEST(Address, UnixWithoutAName) {
  sockaddr_un raw{};
  raw.sun_family = AF_UNIX;
  const Address a =
      Address::from_sockaddr(reinterpret_cast<const sockaddr*>(&raw), sizeof(sa_family_t));
  EXPECT_TRUE(a.is_unix());
  EXPECT_EQ(a.text(), "unix:");
  sockaddr_storage out;
  EXPECT_EQ(a.to_sockaddr(out), sizeof(sa_family_t));
}

TEST(Address, LongestTextFits) {
  const std::string path = "unix:" + std::string(107, 'x');
  char out[Address::kTextMax];
  EXPECT_EQ(parsed(path).format(out), Address::kTextMax);
  const std::string scoped = "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff%4294967295]:65535";
  EXPECT_EQ(parsed(scoped).text(), scoped);
}

TEST(Address, ErrorsSayWhatIsWrong) {
  EXPECT_THAT(error_of("localhost:80"), HasSubstr("'localhost' is not a numeric address"));
  EXPECT_THAT(error_of("127.0.0.1"), HasSubstr("no port"));
  EXPECT_THAT(error_of("[::1]"), HasSubstr("no port"));
  EXPECT_THAT(error_of("::1:80"), HasSubstr("needs brackets"));
  EXPECT_THAT(error_of("[::1:80"), HasSubstr("']' is missing"));
  EXPECT_THAT(error_of("[::1]x:80"), HasSubstr("after ']'"));
  EXPECT_THAT(error_of("[::g]:80"), HasSubstr("not an IPv6 address"));
  EXPECT_THAT(error_of("1.2.3.4:65536"), HasSubstr("0 to 65535"));
  EXPECT_THAT(error_of("1.2.3.4:"), HasSubstr("0 to 65535"));
  EXPECT_THAT(error_of("[fe80::1%eth0]:1"), HasSubstr("scope"));
  EXPECT_THAT(error_of("unix:"), HasSubstr("no path"));
  EXPECT_THAT(error_of("unix:" + std::string(108, 'x')), HasSubstr("at most 107"));
  error_of("");
  error_of(":");
  error_of(":80");
  error_of("]:80");
  error_of("1.2.3:80");
  error_of("01.2.3.4.5:80");
  error_of("[]:80");
  error_of(std::string_view("1.2.3.4\0:80", 11));
}

TEST(Address, TellsOneFromEveryAddress) {
  for (const char* text : {"0.0.0.0:80", "[::]:80"}) {
    EXPECT_TRUE(Address::parse(text)->is_any()) << text;
  }
  for (const char* text : {"127.0.0.1:80", "0.0.0.1:80", "[::1]:80", "unix:/x"}) {
    EXPECT_FALSE(Address::parse(text)->is_any()) << text;
  }
  EXPECT_FALSE(Address().is_any());
}

}  // namespace
}  // namespace giliran::base
