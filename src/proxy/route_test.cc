#include "proxy/route.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/rng.h"
#include "wire/http1/parser.h"

namespace giliran::proxy {
namespace {

using config::Route;
using Kind = RouteFound::Kind;

// "GET /x HTTP/1.1" and further lines, each with its end; keeps the text that the head points into.
struct Asked {
  explicit Asked(const std::string& target, const std::string& fields = "Host: h\r\n",
                 const std::string& method = "GET")
      : text(method + " " + target + " HTTP/1.1\r\n" + fields + "\r\n") {
    wire::http1::RequestParser parser({.head_bytes_max = 65536, .target_bytes_max = 32768});
    EXPECT_EQ(parser.parse(text, head).parse, wire::http1::Parse::kDone) << text;
  }
  std::string text;
  conn::RequestHead head;
};

Asked with_host(const std::string& host) {
  return Asked("/", "Host: " + host + "\r\n");
}

RouteFound find(const std::vector<Route>& routes, const Asked& asked) {
  static RouteScratch scratch;
  return find_route(routes, asked.head, scratch);
}

RouteFound route(uint32_t index) {
  return {.kind = Kind::kRoute, .index = index};
}
constexpr RouteFound kNone{.kind = Kind::kNone};
constexpr RouteFound kAmbiguous{.kind = Kind::kAmbiguous};

TEST(Route, WhatIsEmptyMatchesEverything) {
  const std::vector<Route> routes{Route{}};
  EXPECT_EQ(find(routes, Asked("/any/../%00")), route(0));
  EXPECT_EQ(find(routes, Asked("*", "Host: h\r\n", "OPTIONS")), route(0));
  EXPECT_EQ(find(routes, Asked("h:1", "Host: h:1\r\n", "CONNECT")), route(0));
  EXPECT_EQ(find({}, Asked("/")), kNone);
}

TEST(Route, ByHost) {
  const std::vector<Route> routes{Route{.hosts = {"a.example", "b.example"}},
                                  Route{.hosts = {"*.example.org"}}, Route{.hosts = {"[::1]"}}};
  for (const char* host :
       {"a.example", "A.EXAMPLE", "b.example:8080", "a.example.", "a.example.:1"}) {
    EXPECT_EQ(find(routes, with_host(host)), route(0)) << host;
  }
  for (const char* host : {"x.example.org", "X.y.Example.org:80", "x.example.org."}) {
    EXPECT_EQ(find(routes, with_host(host)), route(1)) << host;
  }
  for (const char* host : {"example.org", ".example.org", "xexample.org", "example.org.evil", ""}) {
    EXPECT_EQ(find(routes, with_host(host)), kNone) << host;
  }
  EXPECT_EQ(find(routes, with_host("[::1]:80")), route(2));
  EXPECT_EQ(find(routes, Asked("http://a.example:1/x", "Host: other\r\n")), route(0));
}

TEST(Route, ByMethodAndFields) {
  const std::vector<Route> routes{
      Route{.methods = {"GET", "HEAD"}, .headers = {{.name = "X-Canary", .value = "yes"}}},
      Route{.headers = {{.name = "x-a", .value = {}}, {.name = "X-B", .value = "1, 2"}}}};
  const auto ask = [&](const std::string& fields, const std::string& method = "GET") {
    return find(routes, Asked("/", "Host: h\r\n" + fields, method));
  };
  EXPECT_EQ(ask("x-canary: yes\r\n"), route(0));
  EXPECT_EQ(ask("x-canary: no\r\nX-Canary: yes\r\n"), route(0));  // any of several
  EXPECT_EQ(ask("x-canary: yes, no\r\n"), kNone);                 // lists are not split
  EXPECT_EQ(ask("x-canary: YES\r\n"), kNone);
  EXPECT_EQ(ask("x-canary: yes\r\n", "POST"), kNone);
  EXPECT_EQ(ask("X-A: \r\nx-b: 1, 2\r\n", "POST"), route(1));
  EXPECT_EQ(ask("X-B: 1, 2\r\n"), kNone);  // all of them
}

TEST(Route, ByPathSegments) {
  for (const char* prefix : {"/api", "/api/", "/%61pi"}) {
    const std::vector<Route> routes{Route{.path = prefix}};
    for (const char* path : {"/api", "/api/", "/api/x", "/api?q", "/api/x?y=/../", "/%61pi/%20",
                             "/a%70i", "/api/a%2Fb", "/api/./x", "/api/x;v=1", "/api//x",
                             "/api/.well-known", "http://h/api/x"}) {
      EXPECT_EQ(find(routes, Asked(path)), route(0)) << prefix << ' ' << path;
    }
    for (const char* path : {"/", "/apis", "/ap", "/x/api", "/API", "/?/api", "/ap%69s", "/x%20",
                             "/a%25pi", "/%zzapi", "/api%", "/x/.hidden", "/apis;x", "/apis//"}) {
      EXPECT_EQ(find(routes, Asked(path)), kNone) << prefix << ' ' << path;
    }
  }
  EXPECT_EQ(find({Route{.path = "/"}}, Asked("/any/../thing")), route(0));
  EXPECT_EQ(find({Route{.path = "/"}}, Asked("http://h?/api")), route(0));
  EXPECT_EQ(find({Route{.path = "/api"}}, Asked("http://h?/api")), kNone);
  EXPECT_EQ(find({Route{.path = "/"}}, Asked("*", "Host: h\r\n", "OPTIONS")), kNone);
  EXPECT_EQ(find({Route{.path = "/"}}, Asked("h:1", "Host: h:1\r\n", "CONNECT")), kNone);
  EXPECT_EQ(find({Route{.path = "/a%2fb"}}, Asked("/a%2Fb/c")), kAmbiguous);
}

TEST(Route, TheFirstThatMatches) {
  const std::vector<Route> routes{Route{.path = "/a/b"}, Route{.path = "/a", .methods = {"POST"}},
                                  Route{.path = "/a"}, Route{}};
  EXPECT_EQ(find(routes, Asked("/a/b/c")), route(0));
  EXPECT_EQ(find(routes, Asked("/a/c", "Host: h\r\n", "POST")), route(1));
  EXPECT_EQ(find(routes, Asked("/a/c")), route(2));
  EXPECT_EQ(find(routes, Asked("/c")), route(3));
}

TEST(Route, WhatCouldBeReadInTwoWaysTakesNeither) {
  const std::vector<Route> routes{Route{.path = "/admin"}, Route{.path = "/pub"}};
  for (const char* path : {"/pub/../admin",      "/admin/../pub",
                           "/pub/%2e%2e/admin",  "/pub/.%2E/admin",
                           "/pub%2f../admin",    "/pub/..%2Fadmin",
                           "/pub%2F..%2Fadmin",  "//admin",
                           "/x/../admin",        "/../admin",
                           "/./admin",           "/pub/..;x/admin",
                           "/pub/..;/admin",     "/admin;x=1",
                           "/pub/..\\admin",     "/\\admin",
                           "/x\\..\\admin",      "/pub/..%5cadmin",
                           "/admin%2f..",        "/admin/..",
                           "/.;/admin",          "/pub/../admin//../pub/x",
                           "/admin/x/../../pub", "/admin%00",
                           "/pub/%00/../x",      "/%2fadmin",
                           "/x//../admin",       "/%2e%2e/admin",
                           "/a%2F..%2Fadmin",    "/..%2fadmin"}) {
    EXPECT_EQ(find(routes, Asked(path)), kAmbiguous) << path;
  }
  // Nothing hangs on it.
  for (const char* path : {"/pub/x/../y", "/pub/a%2fb", "/pub//x", "/pub/%2e/x", "/pub/x;a=1",
                           "/pub/x\\y", "/pub/..x/y", "/pub/.../y"}) {
    EXPECT_EQ(find(routes, Asked(path)), route(1)) << path;
  }
  for (const char* path : {"/x/../y", "//x", "/..", "/x;/admin", "/%252e%252e/admin"}) {
    EXPECT_EQ(find(routes, Asked(path)), kNone) << path;
  }
}

TEST(Route, APathThatIsNotLookedAtIsNotJudged) {
  const std::vector<Route> routes{Route{.hosts = {"other"}, .path = "/admin"}, Route{},
                                  Route{.path = "/pub"}};
  EXPECT_EQ(find(routes, Asked("/pub/../admin%00")), route(1));
}

TEST(Route, LongPaths) {
  const std::vector<Route> routes{Route{.path = "/admin"}};
  EXPECT_EQ(find(routes, Asked("/admin/" + std::string(20'000, 'x'))), route(0));
  EXPECT_EQ(find(routes, Asked("/pub/" + std::string(20'000, 'x'))), kNone);
  EXPECT_EQ(find(routes, Asked("/" + std::string(20'000, 'x') + "/../admin")), kAmbiguous);
  EXPECT_EQ(find(routes, Asked("/x%20" + std::string(20'000, 'x'))), kAmbiguous);
  std::string up = "/x";
  while (up.size() < 8000) up += "/..";
  EXPECT_EQ(find(routes, Asked(up + "/admin")), kAmbiguous);
  EXPECT_EQ(find(routes, Asked("/admin?" + std::string(20'000, '%'))), route(0));
}

// Servers that take paths apart in one way or another, written as plainly as can be.
std::vector<std::string> split(std::string_view path) {
  std::vector<std::string> out;
  for (size_t i = 0; i < path.size();) {
    size_t end = path.find('/', i + 1);
    if (end == std::string_view::npos) end = path.size();
    out.emplace_back(path.substr(i + 1, end - i - 1));
    i = end;
  }
  return out;
}

std::string replace_all(std::string text, const std::string& from, const std::string& to) {
  for (size_t i = text.find(from); i != std::string::npos; i = text.find(from, i + to.size())) {
    text.replace(i, from.size(), to);
  }
  return text;
}

// The first segment such a server sees.
std::string first_segment(std::string path, bool merge, bool resolve, bool slashes, bool cut) {
  path = replace_all(replace_all(path, "%2e", "."), "%61", "a");
  if (slashes) path = replace_all(path, "%2f", "/");
  std::vector<std::string> out;
  for (std::string& segment : split(path)) {
    if (cut) segment = segment.substr(0, segment.find(';'));
    if (resolve && segment == "..") {
      if (!out.empty()) out.pop_back();
    } else if (!(resolve && segment == ".") && !(merge && segment.empty())) {
      out.push_back(segment);
    }
  }
  return out.empty() ? "" : out.front();
}

// A request that is routed is read by every server as what it was routed as.
TEST(Route, NoServerReadsAnotherRoutesPath) {
  const std::vector<Route> routes{Route{.path = "/a"}, Route{.path = "/b"}};
  const std::vector<std::string> parts{"/", "a", "b", "..", ".", "%2e", "%2f", ";", "%61", "x"};
  base::Rng rng(1);
  int routed = 0;
  int ambiguous = 0;
  for (int i = 0; i < 200'000; ++i) {
    std::string path = "/";
    for (uint64_t n = rng.below(9); n > 0; --n) path += parts[rng.below(parts.size())];
    const RouteFound found = find(routes, Asked(path));
    if (found == kAmbiguous) {
      ++ambiguous;
      continue;
    }
    ++routed;
    // The kinds of servers that are promised: see route.h.
    const std::string readings[] = {first_segment(path, false, false, false, false),
                                    first_segment(path, false, false, true, false),
                                    first_segment(path, true, false, true, false),
                                    first_segment(path, false, true, false, false),
                                    first_segment(path, true, true, false, false),
                                    first_segment(path, true, true, true, false),
                                    first_segment(path, true, true, true, true)};
    for (const std::string& segment : readings) {
      const RouteFound as_read = segment == "a" ? route(0) : segment == "b" ? route(1) : kNone;
      ASSERT_EQ(found, as_read) << path;
    }
  }
  EXPECT_GT(routed, 20'000);
  EXPECT_GT(ambiguous, 10'000);
}

// --- redirects ---

std::string redirect(std::string_view to, const Asked& asked, size_t room = 4096) {
  std::string out(room, '\0');
  const auto text = expand_redirect(to, asked.head, out);
  return text ? std::string(*text) : "(none)";
}

TEST(Redirect, PutsInHostAndPath) {
  const Asked asked("/a/b?c={path}", "Host: Example.org:8080\r\n");
  EXPECT_EQ(redirect("https://{host}{path}", asked), "https://Example.org/a/b?c=%7Bpath%7D");
  EXPECT_EQ(redirect("{path}", asked), "/a/b?c=%7Bpath%7D");
  EXPECT_EQ(redirect("https://new.example/{x}#f", asked), "https://new.example/%7Bx%7D#f");
  EXPECT_EQ(redirect("https://{host}/", with_host("[::1]:80")), "https://[::1]/");
  EXPECT_EQ(redirect("//{host}/x", asked), "//Example.org/x");
  EXPECT_EQ(redirect("https://{host}{path}", Asked("*", "Host: h\r\n", "OPTIONS")), "https://h/");
}

TEST(Redirect, PutsInThePortWhereAskedTo) {
  const Asked asked("/a", "Host: Example.org:8080\r\n");
  EXPECT_EQ(redirect("https://{authority}{path}", asked), "https://Example.org:8080/a");
  EXPECT_EQ(redirect("https://{host}:{port}{path}", asked), "https://Example.org:8080/a");
  for (const auto& [host, authority, port] : {std::array{"h", "h", "80"},
                                              {"h:", "h", "80"},
                                              {"[::1]", "[::1]", "80"},
                                              {"[::1]:8", "[::1]:8", "8"},
                                              {"h.:81", "h:81", "81"}}) {
    EXPECT_EQ(redirect("http://{authority}/", with_host(host)),
              "http://" + std::string(authority) + "/");
    EXPECT_EQ(redirect("/{port}", with_host(host)), "/" + std::string(port));
  }
  EXPECT_EQ(redirect("http://{authority}/", with_host("")), "(none)");
}

TEST(Redirect, AQueryAloneHasThePathSlash) {
  EXPECT_EQ(redirect("https://{host}{path}", Asked("http://h?a=b")), "https://h/?a=b");
  EXPECT_EQ(redirect("{path}", Asked("http://h?//evil.example")), "/?//evil.example");
}

TEST(Redirect, AHostThatIsNoPlainNameGoesNowhere) {
  for (const char* host : {"", "a'b", "a%0d%0ab", "a;b", "a$b"}) {
    EXPECT_EQ(redirect("https://{host}/", with_host(host)), "(none)") << host;
    EXPECT_EQ(redirect("https://x/", with_host(host)), "https://x/") << host;
  }
}

TEST(Redirect, APathIsNotAnotherSite) {
  for (const char* to : {"{path}", "/{path}", "//{path}"}) {
    for (const char* path :
         {"//evil.example/x", "///evil.example/x", "/%2Fevil", "/\\evil.example"}) {
      const std::string out = redirect(to, Asked(path));
      EXPECT_TRUE(std::string_view(to).starts_with("//") || !out.starts_with("//")) << out;
      EXPECT_EQ(out.find('\\'), std::string::npos);
    }
  }
  EXPECT_EQ(redirect("{path}", Asked("//evil.example/x")), "/evil.example/x");
}

TEST(Redirect, IsASafeFieldValueOrNothing) {
  EXPECT_EQ(redirect("/a\r\nSet-Cookie: x\x80", Asked("/")), "/a%0D%0ASet-Cookie:%20x%80");
  EXPECT_EQ(redirect("/x{path}", Asked("/" + std::string(30, 'y')), 31), "(none)");
  EXPECT_EQ(redirect("/x{path}", Asked("/" + std::string(30, 'y')), 33),
            "/x/" + std::string(30, 'y'));
  EXPECT_EQ(redirect("/x{path}", Asked("/" + std::string(30, 'y')), 32), "(none)");
}

}  // namespace
}  // namespace giliran::proxy
