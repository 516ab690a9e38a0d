#include "wire/http1/head.h"

#include <gtest/gtest.h>

#include <cctype>
#include <set>
#include <string>

#include "base/text.h"
#include "wire/http1/parser.h"
#include "wire/http1/writer.h"

namespace giliran::wire::http1 {
namespace {

TEST(HeadTest, KnowsNamesIgnoringCase) {
  const char* const names[] = {"connection",
                               "content-length",
                               "transfer-encoding",
                               "host",
                               "upgrade",
                               "te",
                               "trailer",
                               "expect",
                               "keep-alive",
                               "proxy-connection",
                               "via",
                               "forwarded",
                               "x-forwarded-for",
                               "x-forwarded-proto",
                               "x-forwarded-host",
                               "traceparent",
                               "server-timing",
                               "server",
                               "date",
                               "content-type",
                               "proxy-authenticate",
                               "proxy-authorization",
                               "http2-settings",
                               "cookie",
                               "user-agent",
                               "referer"};
  auto expected = static_cast<uint8_t>(Name::kConnection);  // the list is in the enum's order
  for (const std::string name : names) {
    std::string upper = name;
    for (char& c : upper) c = static_cast<char>(std::toupper(c));
    EXPECT_EQ(static_cast<uint8_t>(name_of(name)), expected) << name;
    EXPECT_EQ(static_cast<uint8_t>(name_of(upper)), expected) << name;
    std::string other = name;
    other.back() = '_';
    EXPECT_EQ(name_of(other), Name::kOther) << other;
    EXPECT_EQ(name_of(name + "s"), Name::kOther) << name;
    for (size_t at = 0; at < name.size(); ++at) {
      for (int byte = 0; byte < 256; ++byte) {
        other = upper;
        other[at] = static_cast<char>(byte);
        EXPECT_EQ(static_cast<uint8_t>(name_of(other)) == expected,
                  base::equals_ignoring_case(other, name))
            << other;
      }
    }
    ++expected;
  }
  EXPECT_EQ(expected, static_cast<uint8_t>(Name::kReferer) + 1);
  EXPECT_EQ(name_of(""), Name::kOther);
  EXPECT_EQ(name_of("\x08ost"), Name::kOther);
  EXPECT_EQ(name_of("content\rlength"), Name::kOther);
  EXPECT_EQ(name_of(std::string(300, 'h')), Name::kOther);
}

TEST(HeadTest, TellsLookalikes) {
  for (const char* name : {"Content_Length", "TRANSFER_ENCODING", "x_forwarded_for",
                           "X-Forwarded_For", "proxy_connection", "http2_settings"}) {
    EXPECT_EQ(name_of(name), Name::kLookalike) << name;
    EXPECT_TRUE(is_hop_by_hop({.name = name, .value = {}, .id = name_of(name)})) << name;
  }
  for (const char* name : {"content.length", "x_forwarded_fox", "x_request_id", "_", "h_st"}) {
    EXPECT_EQ(name_of(name), Name::kOther) << name;
  }
}

TEST(HeadTest, FindsFields) {
  Fields fields;
  fields.items[fields.count++] = {"Via", "", Name::kVia};
  fields.items[fields.count++] = {"via", "b", Name::kVia};
  EXPECT_EQ(fields.find(Name::kVia), "");
  EXPECT_NE(fields.find(Name::kVia).data(), nullptr);
  EXPECT_EQ(fields.find(Name::kHost).data(), nullptr);
}

TEST(HeadTest, NamesEveryProblem) {
  std::set<std::string_view> names;
  for (int i = 0; i <= static_cast<int>(Problem::kUnsupportedExpectation); ++i) {
    names.insert(problem_name(static_cast<Problem>(i)));
  }
  EXPECT_EQ(names.size(), static_cast<size_t>(Problem::kUnsupportedExpectation) + 1);
  EXPECT_FALSE(names.contains("unknown"));
}

}  // namespace
}  // namespace giliran::wire::http1
