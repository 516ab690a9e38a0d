// The Forwarded field (RFC 7239) that proxies in front of us write:
//   for="[2001:db8::1]:4711";proto=https;host=a.example, for=192.0.2.7
//
// It is read from its end: each proxy appends, so that what is right of an element was written
// later, by somebody nearer. Whatever an untrusted client put in front, an open quote say, changes
// nothing of what was appended to it.
#pragma once

#include <string_view>

#include "base/address.h"

namespace giliran::proxy {

// Takes the last element off a field's value, trimmed; false at its front. Skips empty ones. A
// comma in a quoted string ends nothing.
bool last_forwarded(std::string_view& list, std::string_view& element);

// "http" or "https", whatever the case of `text`; empty: it is neither.
std::string_view known_proto(std::string_view text);

struct ForwardedElement {
  // Who asked (`for`); none where nothing says it, or nothing that is an address: "unknown", an
  // obfuscated name ("_hidden"), a malformed element. An obfuscated port is 0.
  base::Address client;
  std::string_view proto = {};  // how: "http" or "https"; empty: not said
  std::string_view host = {};   // the Host received; empty: not said, or no authority
};
ForwardedElement parse_forwarded(std::string_view element);

}  // namespace giliran::proxy
