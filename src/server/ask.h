// What a request asks of the server: read from its path and query. Pure.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/distribution.h"
#include "server/allow_to.h"

namespace giliran::server {

constexpr size_t kTargetsMax = 16;                                  // calls of one fan-out
constexpr base::Duration kAskedTimeMax = std::chrono::seconds(60);  // one delay or work of a query
constexpr uint64_t kAskedBodyBytesMax = uint64_t{256} << 20;

enum class Resource : uint8_t {
  kAny,     // answers with the server's name
  kHealth,  // GET /health: "ok", without delay and fault
  kEcho,    // POST /echo: the body back
  kFanOut   // GET /fanout?to=URL&to=URL: calls others
};

// Parameters not known here are the caller's own and mean nothing.
struct Ask {
  Resource resource = Resource::kAny;
  std::optional<base::Distribution> delay;  // ?delay=DIST
  std::optional<base::Distribution> work;   // ?work=DIST
  std::optional<uint64_t> body_bytes;       // ?body=BYTES
  uint16_t status = 200;                    // ?status=200..599
  std::vector<std::string> targets;         // ?to=URL, repeated
};

// path: origin form, with its query. No allocation where there is no query.
std::expected<Ask, Refusal> parse_ask(std::string_view path);

// %41 -> A, + stays; a '%' that is not followed by two hex digits stands for itself, so that
// ?delay=bimodal(5ms,1%:200ms) can be typed.
std::string percent_decode(std::string_view text);

}  // namespace giliran::server
