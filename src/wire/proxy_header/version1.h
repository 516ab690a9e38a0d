// Version 1: one line of text.
#pragma once

#include <string>
#include <string_view>

#include "base/address.h"
#include "wire/proxy_header/proxy_header.h"

namespace giliran::wire::proxy_header {

constexpr std::string_view kV1Signature = "PROXY ";

// bytes: begin with the signature, or are a front of it; not empty.
Result parse_v1(std::string_view bytes, Header& out);
void append_v1(const base::Address& source, const base::Address& destination, std::string& out);

}  // namespace giliran::wire::proxy_header
