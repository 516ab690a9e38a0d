#include "proxy/client_address.h"

#include <arpa/inet.h>

#include <charconv>
#include <cstring>

#include "base/text.h"
#include "proxy/forwarded_field.h"

namespace giliran::proxy {
namespace {

using wire::http1::Name;

// inet_pton() wants a terminated text.
bool numeric(int family, std::string_view host, void* out) {
  char text[INET6_ADDRSTRLEN];
  if (host.size() >= sizeof text || host.find('\0') != std::string_view::npos) return false;
  std::memcpy(text, host.data(), host.size());
  text[host.size()] = '\0';
  return inet_pton(family, text, out) == 1;
}

bool parse_port(std::string_view digits, uint16_t& port) {
  const char* const end = digits.data() + digits.size();
  const auto [at, error] = std::from_chars(digits.data(), end, port);
  return at == end && error == std::errc();
}

base::Address parse_ipv4(std::string_view host, uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  if (!numeric(AF_INET, host, &address.sin_addr)) return {};
  return base::Address::from_sockaddr(reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

base::Address parse_ipv6(std::string_view host, uint16_t port) {
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(port);
  if (!numeric(AF_INET6, host, &address.sin6_addr)) return {};
  return base::Address::from_sockaddr(reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

// Takes the last element off a list, trimmed; false at its front. Skips empty ones.
bool last_element(std::string_view& list, std::string_view& element) {
  while (!list.empty()) {
    const size_t comma = list.rfind(',');
    element = base::trim(comma == std::string_view::npos ? list : list.substr(comma + 1));
    list = comma == std::string_view::npos ? std::string_view() : list.substr(0, comma);
    if (!element.empty()) return true;
  }
  return false;
}

Asker read_forwarded(std::string_view element) {
  const ForwardedElement read = parse_forwarded(element);
  return {.client = read.client, .proto = read.proto, .host = read.host};
}

}  // namespace

base::Address parse_client_address(std::string_view text) {
  uint16_t port = 0;
  if (text.starts_with('[')) {
    const size_t bracket = text.find(']');
    if (bracket == std::string_view::npos) return {};
    const std::string_view rest = text.substr(bracket + 1);
    if (!rest.empty() && (rest.front() != ':' || !parse_port(rest.substr(1), port))) return {};
    return parse_ipv6(text.substr(1, bracket - 1), port);
  }
  const size_t colon = text.find(':');
  if (colon != std::string_view::npos && colon != text.rfind(':')) return parse_ipv6(text, 0);
  if (colon == std::string_view::npos) return parse_ipv4(text, 0);
  if (!parse_port(text.substr(colon + 1), port)) return {};
  return parse_ipv4(text.substr(0, colon), port);
}

Asker find_asker(const conn::Fields& fields, const base::Address& peer,
                 std::span<const base::Network> trusted) {
  if (!base::any_contains(trusted, peer)) return {.client = peer};
  const bool usual = fields.find(Name::kXForwardedFor).data() != nullptr;
  const Name name = usual ? Name::kXForwardedFor : Name::kForwarded;
  Asker asker{.client = peer};
  for (uint32_t i = fields.count; i > 0; --i) {
    const conn::Field& field = fields.items[i - 1];
    if (field.id != name) continue;
    std::string_view list = field.value;
    std::string_view element;
    while (usual ? last_element(list, element) : last_forwarded(list, element)) {
      asker = usual ? Asker{.client = parse_client_address(element)} : read_forwarded(element);
      if (asker.client.none()) return {.client = peer};
      if (!base::any_contains(trusted, asker.client)) return asker;
    }
  }
  return asker;
}

}  // namespace giliran::proxy
