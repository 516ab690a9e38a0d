// Whom a fan-out may call: only addresses the operator named (--allow-to), so that a server cannot
// be used to reach others.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/address.h"
#include "base/error.h"

namespace giliran::server {

// A request that is answered with a status and one line of text instead.
struct Refusal {
  uint16_t status = 400;
  std::string text;
};

struct Target {
  std::string url;        // as asked for
  std::string authority;  // HOST:PORT, for the Host field
  std::string path;       // "/..." with the query
  base::Address address;
};

class AllowTo {
 public:
  AllowTo() = default;  // nobody
  // Each "HOST:PORT" (resolved now; blocks) or "loopback": any port of 127.0.0.0/8, [::1] and
  // localhost. An error names the flag.
  static base::Result<AllowTo> make(const std::vector<std::string>& list);

  // url: http://HOST:PORT[/PATH]. 400 where it is not that, 403 where it is not allowed.
  std::expected<Target, Refusal> find(std::string_view url) const;

 private:
  bool loopback_ = false;
  std::vector<std::pair<std::string, base::Address>> named_;
};

}  // namespace giliran::server
