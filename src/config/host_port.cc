#include "config/host_port.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/address.h"
#include "base/parse.h"
#include "base/text.h"

namespace giliran::config {
namespace {

constexpr std::string_view kUnixPrefix = "unix:";

bool name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_';
}

base::Result<void> check_name(std::string_view host) {
  const size_t colon = host.find(':');
  if (colon != std::string_view::npos && host.find_first_of(", ;") != std::string_view::npos) {
    return base::fail("there are several in it: give each on its own");
  }
  if (colon != std::string_view::npos && host.find('.') < colon) {
    return base::fail("a second ':' has no meaning here (a server's weight stands behind a '=')");
  }
  if (colon != std::string_view::npos) {
    return base::fail("an IPv6 address needs brackets, such as [::1]:80");
  }
  if (host.size() > 253) return base::fail("the host is longer than 253 characters");
  if (host == "*" || std::ranges::all_of(host, name_character)) return {};
  return base::fail(fmt::format("'{}' is not a host name", host));
}

}  // namespace

base::Result<HostPort> split_host_port(std::string_view text) {
  if (text.starts_with(kUnixPrefix)) {
    const auto address = base::Address::parse(text);
    if (!address) return std::unexpected(address.error());
    return HostPort{.host = text};
  }
  const bool bracketed = text.starts_with('[');
  const size_t bracket = text.rfind(']');
  const size_t colon = text.rfind(':');
  if (bracketed && bracket == std::string_view::npos) return base::fail("']' is missing");
  if (colon == std::string_view::npos || (bracketed && colon < bracket)) {
    return base::fail("the port is missing, expected HOST:PORT");
  }
  HostPort out{.host = text.substr(0, colon)};
  out.port = GILIRAN_TRY(base::parse_port(text.substr(colon + 1)));
  if (!bracketed) {
    if (auto named = check_name(out.host); !named) return std::unexpected(named.error());
    return out;
  }
  const auto address = base::Address::parse(text);
  if (!address) return std::unexpected(address.error());
  out.host = text.substr(1, bracket - 1);
  return out;
}

std::string canonical(const HostPort& address) {
  if (address.host.starts_with(kUnixPrefix)) return std::string(address.host);
  std::string host(address.host);
  for (char& c : host) c = base::to_lower(c);
  return fmt::format("{} {}", host, address.port);
}

}  // namespace giliran::config
