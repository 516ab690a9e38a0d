// A worker's way into the log: its ring, and what it does where that is full.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>

#include "base/time.h"
#include "telemetry/log.h"
#include "telemetry/record.h"
#include "telemetry/ring.h"

namespace giliran::telemetry {

// Wakes the log thread before its interval is over. A wake-up may be missed: the interval bounds
// what that costs, and the producer needs no lock.
class Waker {
 public:
  void wake() {
    if (!asked_.exchange(true, std::memory_order_relaxed)) condition_.notify_one();
  }
  void wait(base::Duration at_most) {
    std::unique_lock lock(mutex_);
    condition_.wait_for(lock, at_most, [this] { return asked_.load(std::memory_order_relaxed); });
    asked_.store(false, std::memory_order_relaxed);
  }

 private:
  std::mutex mutex_;
  std::condition_variable condition_;
  std::atomic<bool> asked_{false};
};

class RingSink final : public RecordSink {
 public:
  // closed: nobody reads the ring any more.
  RingSink(const LogOptions& options, Waker& waker, const std::atomic<bool>& closed)
      : ring_(options.ring_bytes), full_(options.full), waker_(waker), closed_(closed) {}

  void write(const Record& record) override;

  Ring& ring() { return ring_; }
  // Records dropped so far. Thread-safe; whoever reads the ring after it has seen every record that
  // came before the last of these.
  uint64_t dropped() const { return dropped_.load(std::memory_order_acquire); }

 private:
  bool wait_for_room(const Record& record);
  void wake_where_half_full();

  Ring ring_;
  LogFull full_;
  Waker& waker_;
  const std::atomic<bool>& closed_;
  bool woke_ = false;
  uint64_t dropped_here_ = 0;  // dropped_, without a look at it
  std::atomic<uint64_t> dropped_{0};
};

}  // namespace giliran::telemetry
