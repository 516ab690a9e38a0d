// Slots and the queue: who may begin an attempt now, and who waits until another has ended.
//
// A slot is one of the `in_flight_max` of an endpoint; who takes one is for the chooser
// (proxy/choose.h), by a compare-and-swap that never goes above the limit. Where every endpoint
// that may be used is full, an exchange or flow waits in its worker's queue of that pool: an
// intrusive list, no allocation, bounded over all workers, first come first served over all
// workers.
//
// First come, first served. A ticket at joining gives the order. Who arrives while anybody waits
// joins behind. A slot that is given back is not handed over but announced: its releaser gives a
// *turn* to the worker whose first has waited longest; that worker, woken, lets its first try to
// take a slot. A turn ends when a slot was taken, or when one to whom every endpoint is as good as
// another found none (then there is none, and who gives one back later gives another turn). Where
// the order has changed meanwhile, the turn is given on to the oldest. A choosy one (it has tried
// endpoints before, and wants another) that finds none lets those behind it pass.
//
// No wake-up is lost where one waiter and one release meet: joining publishes the ticket, then
// looks for a slot once more; releasing frees the slot, then looks for tickets; with a full fence
// between the two on both sides, at least one sees the other. What more can cross (the oldest gives
// up just when a turn is on its way to it) costs at most one pump(): the oldest gets a turn then,
// whatever came before.
//
// One instance a worker, on its thread only; the pools' QueueLive is what they share.
#pragma once

#include <cstdint>
#include <functional>

#include "balance/queue_live.h"
#include "base/time.h"

namespace giliran::proxy {

// What one who wants a slot finds.
enum class Turn : uint8_t {
  kTaken,  // it has a slot now
  kFull,   // no endpoint that could be used has one
  kNone    // no endpoint can be used: waiting is in vain
};

class Waiter : private balance::QueueLink {
 public:
  // Takes a slot if there is one, and keeps it. Must not call Admission.
  virtual Turn take() = 0;
  // No longer in the queue: kTaken or kNone. Comes from serve() or pump() only, never from inside
  // admit() or release(). May do anything, also destroy itself.
  virtual void on_turn(Turn turn) = 0;

  bool waits() const { return in != nullptr; }
  // How many waited for that pool when it joined them last, over all workers.
  uint32_t waited_behind() const { return ahead; }

 protected:
  ~Waiter();

 private:
  friend class Admission;
};

class Admission {
 public:
  static constexpr base::Duration kPumpInterval = std::chrono::milliseconds(10);

  // wake(i): has serve() of worker i called soon, on its thread, and never from inside the call;
  // also for this worker's own index. May be called by any worker's Admission.
  Admission(uint32_t worker, std::function<void(uint32_t worker)> wake);
  ~Admission();

  enum class Outcome : uint8_t {
    kGranted,    // it has a slot
    kQueued,     // on_turn() follows, unless it leaves
    kQueueFull,  // `queue_max` wait already
    kNone        // no endpoint can be used
  };
  // Asks for a slot, or to wait for one. choosy: it has tried endpoints before. The pool, and so
  // `queue`, must live as long as the waiter waits.
  Outcome admit(balance::QueueLive& queue, uint32_t queue_max, bool choosy, Waiter& waiter);
  // Leaves the queue: the client has gone, or it has waited long enough.
  void leave(Waiter& waiter);

  // After a slot was given back (on this worker's thread). Calls nobody but wake().
  void release(balance::QueueLive& queue);
  // After wake().
  void serve();
  // Every kPumpInterval while anybody waits(): heals what crossed, and sees that endpoints were
  // marked down, or are to be tried again.
  void pump();
  bool waits() const { return first_ != nullptr; }

 private:
  using WorkerQueue = balance::WorkerQueue;

  static bool count_in(balance::QueueLive& queue, uint32_t queue_max, bool choosy, Waiter& waiter);
  void link(WorkerQueue& mine, Waiter& waiter);
  void unlink(Waiter& waiter);
  void give(balance::QueueLive& queue, uint32_t turns);
  void pass(balance::QueueLive& queue, uint32_t turns, uint64_t after);
  void serve_queue(WorkerQueue& mine);

  uint32_t worker_;
  std::function<void(uint32_t)> wake_;
  WorkerQueue* first_ = nullptr;  // of the queues in which somebody waits
};

}  // namespace giliran::proxy
