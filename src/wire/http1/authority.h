// host [":" port], as Host fields and request targets carry it (RFC 3986, 3.2).
#pragma once

#include <cstdint>
#include <string_view>

namespace giliran::wire::http1 {

enum class Port : uint8_t { kOptional, kRequired };

// Stricter than the grammar: no userinfo, no comma (a joined pair of Host fields), a port is a
// number up to 65535. An empty text is no authority.
bool is_authority(std::string_view text, Port port);

}  // namespace giliran::wire::http1
