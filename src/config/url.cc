#include "config/url.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "config/host_port.h"
#include "config/scheme_text.h"

namespace giliran::config {
namespace {

constexpr std::string_view kForms = "expected http://HOST:PORT/PATH or tcp://HOST:PORT";

std::unexpected<base::Error> refuse(std::string_view text, std::string_view why) {
  return base::fail(fmt::format("URL '{}': {}", text, why));
}

// Whether the authority ends in a port: "[::1]" does not.
bool has_port(std::string_view authority) {
  const size_t colon = authority.rfind(':');
  if (colon == std::string_view::npos) return false;
  const size_t bracket = authority.rfind(']');
  return bracket == std::string_view::npos || bracket < colon;
}

// What RFC 3986 lets stand in a path and a query is visible ASCII; more than this need not be
// known to pass it on.
bool sendable(char c) {
  return c > ' ' && c < '\x7f';
}

}  // namespace

std::string Url::text() const {
  return fmt::format("{}://{}{}", name(scheme), scheme == Scheme::kHttp ? host : host_port, target);
}

base::Result<Url> parse_url(std::string_view text) {
  std::string_view rest = text;
  const auto scheme = take_scheme(rest);
  if (!scheme) return refuse(text, scheme.error().message);
  if (!*scheme) {
    return refuse(text, fmt::format("the scheme is missing, {}{}", kForms,
                                    lacks_scheme(text) ? fmt::format(", such as http://{}", text)
                                                       : std::string()));
  }
  Url url;
  url.scheme = **scheme;
  rest = rest.substr(0, rest.find('#'));
  const size_t authority_end = std::min(rest.find_first_of("/?"), rest.size());
  const std::string_view authority = rest.substr(0, authority_end);
  const std::string_view target = rest.substr(authority_end);
  if (authority.find('@') != std::string_view::npos) {
    return refuse(text, "user and password are not taken from a URL, send a header (-H) instead");
  }
  if (url.scheme == Scheme::kTcp && !has_port(authority)) {
    return refuse(text, fmt::format("the port is missing, {}", kForms));
  }
  url.host_port = std::string(authority);
  if (!has_port(authority)) url.host_port += ":80";
  const auto parts = split_host_port(url.host_port);
  if (!parts) return refuse(text, parts.error().message);
  if (parts->host.empty() || parts->host == "*") return refuse(text, "the host is missing");
  if (parts->port == 0) return refuse(text, "nobody can be reached on port 0");
  if (url.scheme == Scheme::kTcp) {
    if (target.empty() || target == "/") return url;
    return refuse(text, "tcp:// takes no path");
  }
  if (!std::ranges::all_of(target, sendable)) {
    return refuse(text, "spaces, control and non-ASCII characters must be written as %XX");
  }
  url.host = std::string(parts->port == 80 ? url.host_port.substr(0, url.host_port.rfind(':'))
                                           : url.host_port);
  url.target = (target.starts_with('/') ? "" : "/") + std::string(target);
  return url;
}

bool lacks_scheme(std::string_view text) {
  std::string_view rest = text;
  const auto scheme = take_scheme(rest);
  if (!scheme || *scheme) return false;
  const std::string_view authority = text.substr(0, text.find_first_of("/?#"));
  std::string host_port(authority);
  if (!has_port(authority)) host_port += ":80";
  const auto parts = split_host_port(host_port);
  if (!parts || parts->host.empty() || parts->host.starts_with("unix:")) return false;
  if (base::all_digits(parts->host)) return false;
  return has_port(authority) || authority.starts_with('[') || parts->host == "localhost" ||
         parts->host.find('.') != std::string_view::npos;
}

}  // namespace giliran::config
