#include "proxy/sticky.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace giliran::proxy {
namespace {

constexpr uint64_t kToken = 0x0123456789abcdefULL;
constexpr uint64_t kStale = 0xaaaaaaaaaaaaaaaaULL;

// Every token but kStale is an endpoint's.
std::optional<uint64_t> find(const std::vector<std::string>& cookies) {
  conn::Fields fields;
  for (const std::string& value : cookies) {
    fields.items[fields.count++] = {"x", "srv=ffffffffffffffff", wire::http1::Name::kOther};
    fields.items[fields.count++] = {"cookie", value, wire::http1::Name::kCookie};
  }
  uint64_t found = 0;
  const auto endpoint_of = [&found](uint64_t token) -> std::optional<uint32_t> {
    if (token == kStale) return std::nullopt;
    found = token;
    return 0;
  };
  return find_by_cookie(fields, "srv", endpoint_of) ? std::optional(found) : std::nullopt;
}

TEST(Sticky, FindsTheTokenAmongCookies) {
  for (const char* cookie :
       {"srv=0123456789abcdef", "a=b; srv=0123456789abcdef; c=d", "a=b;srv=0123456789abcdef",
        " srv=0123456789abcdef ;", "srv=junk; srv=0123456789abcdef", ";;srv=0123456789abcdef;;",
        "srv=0123456789abcdef; srv=fedcba9876543210"}) {
    EXPECT_EQ(find({cookie}), kToken) << cookie;
  }
  EXPECT_EQ(find({"a=b", "srv=0123456789abcdef"}), kToken);
}

TEST(Sticky, OneThatMeansNobodyIsPassedOver) {
  const std::string stale = "srv=aaaaaaaaaaaaaaaa", good = "srv=0123456789abcdef";
  EXPECT_EQ(find({stale + "; " + good}), kToken);
  EXPECT_EQ(find({stale + "; " + stale, good + "; srv=fedcba9876543210"}), kToken);
  EXPECT_FALSE(find({stale}));
}

TEST(Sticky, NothingElseIsOne) {
  for (const char* cookie :
       {"", "srv", "srv=", "srv=0123456789abcde", "srv=0123456789abcdef0", "srv=0123456789ABCDEF",
        "srv=\"0123456789abcdef\"", "SRV=0123456789abcdef", "xsrv=0123456789abcdef",
        "srv =0123456789abcdef", "srv= 123456789abcdef", "a=srv=0123456789abcdef",
        "srv=0123456789abcdeg", "a,srv=0123456789abcdef"}) {
    EXPECT_FALSE(find({cookie})) << cookie;
  }
  EXPECT_FALSE(find({}));
}

TEST(Sticky, SetsTheCookieItFinds) {
  char out[128];
  const std::string_view set = format_set_cookie("srv", kToken, out);
  EXPECT_EQ(set, "srv=0123456789abcdef; Path=/; HttpOnly; SameSite=Lax");
  EXPECT_EQ(find({std::string(set)}), kToken);
  EXPECT_EQ(format_set_cookie("srv", kToken, std::span(out).first(set.size())), set);
  EXPECT_EQ(format_set_cookie("srv", kToken, std::span(out).first(set.size() - 1)), "");
}

}  // namespace
}  // namespace giliran::proxy
