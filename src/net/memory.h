// An in-memory network with virtual time: the real proxy runs on it in a test without one socket.
// Everything happens on the calling thread; the same seed gives the same run.
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "base/rng.h"
#include "net/io.h"

namespace giliran::net {

struct MemoryOptions {
  base::Duration delay_min = std::chrono::microseconds(20);  // one way, per delivery
  base::Duration delay_max = std::chrono::microseconds(200);
  double split = 0.5;             // part of deliveries that are cut in two or more at random places
  uint32_t piece_bytes_max = 0;   // of one delivery; 0: no limit
  double reset = 0;               // probability, per delivery, that the connection is reset instead
  double no_pipe = 0.1;           // part of the splices for which there is no pipe
  uint32_t window_bytes = 65536;  // bytes in flight or unread per direction before a sender waits
};

// The world: all loops, the network between them, virtual time.
class MemoryWorld {
 public:
  explicit MemoryWorld(uint64_t seed, MemoryOptions options = {});
  ~MemoryWorld();

  // A new loop of this world. Borrowed; lives as long as the world.
  Io& add_io();
  base::Clock& clock();
  base::Rng& rng();
  MemoryOptions& options();  // may be changed while running

  // What happens to connects to an address from now on.
  enum class Reach : uint8_t { kNormal, kRefused, kSilent };  // silent: never answers
  void set_reach(const base::Address& address, Reach reach);
  // Resets every open connection to or from the address (a killed process).
  void reset_all(const base::Address& address);

  // Runs events in order of virtual time until `until` or until nothing is left to happen.
  // Returns the number of events run.
  size_t run_until(base::Instant until);
  // Runs until nothing is left but timers further away than `horizon`; for "settle down".
  size_t run_for(base::Duration d);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace giliran::net
