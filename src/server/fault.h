// Failures a server makes on purpose: --fail RATE[:STATUS|:reset].
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace giliran::server {

struct FaultSpec {
  enum class Kind : uint8_t {
    kStatus,  // answer with `status`, at once
    kReset    // cut the connection with RST
  };
  double rate = 0;  // of requests and messages, 0..1
  Kind kind = Kind::kStatus;
  uint16_t status = 500;

  // "1%", "0.01:503", "5%:reset".
  static base::Result<FaultSpec> parse(std::string_view text);

  // Whether request `number` (of this server, from 1) fails: the same for the same seed, whatever
  // the number of threads.
  bool hits(uint64_t seed, uint64_t number) const;
  std::string text() const;  // "1%:503"; "none" where the rate is 0
};

}  // namespace giliran::server
