// How a server behaves: what may change while it serves, by a file that is read again.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "base/distribution.h"
#include "base/error.h"
#include "config/key.h"
#include "server/fault.h"

namespace giliran::server {

constexpr double kSlowdownMax = 1000;
constexpr uint64_t kBodyBytesMax = uint64_t{1} << 30;

// What fell to one request: drawn from the seed and its number, so that the same requests in the
// same order fare the same whatever the threads.
struct Lot {
  bool fault = false;
  bool needs_thread = false;
  FaultSpec::Kind fault_kind = FaultSpec::Kind::kStatus;
  uint16_t fault_status = 0;
  base::Duration hold{};   // the delay, where it holds the thread
  base::Duration work{};   // CPU time on the thread
  base::Duration delay{};  // the delay, where a timer makes it: after the work
};

struct Character {
  base::Distribution delay{};
  base::Distribution work{};
  bool blocking = false;  // a delay holds its thread
  double slowdown = 1;    // delay and work take so many times as long, those of the query too
  FaultSpec fail{};
  std::optional<uint64_t> body_bytes{};  // none: the name and a line end

  bool needs_threads() const { return blocking || !work.zero(); }
  // asked_delay, asked_work: of the query; null: the server's own.
  Lot draw(uint64_t seed, uint64_t number, const base::Distribution* asked_delay,
           const base::Distribution* asked_work) const;
  // "delay 5ms (blocking), work 0, fail none, body 16KiB, slowdown 10"
  std::string text() const;
};

// The keys of a server's file: docs/configuration.md.
std::span<const config::Key<Character>> character_keys();
// An error has a line for each problem: "FILE:LINE:COLUMN: key 'x': bad value 'y': expected ...".
base::Result<Character> parse_character(std::string_view text, std::string_view file);
base::Result<Character> load_character(const std::string& path);

}  // namespace giliran::server
