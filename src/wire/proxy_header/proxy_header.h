// The PROXY protocol, versions 1 and 2 (haproxy.org, proxy-protocol.txt): who really connected,
// said in front of the first byte of a connection. No I/O.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/address.h"

namespace giliran::wire::proxy_header {

enum class Version : uint8_t { kV1, kV2 };

struct Header {
  Version version = Version::kV1;
  // LOCAL and UNKNOWN: the sender speaks for itself; both addresses are then none.
  base::Address source;
  base::Address destination;
};

enum class Parse : uint8_t { kDone, kNeedMore, kError };

struct Result {
  Parse parse = Parse::kNeedMore;
  uint32_t consumed = 0;          // where kDone: bytes of the header, TLVs included
  std::string_view problem = {};  // where kError: "no-proxy-header", "bad-proxy-header", ...
};

constexpr uint32_t kV1BytesMax = 107;
constexpr uint32_t kBytesMax = 4096;  // a v2 header with more is refused

// bytes: everything received so far. Strict: what is not a header of the specification is an error,
// also where it could be read by a lenient reader; a header is refused as early as it can be.
Result parse(std::string_view bytes, Header& out);

// Appends a header. Addresses of two families, none or Unix ones are sent as UNKNOWN (v1), or as
// LOCAL (v2; Unix pairs as they are).
void append(Version version, const base::Address& source, const base::Address& destination,
            std::string& out);

}  // namespace giliran::wire::proxy_header
