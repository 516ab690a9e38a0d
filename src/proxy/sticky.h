// The cookie by which a client comes back to the server that served it before. What its token means
// is for balance::StickyTable.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "conn/stream.h"

namespace giliran::proxy {

// The token in the request's cookie of that name: exactly 16 lower-case hex digits, without quotes.
// Of several, the first that is one. Names are compared as written; pairs end at ";", as RFC 6265
// says, and white space around them is dropped.
std::optional<uint64_t> find_token(const conn::Fields& fields, std::string_view cookie_name);

// What a Set-Cookie value has beside the name.
constexpr size_t kSetCookieBytes = 1 + 16 + sizeof("; Path=/; HttpOnly; SameSite=Lax") - 1;

// "NAME=0123456789abcdef; Path=/; HttpOnly; SameSite=Lax", written into `out`, which holds
// kSetCookieBytes beside the name; empty where it does not.
std::string_view format_set_cookie(std::string_view cookie_name, uint64_t token,
                                   std::span<char> out);

}  // namespace giliran::proxy
