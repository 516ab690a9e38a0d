// For tests: runs a loop, real or in memory, until something has come true.
#pragma once

#include "net/io.h"
#include "net/memory.h"

namespace giliran::net {

// Runs an epoll loop until predicate() holds, looked at about every 0.2 ms; false where it did not
// within `bound`.
template <typename Predicate>
bool run_until(Io& io, Predicate predicate, base::Duration bound = std::chrono::seconds(10)) {
  struct Poll final : Timer {
    Poll(Io& loop, Predicate& what, base::Duration longest)
        : io(loop), predicate(what), end(loop.now() + longest) {}
    void on_timer() override {
      if (predicate() || io.now() >= end) return io.stop();
      io.timers().arm(*this, io.turn_started() + std::chrono::microseconds(200));
    }
    Io& io;
    Predicate& predicate;
    base::Instant end;
  };
  if (predicate()) return true;
  Poll poll(io, predicate, bound);
  io.timers().arm(poll, io.turn_started());
  io.run();
  return predicate();
}

// The same for the in-memory network, in virtual time.
template <typename Predicate>
bool run_until(MemoryWorld& world, Predicate predicate,
               base::Duration bound = std::chrono::seconds(60)) {
  const base::Instant end = world.clock().now() + bound;
  while (!predicate()) {
    if (world.clock().now() >= end) return false;
    world.run_for(std::chrono::microseconds(100));
  }
  return true;
}

}  // namespace giliran::net
