#include "client/resolve.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/parse.h"
#include "base/text.h"
#include "net/listen.h"

namespace giliran::client {
namespace {

std::unexpected<base::Error> refuse(std::string_view text, std::string_view why) {
  return base::fail(fmt::format(
      "'{}': {}; expected HOST:PORT:ADDRESS, as in shop.example:80:127.0.0.1", text, why));
}

base::Result<base::Address> parse_numeric(std::string_view text, uint16_t port) {
  const bool bare_v6 = text.find(':') != std::string_view::npos && !text.starts_with('[');
  const std::string host = bare_v6 ? fmt::format("[{}]", text) : std::string(text);
  auto address = base::Address::parse(fmt::format("{}:{}", host, port));
  if (!address || address->is_unix()) {
    return base::fail(fmt::format("'{}' is no numeric address", text));
  }
  return address;
}

bool is_for(const Resolve& given, std::string_view host_port) {
  const size_t colon = host_port.rfind(':');
  if (colon == std::string_view::npos) return false;
  const auto port = base::parse_port(host_port.substr(colon + 1));
  return port && *port == given.port &&
         (given.host == "*" || base::equals_ignoring_case(given.host, host_port.substr(0, colon)));
}

std::string listed(std::span<const Resolve> given) {
  std::string text;
  for (const Resolve& one : given) {
    text += fmt::format("{}{}:{}", text.empty() ? "" : ", ", one.host, one.port);
  }
  return text;
}

}  // namespace

base::Result<Resolve> parse_resolve(std::string_view text) {
  std::string_view rest = text;
  if (rest.starts_with('+')) rest.remove_prefix(1);
  const size_t host_end = rest.find(':');
  const size_t port_end =
      host_end == std::string_view::npos ? host_end : rest.find(':', host_end + 1);
  if (port_end == std::string_view::npos || host_end == 0) return refuse(text, "a part is missing");
  Resolve made{.host = std::string(rest.substr(0, host_end))};
  const auto port = base::parse_port(rest.substr(host_end + 1, port_end - host_end - 1));
  if (!port) return refuse(text, port.error().message);
  made.port = *port;
  rest.remove_prefix(port_end + 1);
  while (true) {
    const size_t end = std::min(rest.find(','), rest.size());
    auto address = parse_numeric(rest.substr(0, end), made.port);
    if (!address) return refuse(text, address.error().message);
    if (std::ranges::find(made.addresses, *address) == made.addresses.end()) {
      made.addresses.push_back(*address);
    }
    if (end == rest.size()) return made;
    rest.remove_prefix(end + 1);
  }
}

base::Result<std::vector<base::Address>> resolve(std::string_view host_port,
                                                 std::span<const Resolve> given) {
  std::vector<base::Address> addresses;
  const auto mine = std::ranges::find_if(
      given, [host_port](const Resolve& one) { return is_for(one, host_port); });
  if (mine != given.end()) {
    addresses = mine->addresses;
  } else if (!given.empty()) {
    return base::fail(fmt::format("--resolve: it is for {}, and the URL's server is {}",
                                  listed(given), host_port));
  } else {
    addresses = GILIRAN_TRY(net::resolve(host_port));
  }
  std::ranges::stable_partition(addresses,
                                [](const base::Address& a) { return a.family() == AF_INET; });
  return addresses;
}

}  // namespace giliran::client
