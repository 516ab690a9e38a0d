// What the workers of one process share beside the snapshot: atomics, and a way to each other.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>

#include "proxy/rate_limiter.h"

namespace giliran::proxy {

struct Shared {
  std::atomic<uint32_t> connections{0};       // clients' connections open now
  std::unique_ptr<RateLimiter> rate_limiter;  // null: no limit can be set
  // Has worker `index` look at its queues on its own thread. Any thread; empty where there is one
  // worker.
  std::function<void(uint32_t index)> wake;
};

}  // namespace giliran::proxy
