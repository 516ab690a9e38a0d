#include "web/page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "web/assets.h"

namespace giliran::web {
namespace {

using testing::HasSubstr;
using testing::Not;

size_t occurrences(std::string_view text, std::string_view of) {
  size_t count = 0;
  for (size_t at = text.find(of); at != text.npos; at = text.find(of, at + 1)) ++count;
  return count;
}

TEST(Page, IsOneDocumentWithScriptStyleAndData) {
  const std::string html = page("a run", R"({"format":"giliran-client/2","rate":17.5})");
  EXPECT_TRUE(html.starts_with("<!doctype html>"));
  EXPECT_THAT(html, HasSubstr("<title>a run</title>"));
  EXPECT_THAT(html, HasSubstr(R"(id="data">{"format":"giliran-client/2","rate":17.5}</script>)"));
  EXPECT_THAT(html, HasSubstr(std::string(kPageScript)));
  EXPECT_THAT(html, HasSubstr(std::string(kPageStyle)));
}

TEST(Page, NothingInTheDataEndsItsElement) {
  const std::string html = page("x", R"({"name":"</script><img src=x onerror=alert(1)><!--"})");
  EXPECT_THAT(html, HasSubstr(R"(\u003c/script>\u003cimg src=x)"));
  EXPECT_THAT(html, Not(HasSubstr("<img")));
  EXPECT_EQ(occurrences(html, "</script>"), 2U);
}

TEST(Page, TheTitleIsText) {
  const std::string html = page("</title><script>alert(1)</script> & more", "{}");
  EXPECT_THAT(html, HasSubstr("&lt;/title&gt;&lt;script&gt;alert(1)&lt;/script&gt; &amp; more"));
}

TEST(Page, AsksNobodyForAnything) {
  const std::string html = page("x", "{}");
  EXPECT_THAT(html, HasSubstr("default-src 'none'"));
  for (const auto* const address : {"src=\"", "@import", "url(http", "https://", "http://"}) {
    EXPECT_THAT(html, Not(HasSubstr(address)));
  }
}

TEST(Page, IsSmall) {
  EXPECT_LT(page("x", "{}").size(), 120'000U);
}

}  // namespace
}  // namespace giliran::web
