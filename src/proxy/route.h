// Which route a request takes, and where a redirect sends it.
//
// A request's path is compared with a route's as a server would read it, while the target that is
// passed on stays as it was sent. Percent-encoded bytes are decoded (RFC 3986, 6.2.2) on both
// sides. Where servers read a path in different ways, all of these readings are compared:
//   - as it is, by frameworks that take nothing apart;
//   - with %2F read as a slash (WSGI), and repeated slashes merged;
//   - with dot segments removed (RFC 3986, 5.2.4);
//   - with repeated slashes merged, then dot segments removed (nginx, Go);
//   - both, with %2F read as a slash;
//   - all of it, with %5C and "\" read as a slash and ";parameters" of segments cut (Windows,
//   Tomcat).
// ".." above the root stays at the root. Where they do not all lead to the same route, or the path
// has a NUL or is longer than the scratch, the request is ambiguous and must be refused (400): it
// could reach one route's servers with another route's path. With the routes "/a" and "/b", "/%61",
// "/a%2Fx" and "/a/./x" take "/a"; "/a/../b", "/x%2F..%2Fa" and "//a" are refused.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/function_ref.h"
#include "config/coordinator.h"
#include "conn/stream.h"

namespace giliran::proxy {

// Room for a path that is taken apart: one a worker, used during a call.
struct RouteScratch {
  std::array<char, 8192> path;
};

struct RouteFound {
  enum class Kind : uint8_t { kRoute, kNone, kAmbiguous };
  Kind kind = Kind::kNone;
  uint32_t index = 0;  // where kRoute
  bool operator==(const RouteFound&) const = default;
};

using RouteAt = base::FunctionRef<const config::Route&(uint32_t)>;

// The first of `count` routes that matches.
RouteFound find_route(uint32_t count, RouteAt route_at, const conn::RequestHead& head,
                      RouteScratch& scratch);
RouteFound find_route(std::span<const config::Route> routes, const conn::RequestHead& head,
                      RouteScratch& scratch);

// Host, method and fields of the request are those of the route; its path is not looked at.
//
// Hosts: the request's without port and final dot, ignoring case; "*.example.org" stands for one or
// more labels in front. Methods: as written. Fields: of several with a name, any; a value is the
// whole value of a field, as written, lists are not split.
bool matches_but_path(const config::Route& route, const conn::RequestHead& head);

// The host of a request without port and final dot: "example.org", "[::1]"; may be empty.
std::string_view host_without_port(std::string_view authority);

// `to` with these of the request put in, written into `out`: {host} (without port and final dot),
// {port} (of its Host; 80 where that names none), {authority} (both, as its Host has them) and
// {path} (with its query). Safe as the value of a Location field: visible ASCII only, what cannot
// stand in a URI is percent-encoded, and a path cannot become another site's address
// ("//evil.example"). Absent where it does not fit, or where the host is needed and missing or not
// a plain name, IPv4 or [IPv6], or a port no number.
std::optional<std::string_view> expand_redirect(std::string_view to, const conn::RequestHead& head,
                                                std::span<char> out);

}  // namespace giliran::proxy
