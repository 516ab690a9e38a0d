// When a closed loop issues no more requests: after exactly so many, or when it is told to stop.
#pragma once

#include <atomic>
#include <cstdint>

namespace giliran::client {

// Shared by all threads; every member may be called from any of them.
class StopRule {
 public:
  struct Ticket {
    uint64_t number = 0;  // of a request within the run, from 1, each given once; 0: none
    bool measured = true;
  };

  // requests: how many measured tickets there are in all; 0: no bound. warming: begins with a
  // warm-up, which has no bound.
  explicit StopRule(uint64_t requests, bool warming = false)
      : requests_(requests), limit_(requests), next_(warming ? 0 : kMeasuring) {}

  // A ticket for one request.
  Ticket take() {
    if (over()) return {};
    const uint64_t taken = next_.fetch_add(1, std::memory_order_acquire);
    const bool measured = (taken & kMeasuring) != 0;
    const uint64_t number = (taken & ~kMeasuring) + 1;
    if (measured && requests_ != 0 && number > limit_.load(std::memory_order_relaxed)) return {};
    return {.number = number, .measured = measured};
  }
  // Ends the warm-up. One thread only.
  void begin_measuring() {
    uint64_t taken = next_.load(std::memory_order_relaxed);
    do {
      if ((taken & kMeasuring) != 0) return;
      limit_.store(taken + requests_, std::memory_order_relaxed);
    } while (!next_.compare_exchange_weak(taken, taken | kMeasuring, std::memory_order_acq_rel));
  }
  void stop() { stopped_.store(true, std::memory_order_relaxed); }

  // Whether take() gives nothing any more.
  bool over() const {
    if (stopped_.load(std::memory_order_relaxed)) return true;
    if (requests_ == 0) return false;
    const uint64_t taken = next_.load(std::memory_order_acquire);
    return (taken & kMeasuring) != 0 &&
           (taken & ~kMeasuring) >= limit_.load(std::memory_order_relaxed);
  }

 private:
  static constexpr uint64_t kMeasuring = uint64_t{1} << 63;

  const uint64_t requests_;
  std::atomic<uint64_t> limit_;  // of the numbers; final once measuring
  std::atomic<bool> stopped_ = false;
  alignas(64) std::atomic<uint64_t> next_;  // numbers taken, and whether the warm-up is over
};

}  // namespace giliran::client
