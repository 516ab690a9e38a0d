// What is spoken on an address: HTTP, or bytes over TCP that are never parsed.
#pragma once

#include <cstdint>
#include <string_view>

namespace giliran::config {

enum class Scheme : uint8_t { kHttp, kTcp };

// "http", "tcp"
constexpr std::string_view name(Scheme scheme) {
  switch (scheme) {
    case Scheme::kHttp:
      return "http";
    case Scheme::kTcp:
      return "tcp";
  }
  return "";
}

}  // namespace giliran::config
