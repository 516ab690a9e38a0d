// The service threads of a synchronous server: one queue, first come first served, one request a
// thread at a time.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/time.h"
#include "net/io.h"

namespace giliran::server {

// What a thread does for one request. Intrusive: lives in its owner, which must outlive the job's
// on_served(). From submit() to on_served() only began() may be read by the owner.
class Job {
 public:
  Job() = default;
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;

  // When a thread took it; the epoch where none has yet. Thread-safe.
  base::Instant began() const {
    return base::Instant(base::Duration(began_ns_.load(std::memory_order_relaxed)));
  }

 protected:
  ~Job() = default;
  // On the loop that submitted it, once. `cut`: the pool was cancelled before the job was over.
  virtual void on_served(base::Instant done, bool cut) = 0;

 private:
  friend class ServicePool;
  net::Io* io_ = nullptr;
  Job* next_ = nullptr;
  base::Duration hold_{};
  base::Duration work_{};
  std::atomic<int64_t> began_ns_ = 0;
  base::Instant done_{};
  bool cut_ = false;
};

class ServicePool {
 public:
  ServicePool(uint32_t threads, base::Clock& clock) : size_(threads), clock_(clock) {}
  ~ServicePool();  // cancels and joins

  // Starts the threads, unless they have been. An error where the system gives no more threads.
  base::Result<void> start();
  // Queues: a thread will hold still for `hold`, then use `work` of CPU time. Thread-safe. Starts
  // the threads where start() was not called.
  void submit(Job& job, net::Io& io, base::Duration hold, base::Duration work);
  // From now on nothing waits or works: what is queued or under way comes back cut. Thread-safe.
  void cancel();

  uint32_t size() const { return size_; }

 private:
  base::Result<void> start_locked();
  void append(Job& job);  // under mutex_
  void run();
  Job* take();
  void serve(Job& job);
  bool hold_still(base::Duration d) const;
  bool burn(base::Duration cpu_time) const;

  const uint32_t size_;
  base::Clock& clock_;
  std::mutex mutex_;
  std::condition_variable ready_;
  Job* first_ = nullptr;  // under mutex_, like last_ and threads_
  Job* last_ = nullptr;
  std::vector<std::thread> threads_;
  std::atomic<bool> cancelled_ = false;
  bool ending_ = false;  // under mutex_
};

}  // namespace giliran::server
