// Who asks, where proxies that are trusted stand between.
#pragma once

#include <span>
#include <string_view>

#include "base/address.h"
#include "base/network.h"
#include "conn/stream.h"

namespace giliran::proxy {

// The address a request comes from: of `peer`, unless that one is trusted; then, read from the
// right, the first address of X-Forwarded-For (all fields of that name are one list) that is not
// trusted itself, or the leftmost where all are. What is no address ("unknown", a name) makes the
// rest worthless: then it is `peer`. Ports are those in the field, or 0. No allocation.
base::Address client_address(const conn::Fields& fields, const base::Address& peer,
                             std::span<const base::Network> trusted);

// "192.0.2.1", "192.0.2.1:80", "2001:db8::1", "[2001:db8::1]" or "[2001:db8::1]:80"; none where it
// is something else.
base::Address parse_client_address(std::string_view text);

}  // namespace giliran::proxy
