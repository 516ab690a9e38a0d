// Who asks, where proxies that are trusted stand between.
#pragma once

#include <span>
#include <string_view>

#include "base/address.h"
#include "base/network.h"
#include "conn/stream.h"

namespace giliran::proxy {

struct Asker {
  base::Address client;
  // How it asked the first of the proxies, where a Forwarded field said so: "http" or "https", and
  // the Host received.
  std::string_view proto = {}, host = {};
};

// Who asks: `peer`, unless that one is trusted; then, read from the right, the first address of
// X-Forwarded-For that is not trusted itself, or the leftmost where all are. Where there is no
// X-Forwarded-For, Forwarded (RFC 7239) is read in the same way. Never both: many a proxy writes
// X-Forwarded-For and lets a client's Forwarded pass; hardly any does it the other way round. All
// fields of a name are one list. What is no address ("unknown", a name) makes the rest worthless:
// then it is `peer`. Ports are those in the field, or 0. No allocation; views point into the
// fields.
Asker find_asker(const conn::Fields& fields, const base::Address& peer,
                 std::span<const base::Network> trusted);

// "192.0.2.1", "192.0.2.1:80", "2001:db8::1", "[2001:db8::1]" or "[2001:db8::1]:80"; none where it
// is something else.
base::Address parse_client_address(std::string_view text);

}  // namespace giliran::proxy
