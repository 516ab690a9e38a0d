// --server HOST:PORT[=WEIGHT]: one server of a pool, as flags and configuration write it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace giliran::config {

constexpr uint32_t kWeightMax = 256;

struct ServerSpec {
  std::string host_port;  // as written; "unix:/path" too. Names are resolved in net
  uint32_t weight = 1;    // 1..kWeightMax
  bool operator==(const ServerSpec&) const = default;
};

// An error quotes the text and says what is wrong with it.
base::Result<ServerSpec> parse_server_spec(std::string_view text);
// HOST:PORT or unix:/path alone.
base::Result<void> parse_server_address(std::string_view text);
// In the order given. An address that comes twice is an error that names both positions (from 1).
base::Result<std::vector<ServerSpec>> parse_server_list(std::span<const std::string> texts);

}  // namespace giliran::config
