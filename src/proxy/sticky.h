// The cookie by which a client comes back to the server that served it before. What its token means
// is for balance::StickyTable.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/function_ref.h"
#include "conn/stream.h"

namespace giliran::proxy {

// The endpoint that a token means, if it means one.
using EndpointOf = base::FunctionRef<std::optional<uint32_t>(uint64_t token)>;

// The endpoint that the request's cookie of that name means. A token is exactly 16 lower-case hex
// digits, without quotes. Of several cookies (one of another path, or from before a server went)
// the first that means an endpoint counts. Names are compared as written; pairs end at ";", as RFC
// 6265 says, and white space around them is dropped.
std::optional<uint32_t> find_by_cookie(const conn::Fields& fields, std::string_view cookie_name,
                                       EndpointOf endpoint_of);

// What a Set-Cookie value has beside the name.
constexpr size_t kSetCookieBytes = 1 + 16 + sizeof("; Path=/; HttpOnly; SameSite=Lax") - 1;

// "NAME=0123456789abcdef; Path=/; HttpOnly; SameSite=Lax", written into `out`, which holds
// kSetCookieBytes beside the name; empty where it does not.
std::string_view format_set_cookie(std::string_view cookie_name, uint64_t token,
                                   std::span<char> out);

}  // namespace giliran::proxy
