#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/host_port.h"
#include "config/listen_spec.h"
#include "config/server_spec.h"
#include "config/url.h"

namespace giliran::config {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

template <typename Parse>
std::string error_of(Parse parse, std::string_view text) {
  const auto result = parse(text);
  EXPECT_FALSE(result) << text;
  if (result) return "";
  EXPECT_THAT(result.error().message, HasSubstr("'" + std::string(text) + "'"));
  return result.error().message;
}

TEST(ServerSpec, Forms) {
  const auto check = [](std::string_view text, std::string_view host_port, uint32_t weight) {
    const auto spec = parse_server_spec(text);
    ASSERT_TRUE(spec) << spec.error().message;
    EXPECT_EQ(spec->host_port, host_port);
    EXPECT_EQ(spec->weight, weight);
  };
  check("localhost:9001", "localhost:9001", 1);
  check("127.0.0.1:80=5", "127.0.0.1:80", 5);
  check("[::1]:80=256", "[::1]:80", 256);
  check("db_1.example-x.org:1", "db_1.example-x.org:1", 1);
  check("unix:/run/a.sock", "unix:/run/a.sock", 1);
  check("unix:/run/a=b.sock=3", "unix:/run/a=b.sock", 3);
}

TEST(ServerSpec, Errors) {
  const auto error = [](std::string_view text) { return error_of(parse_server_spec, text); };
  EXPECT_THAT(error("localhost"), HasSubstr("port is missing"));
  EXPECT_THAT(error("localhost=5"), HasSubstr("port is missing"));
  EXPECT_THAT(error(":80"), HasSubstr("host is missing"));
  EXPECT_THAT(error("*:80"), HasSubstr("host is missing"));
  EXPECT_THAT(error("a:0"), HasSubstr("port 0"));
  EXPECT_THAT(error("a:65536"), HasSubstr("0 to 65535"));
  EXPECT_THAT(error("a:80x"), HasSubstr("'80x'"));
  EXPECT_THAT(error("::1:80"), HasSubstr("brackets"));
  EXPECT_THAT(error("127.0.0.1:80:3"), HasSubstr("weight stands behind a '='"));
  EXPECT_THAT(error("127.0.0.1:80,127.0.0.1:81"), HasSubstr("give each on its own"));
  EXPECT_THAT(error("[::1]"), HasSubstr("port is missing"));
  EXPECT_THAT(error("[::x]:80"), HasSubstr("not an IPv6 address"));
  EXPECT_THAT(error("a b:80"), HasSubstr("'a b' is not a host name"));
  EXPECT_THAT(error("http://a:80/"), HasSubstr("no scheme"));
  EXPECT_THAT(error("http://a:80/"), EndsWith("HOST:PORT=WEIGHT: a:80"));
  EXPECT_THAT(error("9001"), EndsWith("such as 127.0.0.1:9001"));
  for (const char* bad : {"a:80=0", "a:80=257", "a:80=", "a:80=-1", "a:80=1.5", "a:80= 1"}) {
    EXPECT_THAT(error(bad), HasSubstr("from 1 to 256")) << bad;
  }
  error("");
}

TEST(ServerList, KeepsTheOrder) {
  const std::vector<std::string> texts = {"b:1", "a:1=2", "a:2"};
  const auto list = parse_server_list(texts);
  ASSERT_TRUE(list);
  ASSERT_EQ(list->size(), 3U);
  EXPECT_EQ((*list)[1].host_port, "a:1");
  EXPECT_EQ((*list)[1].weight, 2U);
  EXPECT_TRUE(parse_server_list({})->empty());
}

TEST(ServerList, NamesBothPositionsOfADuplicate) {
  const std::vector<std::string> texts = {"x:1", "Host:80=2", "y:1", "host:080"};
  EXPECT_THAT(parse_server_list(texts).error().message,
              StartsWith("server 4 'host:080' is the same as server 2 'Host:80=2'"));
  const std::vector<std::string> sockets = {"unix:/a", "unix:/A"};
  EXPECT_TRUE(parse_server_list(sockets));
}

TEST(ServerList, PassesOnTheErrorOfOne) {
  const std::vector<std::string> texts = {"x:1", "y"};
  EXPECT_THAT(parse_server_list(texts).error().message, HasSubstr("'y'"));
}

TEST(ListenSpec, Forms) {
  const auto check = [](std::string_view text, Scheme scheme, std::string_view host_port) {
    const auto spec = parse_listen_spec(text);
    ASSERT_TRUE(spec) << spec.error().message;
    EXPECT_EQ(spec->scheme, scheme) << text;
    EXPECT_EQ(spec->host_port, host_port);
    EXPECT_EQ(spec->text(), std::string(name(scheme)) + "://" + std::string(host_port));
  };
  check("127.0.0.1:8080", Scheme::kHttp, "127.0.0.1:8080");
  check("http://localhost:0", Scheme::kHttp, "localhost:0");
  check("TCP://[::1]:9000", Scheme::kTcp, "[::1]:9000");
  check("*:80", Scheme::kHttp, "*:80");
  check(":80", Scheme::kHttp, ":80");
  check("tcp://unix:/run/x.sock", Scheme::kTcp, "unix:/run/x.sock");
}

TEST(ListenSpec, Errors) {
  const auto error = [](std::string_view text) { return error_of(parse_listen_spec, text); };
  EXPECT_THAT(error("8080"), HasSubstr("such as 127.0.0.1:8080, or :8080 for every"));
  EXPECT_THAT(error("localhost"), HasSubstr("port is missing"));
  EXPECT_THAT(error("https://a:1"), HasSubstr("not supported yet"));
  EXPECT_THAT(error("udp://a:1"), HasSubstr("unknown scheme 'udp', expected http:// or tcp://"));
  EXPECT_THAT(error("http://a:1/"), HasSubstr("no path"));
  EXPECT_THAT(error("a:99999"), HasSubstr("'99999'"));
  error("");
  error("http://");
}

TEST(Url, Http) {
  struct Case {
    std::string_view text, host_port, host, target;
  };
  for (const Case& c :
       {Case{"http://h:8080/p?q=1", "h:8080", "h:8080", "/p?q=1"},
        Case{"http://h", "h:80", "h", "/"}, Case{"HTTP://h:80/", "h:80", "h", "/"},
        Case{"http://h?q", "h:80", "h", "/?q"}, Case{"http://[::1]/x", "[::1]:80", "[::1]", "/x"},
        Case{"http://[::1]:81/x#frag", "[::1]:81", "[::1]:81", "/x"},
        Case{"http://h/to=http://other/", "h:80", "h", "/to=http://other/"}}) {
    const auto url = parse_url(c.text);
    ASSERT_TRUE(url) << url.error().message;
    EXPECT_EQ(url->scheme, Scheme::kHttp);
    EXPECT_EQ(url->host_port, c.host_port);
    EXPECT_EQ(url->host, c.host);
    EXPECT_EQ(url->target, c.target);
    EXPECT_EQ(parse_url(url->text())->target, c.target);
  }
}

TEST(Url, Tcp) {
  for (const char* text : {"tcp://127.0.0.1:7000", "tcp://127.0.0.1:7000/"}) {
    const auto url = parse_url(text);
    ASSERT_TRUE(url) << url.error().message;
    EXPECT_EQ(url->scheme, Scheme::kTcp);
    EXPECT_EQ(url->host_port, "127.0.0.1:7000");
    EXPECT_EQ(url->target, "");
    EXPECT_EQ(url->text(), "tcp://127.0.0.1:7000");
  }
}

TEST(Url, ASchemeThatWasLeftOut) {
  for (const char* text : {"127.0.0.1:80", "a:80/x?q", "localhost", "localhost/x", "a.example/x",
                           "[::1]:80/", "[::1]", "a.example?to=http://b/"}) {
    EXPECT_TRUE(lacks_scheme(text)) << text;
    EXPECT_TRUE(parse_url("http://" + std::string(text))) << text;
  }
  for (const char* text : {"", "nonsense", "/path", "http://a:80/", "ftp://a:80", "100", "100:80",
                           "a b:80", ":80", "unix:/x", "a:99999", "a:"}) {
    EXPECT_FALSE(lacks_scheme(text)) << text;
  }
}

TEST(Url, Errors) {
  const auto error = [](std::string_view text) { return error_of(parse_url, text); };
  EXPECT_THAT(error("https://h/"), HasSubstr("https is not supported yet, use http://"));
  EXPECT_THAT(error("localhost:8080"), HasSubstr("scheme is missing, expected http://"));
  EXPECT_THAT(error("localhost:8080"), EndsWith("such as http://localhost:8080"));
  EXPECT_THAT(error("/path://x"), HasSubstr("scheme is missing"));
  EXPECT_THAT(error("ftp://h/"), HasSubstr("unknown scheme 'ftp'"));
  EXPECT_THAT(error("tcp://h"), HasSubstr("port is missing"));
  EXPECT_THAT(error("tcp://h:1/x"), HasSubstr("no path"));
  EXPECT_THAT(error("http://u:p@h/"), HasSubstr("-H"));
  EXPECT_THAT(error("http://:80/"), HasSubstr("host is missing"));
  EXPECT_THAT(error("http:///x"), HasSubstr("host is missing"));
  EXPECT_THAT(error("http://h:0/"), HasSubstr("port 0"));
  EXPECT_THAT(error("http://h:/"), HasSubstr("0 to 65535"));
  EXPECT_THAT(error("http://h/a b"), HasSubstr("%XX"));
  EXPECT_THAT(error("http://h/a\r\nX: y"), HasSubstr("%XX"));
  EXPECT_THAT(error("http://h\r\nX:80/"), HasSubstr("not a host name"));
  EXPECT_THAT(error("http://h/\xc3\xa9"), HasSubstr("%XX"));
  error("");
  error("http://");
}

}  // namespace
}  // namespace giliran::config
