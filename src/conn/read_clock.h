// How long a body has been coming, without the time in which it was not read (backpressure).
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/time.h"

namespace giliran::conn {

class ReadClock {
 public:
  ReadClock() = default;  // paused
  // At the head; the body is being read.
  void start(base::Instant now) { *this = ReadClock(now); }
  // Forgets the time until now, not the bytes.
  void restart(base::Instant now) {
    took_ = {};
    moved_ = now;
    if (running()) running_since_ = now;
  }
  void pause(base::Instant now) {
    if (!running()) return;
    took_ += now - running_since_;
    running_since_ = base::kNoDeadline;
  }
  void resume(base::Instant now) {
    if (!running()) running_since_ = moved_ = now;
  }
  void read(base::Instant now, uint32_t bytes) {
    bytes_ += bytes;
    moved_ = now;
  }

  bool running() const { return running_since_ != base::kNoDeadline; }
  // The last byte, or when reading began or went on after it.
  base::Instant moved() const { return moved_; }
  // When the bytes so far become less than `rate` (bytes per second, not 0) on average, but not
  // within `grace`. Running only.
  base::Instant too_slow_at(uint32_t rate, base::Duration grace) const {
    constexpr double kSecondsMax = 1e8;  // years
    const double seconds = std::min(static_cast<double>(bytes_) / rate, kSecondsMax);
    return running_since_ - took_ + std::max(grace, base::from_seconds(seconds));
  }

 private:
  explicit ReadClock(base::Instant now) : running_since_(now), moved_(now) {}

  base::Duration took_{};  // read until running_since_
  base::Instant running_since_ = base::kNoDeadline;
  base::Instant moved_{};
  uint64_t bytes_ = 0;
};

}  // namespace giliran::conn
