#include "server/allow_to.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace giliran::server {
namespace {

using ::testing::HasSubstr;

AllowTo allow(const std::vector<std::string>& list) {
  auto made = AllowTo::make(list);
  EXPECT_TRUE(made) << made.error().message;
  return std::move(*made);
}

TEST(AllowTo, NobodyByDefault) {
  const auto found = AllowTo().find("http://127.0.0.1:80/");
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().status, 403);
  EXPECT_THAT(found.error().text, HasSubstr("--allow-to"));
}

TEST(AllowTo, OnlyWhoIsNamed) {
  const AllowTo some = allow({"127.0.0.1:9001", "[::1]:9002"});
  const auto found = some.find("http://127.0.0.1:9001/a?b=c");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->address, base::Address::loopback(9001));
  EXPECT_EQ(found->path, "/a?b=c");
  EXPECT_EQ(found->authority, "127.0.0.1:9001");
  EXPECT_TRUE(some.find("http://[::1]:9002"));

  const auto other = some.find("http://127.0.0.1:9003/");
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().status, 403);
  EXPECT_THAT(other.error().text, HasSubstr("--allow-to 127.0.0.1:9003"));
}

TEST(AllowTo, LoopbackIsEveryPortOfThisMachineAndNothingElse) {
  const AllowTo loopback = allow({"loopback"});
  for (const char* url : {"http://127.0.0.1:1/", "http://localhost:65535/x", "http://[::1]:80",
                          "http://127.1.2.3/"}) {
    EXPECT_TRUE(loopback.find(url)) << url;
  }
  for (const char* url : {"http://10.0.0.1:80/", "http://127.0.0.1.example.org:80/",
                          "http://0.0.0.0:80/", "http://localhost.example.org:80/",
                          "http://[::ffff:10.0.0.1]:80/", "http://2130706433:80/"}) {
    const auto found = loopback.find(url);
    ASSERT_FALSE(found) << url;
    EXPECT_EQ(found.error().status, 403) << url;
  }
}

TEST(AllowTo, WhatIsNoUrlIsABadRequest) {
  const AllowTo loopback = allow({"loopback"});
  for (const char* url :
       {"", "127.0.0.1:80", "https://127.0.0.1:80/", "tcp://127.0.0.1:80", "http://127.0.0.1:0/",
        "http://127.0.0.1:99999/", "http:///x", "http://u@127.0.0.1:80/"}) {
    const auto found = loopback.find(url);
    ASSERT_FALSE(found) << url;
    EXPECT_EQ(found.error().status, 400) << url;
  }
}

TEST(AllowTo, ABadItemNamesTheFlag) {
  const auto made = AllowTo::make({"localhost"});
  ASSERT_FALSE(made);
  EXPECT_THAT(made.error().message, HasSubstr("--allow-to localhost: "));
  EXPECT_THAT(made.error().message, HasSubstr("expected HOST:PORT or loopback"));
}

}  // namespace
}  // namespace giliran::server
