// The queue in front of a pool whose endpoints are all at their limit, as its workers share it.
// Belongs to the pool's stable identity and survives snapshots. What is done with it:
// proxy/admission.h.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>

namespace giliran::balance {

class QueueLive;
struct WorkerQueue;

// One that waits, in the list of its worker and pool.
struct QueueLink {
  QueueLink* next = nullptr;
  QueueLink* previous = nullptr;
  WorkerQueue* in = nullptr;  // null: does not wait
  uint64_t ticket = 0;        // order of arrival over all workers, from 1
  uint32_t ahead = 0;         // how many waited when it joined
  bool choosy = false;        // not every endpoint will do: it may have to let others pass
};

// Those of one worker that wait for one pool.
struct alignas(64) WorkerQueue {
  static constexpr uint64_t kNobody = UINT64_MAX;

  // --- any thread ---
  std::atomic<uint64_t> oldest{kNobody};  // ticket of the first; written by its worker
  // Turns given to this worker that it has not looked at: a slot may be free for its first. Passed
  // turns come from a worker whose older ones could not use it.
  std::atomic<uint32_t> turns{0};
  std::atomic<uint32_t> passed{0};

  // --- its worker's thread ---
  QueueLink* first = nullptr;
  QueueLink* last = nullptr;
  QueueLive* live = nullptr;
  WorkerQueue* next = nullptr;  // of this worker's queues in which somebody waits
  WorkerQueue* previous = nullptr;
};

class QueueLive {
 public:
  static constexpr uint32_t kWorkersMax = 1024;

  std::atomic<uint32_t> waiting{0};  // over all workers
  std::atomic<uint32_t> choosy{0};   // of these
  std::atomic<uint64_t> tickets{0};

  QueueLive() = default;
  QueueLive(const QueueLive&) = delete;
  QueueLive& operator=(const QueueLive&) = delete;
  ~QueueLive() {
    for (const auto& queue : queues_) delete queue.load(std::memory_order_relaxed);
  }

  // Of that worker; made at its first call. By that worker only.
  WorkerQueue& of(uint32_t worker) {
    WorkerQueue* queue = queues_[worker].load(std::memory_order_relaxed);
    if (queue != nullptr) return *queue;
    auto made = std::make_unique<WorkerQueue>();
    made->live = this;
    queue = made.release();
    queues_[worker].store(queue, std::memory_order_release);
    uint32_t seen = workers_.load(std::memory_order_relaxed);
    while (seen <= worker && !workers_.compare_exchange_weak(seen, worker + 1)) {
    }
    return *queue;
  }
  // Null where nobody of that worker has ever waited. Any thread.
  WorkerQueue* find(uint32_t worker) const {
    return queues_[worker].load(std::memory_order_acquire);
  }

  // The worker whose first has waited longest, of those that came after ticket `after`.
  std::optional<uint32_t> oldest(uint64_t after = 0) const {
    std::optional<uint32_t> found;
    uint64_t least = WorkerQueue::kNobody;
    const uint32_t workers = workers_.load(std::memory_order_acquire);
    for (uint32_t i = 0; i < workers; ++i) {
      const WorkerQueue* queue = find(i);
      if (queue == nullptr) continue;
      const uint64_t ticket = queue->oldest.load(std::memory_order_relaxed);
      if (ticket > after && ticket < least) {
        least = ticket;
        found = i;
      }
    }
    return found;
  }

 private:
  std::atomic<uint32_t> workers_{0};  // one more than the highest that has waited
  std::array<std::atomic<WorkerQueue*>, kWorkersMax> queues_{};
};

}  // namespace giliran::balance
