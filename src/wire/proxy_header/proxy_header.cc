#include "wire/proxy_header/proxy_header.h"

#include <algorithm>

#include "wire/proxy_header/version1.h"
#include "wire/proxy_header/version2.h"

namespace giliran::wire::proxy_header {

Result parse(std::string_view bytes, Header& out) {
  out = {};
  const auto begins_with = [&](std::string_view signature) {
    const size_t seen = std::min(bytes.size(), signature.size());
    return bytes.substr(0, seen) == signature.substr(0, seen);
  };
  if (bytes.empty()) return {};
  if (begins_with(kV1Signature)) return parse_v1(bytes, out);
  if (begins_with(kV2Signature)) return parse_v2(bytes, out);
  return {.parse = Parse::kError, .problem = "no-proxy-header"};
}

void append(Version version, const base::Address& source, const base::Address& destination,
            std::string& out) {
  switch (version) {
    case Version::kV1:
      return append_v1(source, destination, out);
    case Version::kV2:
      return append_v2(source, destination, out);
  }
}

}  // namespace giliran::wire::proxy_header
