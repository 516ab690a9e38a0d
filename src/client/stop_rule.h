// When a run issues no more requests: after exactly so many, or when it is told to stop.
#pragma once

#include <atomic>
#include <cstdint>

namespace giliran::client {

// Shared by all threads; every member may be called from any of them.
class StopRule {
 public:
  // requests: how many tickets there are in all; 0: no bound.
  explicit StopRule(uint64_t requests) : requests_(requests) {}

  // A ticket for one request: its number within the run, from 1, each given once; or 0 where no
  // more may be issued.
  uint64_t take() {
    if (over()) return 0;
    const uint64_t ticket = next_.fetch_add(1, std::memory_order_relaxed) + 1;
    return requests_ != 0 && ticket > requests_ ? 0 : ticket;
  }
  void stop() { stopped_.store(true, std::memory_order_relaxed); }

  // Whether take() gives nothing any more.
  bool over() const {
    return stopped_.load(std::memory_order_relaxed) ||
           (requests_ != 0 && next_.load(std::memory_order_relaxed) >= requests_);
  }

 private:
  const uint64_t requests_;
  std::atomic<bool> stopped_ = false;
  alignas(64) std::atomic<uint64_t> next_ = 0;
};

}  // namespace giliran::client
