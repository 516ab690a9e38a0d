// Version 2: binary, with addresses of three families and TLVs behind them.
#pragma once

#include <string>
#include <string_view>

#include "base/address.h"
#include "wire/proxy_header/proxy_header.h"

namespace giliran::wire::proxy_header {

constexpr std::string_view kV2Signature("\r\n\r\n\0\r\nQUIT\n", 12);

// bytes: begin with the signature, or are a front of it; not empty.
Result parse_v2(std::string_view bytes, Header& out);
void append_v2(const base::Address& source, const base::Address& destination, std::string& out);

}  // namespace giliran::wire::proxy_header
