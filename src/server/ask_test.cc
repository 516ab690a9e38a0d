#include "server/ask.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace giliran::server {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(Ask, AnyPathAsksForTheName) {
  for (const char* path : {"/", "/a/b", "*", "/healthy", "/x?", "/x?&&", "/x?id=5&delayed=1"}) {
    const auto ask = parse_ask(path);
    ASSERT_TRUE(ask) << path;
    EXPECT_EQ(ask->resource, Resource::kAny) << path;
    EXPECT_EQ(ask->status, 200);
    EXPECT_FALSE(ask->delay || ask->work || ask->body_bytes);
  }
}

TEST(Ask, ReadsOverrides) {
  const auto ask = parse_ask("/x?delay=bimodal(5ms,1%:200ms)&work=2ms&status=503&body=16KiB");
  ASSERT_TRUE(ask) << ask.error().text;
  EXPECT_EQ(ask->delay->text(), "bimodal(5ms,1%:200ms)");
  EXPECT_EQ(ask->work->mean(), std::chrono::milliseconds(2));
  EXPECT_EQ(ask->status, 503);
  EXPECT_EQ(ask->body_bytes, 16384U);
}

TEST(Ask, RefusesWhatIsOutOfBounds) {
  const std::pair<const char*, const char*> cases[] = {
      {"/?delay=5", "delay: "},      {"/?delay=2m", "more than"},
      {"/?work=abc", "work: "},      {"/?status=99", "200 to 599"},
      {"/?status=5x", "200 to 599"}, {"/?body=1GiB", "at most 256MiB"},
      {"/?body=-1", "body: "},       {"/fanout", "expected /fanout?to="},
  };
  for (const auto& [path, what] : cases) {
    const auto ask = parse_ask(path);
    ASSERT_FALSE(ask) << path;
    EXPECT_EQ(ask.error().status, 400);
    EXPECT_THAT(ask.error().text, HasSubstr(what)) << path;
  }
}

TEST(Ask, FanOutHasTargets) {
  const auto ask = parse_ask("/fanout?to=http://a:1/&to=http%3A%2F%2Fb%3A2%2F%3Fx%3D1%26y%3D2");
  ASSERT_TRUE(ask);
  EXPECT_EQ(ask->resource, Resource::kFanOut);
  EXPECT_THAT(ask->targets, ElementsAre("http://a:1/", "http://b:2/?x=1&y=2"));

  std::string many = "/fanout?to=http://a:1/";
  for (size_t i = 1; i < kTargetsMax; ++i) many += "&to=http://a:1/";
  EXPECT_TRUE(parse_ask(many));
  const auto too_many = parse_ask(many + "&to=http://a:1/");
  ASSERT_FALSE(too_many);
  EXPECT_THAT(too_many.error().text, HasSubstr("at most 16 calls"));
}

TEST(Ask, DecodesPercents) {
  EXPECT_EQ(percent_decode("a%20b%2"), "a b%2");
  EXPECT_EQ(percent_decode("%zz%41%"), "%zzA%");
  EXPECT_EQ(percent_decode(""), "");
}

}  // namespace
}  // namespace giliran::server
