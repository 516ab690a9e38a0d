#include "proxy/admission.h"

#include <utility>

#include "base/assert.h"

namespace giliran::proxy {

using balance::QueueLink;
using balance::QueueLive;

namespace {
constexpr auto kRelaxed = std::memory_order_relaxed;
}  // namespace

Waiter::~Waiter() {
  GILIRAN_ASSERT(!waits());
}

Admission::Admission(uint32_t worker, std::function<void(uint32_t)> wake)
    : worker_(worker), wake_(std::move(wake)) {
  GILIRAN_ASSERT(worker < QueueLive::kWorkersMax);
}

Admission::~Admission() {
  GILIRAN_ASSERT(!waits());
}

// --- the lists ---

// Counts it in, where there is room; never above the bound.
bool Admission::count_in(QueueLive& queue, uint32_t queue_max, bool choosy, Waiter& waiter) {
  uint32_t waiting = queue.waiting.load(kRelaxed);
  do {
    if (waiting >= queue_max) return false;
  } while (!queue.waiting.compare_exchange_weak(waiting, waiting + 1, kRelaxed));
  if (choosy) queue.choosy.fetch_add(1, kRelaxed);
  waiter.ahead = waiting;
  waiter.choosy = choosy;
  waiter.ticket = queue.tickets.fetch_add(1, kRelaxed) + 1;
  return true;
}

void Admission::link(WorkerQueue& mine, Waiter& waiter) {
  waiter.in = &mine;
  waiter.next = nullptr;
  waiter.previous = mine.last;
  if (mine.last != nullptr) {
    mine.last->next = &waiter;
    mine.last = &waiter;
    return;
  }
  mine.first = mine.last = &waiter;
  // Turns of before, for one that had left: it looks for itself now.
  mine.turns.store(0, kRelaxed);
  mine.passed.store(0, kRelaxed);
  mine.oldest.store(waiter.ticket, kRelaxed);
  mine.previous = nullptr;
  mine.next = first_;
  if (first_ != nullptr) first_->previous = &mine;
  first_ = &mine;
}

// Turns that an emptied queue had been given are given on.
void Admission::unlink(Waiter& waiter) {
  WorkerQueue& mine = *std::exchange(waiter.in, nullptr);
  QueueLive& queue = *mine.live;
  (waiter.previous != nullptr ? waiter.previous->next : mine.first) = waiter.next;
  (waiter.next != nullptr ? waiter.next->previous : mine.last) = waiter.previous;
  queue.waiting.fetch_sub(1, kRelaxed);
  if (waiter.choosy) queue.choosy.fetch_sub(1, kRelaxed);
  mine.oldest.store(mine.first == nullptr ? WorkerQueue::kNobody : mine.first->ticket, kRelaxed);
  if (mine.first != nullptr) return;
  (mine.previous != nullptr ? mine.previous->next : first_) = mine.next;
  if (mine.next != nullptr) mine.next->previous = mine.previous;
  give(queue, mine.turns.exchange(0, kRelaxed) + mine.passed.exchange(0, kRelaxed));
}

// --- coming and going ---

Admission::Outcome Admission::admit(QueueLive& queue, uint32_t queue_max, bool choosy,
                                    Waiter& waiter) {
  GILIRAN_ASSERT(!waiter.waits());
  const auto outcome = [](Turn turn) {
    return turn == Turn::kTaken ? Outcome::kGranted : Outcome::kNone;
  };
  if (queue.waiting.load(kRelaxed) == 0) {
    const Turn turn = waiter.take();
    if (turn != Turn::kFull) return outcome(turn);
  }
  if (!count_in(queue, queue_max, choosy, waiter)) return Outcome::kQueueFull;
  WorkerQueue& mine = queue.of(worker_);
  link(mine, waiter);
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (mine.first == &waiter && queue.oldest() == worker_) {
    const Turn turn = waiter.take();
    if (turn != Turn::kFull) {
      unlink(waiter);
      return outcome(turn);
    }
  } else if (queue.choosy.load(kRelaxed) != 0) {
    // Those in front may be waiting for what this one need not wait for.
    give(queue, 1);
  }
  return Outcome::kQueued;
}

void Admission::leave(Waiter& waiter) {
  if (!waiter.waits()) return;
  WorkerQueue& mine = *waiter.in;
  const bool was_first = mine.first == &waiter;
  unlink(waiter);
  if (was_first) give(*mine.live, 1);
}

void Admission::release(QueueLive& queue) {
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (queue.waiting.load(kRelaxed) != 0) give(queue, 1);
}

// --- turns ---

// To the worker whose first has waited longest.
void Admission::give(QueueLive& queue, uint32_t turns) {
  if (turns == 0) return;
  const auto worker = queue.oldest();
  if (!worker) return;
  if (queue.find(*worker)->turns.fetch_add(turns, kRelaxed) == 0) wake_(*worker);
}

// To the next one behind those that could not use it.
void Admission::pass(QueueLive& queue, uint32_t turns, uint64_t after) {
  const auto worker = queue.oldest(after);
  if (!worker) return;
  if (queue.find(*worker)->passed.fetch_add(turns, kRelaxed) == 0) wake_(*worker);
}

void Admission::serve() {
  for (WorkerQueue* queue = first_; queue != nullptr;) {
    if (queue->turns.load(kRelaxed) == 0 && queue->passed.load(kRelaxed) == 0) {
      queue = queue->next;
      continue;
    }
    serve_queue(*queue);
    queue = first_;  // what was called may have changed the list, and ended a pool
  }
}

// Serves one, at most; turns that are left stay with the queue, for serve() to see.
void Admission::serve_queue(WorkerQueue& mine) {
  QueueLive& queue = *mine.live;
  const uint32_t passed = mine.passed.exchange(0, kRelaxed);
  const uint32_t turns = mine.turns.exchange(0, kRelaxed);
  if (passed == 0 && queue.oldest() != worker_) {
    give(queue, turns);
    return;
  }
  const uint64_t first = mine.first->ticket;
  for (QueueLink* at = mine.first; at != nullptr; at = at->next) {
    auto& waiter = static_cast<Waiter&>(*at);
    const Turn turn = waiter.take();
    if (turn == Turn::kFull) {
      if (!waiter.choosy) return;
      continue;
    }
    const bool used = turn == Turn::kTaken;
    const bool used_passed = used && passed != 0;
    mine.passed.fetch_add(passed - (used_passed ? 1 : 0), kRelaxed);
    mine.turns.fetch_add(turns - (used && !used_passed ? 1 : 0), kRelaxed);
    unlink(waiter);
    waiter.on_turn(turn);
    return;
  }
  pass(queue, turns + passed, first);
}

void Admission::pump() {
  for (WorkerQueue* queue = first_; queue != nullptr; queue = queue->next) give(*queue->live, 1);
  serve();
}

}  // namespace giliran::proxy
