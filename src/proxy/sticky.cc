#include "proxy/sticky.h"

#include <cstring>

#include "base/ids.h"
#include "base/text.h"

namespace giliran::proxy {
namespace {

constexpr std::string_view kAttributes = "; Path=/; HttpOnly; SameSite=Lax";
constexpr size_t kTokenSize = 16;

std::optional<uint32_t> find_in(std::string_view cookies, std::string_view name,
                                EndpointOf endpoint_of) {
  while (!cookies.empty()) {
    const size_t end = cookies.find(';');
    const std::string_view pair = base::trim(cookies.substr(0, end));
    if (pair.size() == name.size() + 1 + kTokenSize && pair.starts_with(name) &&
        pair[name.size()] == '=') {
      const auto token = base::parse_span_id(pair.substr(name.size() + 1));
      if (token) {
        if (const auto endpoint = endpoint_of(token->value)) return endpoint;
      }
    }
    if (end == std::string_view::npos) break;
    cookies.remove_prefix(end + 1);
  }
  return std::nullopt;
}

}  // namespace

std::optional<uint32_t> find_by_cookie(const conn::Fields& fields, std::string_view cookie_name,
                                       EndpointOf endpoint_of) {
  for (const conn::Field& field : fields.all()) {
    if (field.id != wire::http1::Name::kCookie) continue;
    if (const auto endpoint = find_in(field.value, cookie_name, endpoint_of)) return endpoint;
  }
  return std::nullopt;
}

std::string_view format_set_cookie(std::string_view cookie_name, uint64_t token,
                                   std::span<char> out) {
  const size_t size = cookie_name.size() + kSetCookieBytes;
  if (size > out.size()) return {};
  char* at = out.data();
  std::memcpy(at, cookie_name.data(), cookie_name.size());
  at += cookie_name.size();
  *at++ = '=';
  base::SpanId{token}.format(at);
  at += kTokenSize;
  std::memcpy(at, kAttributes.data(), kAttributes.size());
  return {out.data(), size};
}

}  // namespace giliran::proxy
