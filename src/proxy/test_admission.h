// A pool with slots, and jobs that want one: for the tests of the queue.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <vector>

#include "proxy/admission.h"

namespace giliran::proxy {

constexpr uint32_t kNoEndpoint = UINT32_MAX;

// A pool of endpoints with one limit each, and slots taken as the chooser does.
struct TestPool {
  TestPool(size_t endpoints, uint32_t limit_of_each) : limit(limit_of_each), in_flight(endpoints) {}
  bool take(size_t i) {
    uint32_t seen = in_flight[i].load(std::memory_order_relaxed);
    while (seen < limit) {
      if (in_flight[i].compare_exchange_weak(seen, seen + 1, std::memory_order_acquire)) {
        uint32_t most = highest.load();
        while (most < seen + 1 && !highest.compare_exchange_weak(most, seen + 1)) {
        }
        return true;
      }
    }
    return false;
  }
  uint32_t taken() const {
    uint32_t sum = 0;
    for (const auto& one : in_flight) sum += one.load();
    return sum;
  }
  const uint32_t limit;
  std::vector<std::atomic<uint32_t>> in_flight;
  std::atomic<uint32_t> highest{0};
  std::atomic<bool> all_down{false};
  balance::QueueLive queue;
};

struct Job final : Waiter {
  explicit Job(TestPool& pool_of_it) : pool(pool_of_it) {}
  Turn take() override {
    if (pool.all_down) return Turn::kNone;
    for (uint32_t i = 0; i < pool.in_flight.size(); ++i) {
      if (i != not_this && pool.take(i)) {
        endpoint = i;
        return Turn::kTaken;
      }
    }
    return Turn::kFull;
  }
  void on_turn(Turn turn) override { then(turn); }

  TestPool& pool;
  uint32_t endpoint = kNoEndpoint;
  uint32_t not_this = kNoEndpoint;  // choosy
  uint64_t number = 0;
  size_t worker = 0;
  std::function<void(Turn)> then = [](Turn) {};
};

}  // namespace giliran::proxy
