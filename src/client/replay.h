// The requests of an access log, to be sent again at the times they came.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time.h"

namespace giliran::client {

enum class LogKind : uint8_t {
  kOurs,     // JSON, docs/formats/record.md
  kHttplog,  // HAProxy's
  kCombined  // NGINX's and Apache's
};
std::string_view name(LogKind kind);  // "giliran", "httplog", "combined"

struct ReplayOptions {
  std::string path{};
  double speed = 1;                   // above 0; 2: in half the time
  uint64_t requests_max = 0;          // 0: all
  base::Duration until{};             // those due before; 0: all
  size_t head_bytes_left = SIZE_MAX;  // what method and target of a request may have together
};

struct Replay {
  // In the order they are due.
  struct Request {
    base::Duration due{};     // since the start, `speed` considered; the first at 0
    uint32_t target = 0;      // of `targets`
    uint32_t body_bytes = 0;  // where the log told; else 0
    uint32_t order = 0;       // its place in the log
    uint16_t method = 0;      // of `methods`
  };
  std::string file{};
  LogKind kind = LogKind::kOurs;
  double speed = 1;
  std::vector<Request> requests{};
  std::vector<std::string> methods{};
  std::vector<std::string> targets{};  // origin form
  uint64_t unreadable = 0;             // lines not understood
  uint64_t skipped = 0;            // understood, but not to be sent: flows, CONNECT, cut targets
  uint64_t too_long = 0;           // of the skipped: their heads would be above head_bytes_max
  std::string first_unreadable{};  // its beginning, with its number in front
  uint32_t body_bytes_max = 0;

  uint64_t left_out() const { return unreadable + skipped; }
};

// The kind of the log is seen from its first line that is understood. Times of whole seconds
// (combined) are spread evenly over their second, in the order of the log. An error where nothing
// in it can be replayed.
base::Result<Replay> read_replay(const ReplayOptions& options);
// The same of a text; for tests and fuzzers.
base::Result<Replay> parse_replay(const ReplayOptions& options, std::string_view text);

// "replay of LOG: 1,234 requests in 10.0 s, 2 lines not understood"
std::string text(const Replay& replay);

}  // namespace giliran::client
