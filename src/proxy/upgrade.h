// Protocols to switch to (RFC 9110, 7.8): which offers of a client pass, and whether an answer
// takes one of them.
//
// What never passes is more HTTP: h2, h2c and h3 in any draft's spelling, http, https and tls. A
// tunnel of one of these would carry requests past routes, limits and records. The class counts,
// not the spelling: names are compared by how they begin, ignoring case, and what is no protocol
// by the grammar ("h2c" in quotes, with parameters) does not pass either.
#pragma once

#include <string_view>

#include "conn/stream.h"

namespace giliran::proxy {

// Of a longer list, all fields taken together, nothing passes.
constexpr size_t kUpgradeBytesMax = 256;

// Takes the next protocol that may pass off the front of an Upgrade field's value, as written:
// "websocket", "foo/2". False at the end.
bool next_protocol(std::string_view& list, std::string_view& protocol);

// A request that offers such a protocol. It may have a body: that comes first.
bool asks_for_upgrade(const conn::RequestHead& head);

// The protocol a 101 switches to (the lowest, of several layers), as the request offered it. Empty
// where it names none, or one that was not offered: a bad answer. Names ignore case.
std::string_view agreed_protocol(const conn::RequestHead& request,
                                 const conn::ResponseHead& response);

}  // namespace giliran::proxy
