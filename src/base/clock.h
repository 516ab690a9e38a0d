// The one door to time. Passed in everywhere; nothing of ours reads a clock another way.
#pragma once

#include "base/time.h"

namespace giliran::base {

class Clock {
 public:
  virtual ~Clock() = default;
  virtual Instant now() = 0;    // monotonic, about 20 ns a call
  virtual WallTime wall() = 0;  // calendar time
};

// The kernel's clocks. Thread-safe.
class SystemClock final : public Clock {
 public:
  Instant now() override;
  WallTime wall() override;
};

// CPU time this process (all threads) has used so far.
Duration process_cpu_time();
// CPU time of the calling thread.
Duration thread_cpu_time();

// Blocks the calling thread. For threads without a loop (the log thread, --blocking work) only.
void sleep_blocking(Duration d);

// A clock that a test or the simulator sets by hand.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(WallTime start = WallTime{1'700'000'000'000'000'000}) : start_(start) {}
  Instant now() override { return now_; }
  WallTime wall() override { return WallTime{start_.ns + now_.time_since_epoch().count()}; }
  void set(Instant t) { now_ = t; }
  void advance(Duration d) { now_ += d; }

 private:
  WallTime start_;
  Instant now_{};
};

}  // namespace giliran::base
