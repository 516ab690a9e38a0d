#include "client/resolve.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace giliran::client {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> texts(const std::vector<base::Address>& addresses) {
  std::vector<std::string> out;
  for (const base::Address& address : addresses) out.push_back(address.text());
  return out;
}

TEST(Resolve, IsReadAsCurlReadsIt) {
  const auto one = parse_resolve("shop.example:80:10.0.0.1,10.0.0.2,::1,[fd00::2],10.0.0.1");
  ASSERT_TRUE(one) << one.error().message;
  EXPECT_EQ(one->host, "shop.example");
  EXPECT_EQ(one->port, 80);
  EXPECT_THAT(texts(one->addresses),
              ElementsAre("10.0.0.1:80", "10.0.0.2:80", "[::1]:80", "[fd00::2]:80"));
  EXPECT_EQ(parse_resolve("+*:8080:127.0.0.1")->host, "*");
  for (const char* wrong : {"", "shop.example", "shop.example:80", ":80:1.2.3.4", "a:x:1.2.3.4",
                            "a:80:", "a:80:b.example", "a:80:1.2.3.4,", "a:80:unix:/x"}) {
    const auto refused = parse_resolve(wrong);
    ASSERT_FALSE(refused) << wrong;
    EXPECT_THAT(refused.error().message, HasSubstr("expected HOST:PORT:ADDRESS")) << wrong;
  }
}

TEST(Resolve, TakesTheOneForTheServerAndPutsIPv4First) {
  const std::vector<Resolve> given = {*parse_resolve("other.example:80:10.0.0.9"),
                                      *parse_resolve("Shop.Example:80:::1,10.0.0.1,10.0.0.2")};
  EXPECT_THAT(texts(*resolve("shop.example:80", given)),
              ElementsAre("10.0.0.1:80", "10.0.0.2:80", "[::1]:80"));
  const auto none = resolve("shop.example:81", given);
  ASSERT_FALSE(none);
  EXPECT_THAT(none.error().message,
              HasSubstr("--resolve: it is for other.example:80, Shop.Example:80, and the URL's "
                        "server is shop.example:81"));
  EXPECT_THAT(texts(*resolve("anything:8080", std::vector{*parse_resolve("*:8080:127.0.0.1")})),
              ElementsAre("127.0.0.1:8080"));
  EXPECT_THAT(texts(*resolve("127.0.0.1:80", {})), ElementsAre("127.0.0.1:80"));
}

}  // namespace
}  // namespace giliran::client
