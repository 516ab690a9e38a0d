#include "proxy/upgrade.h"

#include "base/text.h"
#include "wire/http1/characters.h"

namespace giliran::proxy {
namespace {

using wire::http1::Name;

bool begins_with(std::string_view text, std::string_view known) {
  return base::equals_ignoring_case(text.substr(0, known.size()), known);
}

bool is_http(std::string_view name) {
  for (const std::string_view known : {"h2", "h3", "http", "tls"}) {
    if (begins_with(name, known)) return true;
  }
  return false;
}

// name ["/" version]
bool may_pass(std::string_view protocol) {
  const size_t slash = protocol.find('/');
  const std::string_view name = protocol.substr(0, slash);
  if (!wire::http1::is_token(name) || is_http(name)) return false;
  return slash == std::string_view::npos || wire::http1::is_token(protocol.substr(slash + 1));
}

// What the request offered under that name; empty where it did not.
std::string_view offered(const conn::Fields& request, std::string_view name) {
  for (const conn::Field& field : request.all()) {
    if (field.id != Name::kUpgrade) continue;
    std::string_view list = field.value;
    std::string_view protocol;
    while (next_protocol(list, protocol)) {
      if (base::equals_ignoring_case(protocol, name)) return protocol;
    }
  }
  return {};
}

}  // namespace

bool next_protocol(std::string_view& list, std::string_view& protocol) {
  while (base::next_element(list, protocol)) {
    if (may_pass(protocol)) return true;
  }
  return false;
}

bool asks_for_upgrade(const conn::RequestHead& head) {
  if (!head.upgrade) return false;
  size_t bytes = 0;
  for (const conn::Field& field : head.fields.all()) {
    if (field.id != Name::kUpgrade) continue;
    std::string_view list = field.value;
    std::string_view protocol;
    while (next_protocol(list, protocol)) bytes += protocol.size() + 2;
  }
  return bytes != 0 && bytes <= kUpgradeBytesMax;
}

std::string_view agreed_protocol(const conn::RequestHead& request,
                                 const conn::ResponseHead& response) {
  std::string_view agreed;
  for (const conn::Field& field : response.fields.all()) {
    if (field.id != Name::kUpgrade) continue;
    std::string_view list = field.value;
    std::string_view named;
    while (base::next_element(list, named)) {
      const std::string_view offer = offered(request.fields, named);
      if (offer.empty()) return {};
      if (agreed.empty()) agreed = offer;
    }
  }
  return agreed;
}

}  // namespace giliran::proxy
