#include "server/service_pool.h"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>

#include "base/rng.h"

namespace giliran::server {
namespace {

// How long a thread may be deaf to cancel().
constexpr base::Duration kSleepMax = std::chrono::milliseconds(50);

}  // namespace

ServicePool::~ServicePool() {
  cancel();
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  ready_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

base::Result<void> ServicePool::start() {
  const std::lock_guard lock(mutex_);
  return start_locked();
}

base::Result<void> ServicePool::start_locked() {
  if (!threads_.empty()) return {};
  threads_.reserve(size_);
  try {
    for (uint32_t i = 0; i < size_; ++i) threads_.emplace_back([this] { run(); });
  } catch (const std::system_error& error) {
    return base::fail(fmt::format("the system gives only {} of {} threads ({}); use --threads {}",
                                  threads_.size(), size_, error.what(), threads_.size()));
  }
  return {};
}

void ServicePool::submit(Job& job, net::Io& io, base::Duration hold, base::Duration work) {
  job.io_ = &io;
  job.next_ = nullptr;
  job.hold_ = hold;
  job.work_ = work;
  job.cut_ = false;
  job.began_ns_.store(0, std::memory_order_relaxed);
  bool queued = false;
  {
    const std::lock_guard lock(mutex_);
    // Asked for by a query on a server that had no need of threads until now. With at least one
    // the queue moves.
    queued = start_locked() || !threads_.empty();
    if (queued) append(job);
  }
  // Where queued, a thread may have the job by now: it is not looked at again.
  if (queued) {
    ready_.notify_one();
  } else {
    io.post([&job] { job.on_served(job.done_, true); });
  }
}

void ServicePool::append(Job& job) {
  if (last_ == nullptr) {
    first_ = &job;
  } else {
    last_->next_ = &job;
  }
  last_ = &job;
}

void ServicePool::cancel() {
  cancelled_.store(true, std::memory_order_relaxed);
}

Job* ServicePool::take() {
  std::unique_lock lock(mutex_);
  ready_.wait(lock, [this] { return first_ != nullptr || ending_; });
  Job* job = first_;
  if (job == nullptr) return nullptr;
  first_ = job->next_;
  if (first_ == nullptr) last_ = nullptr;
  return job;
}

void ServicePool::run() {
  while (Job* job = take()) serve(*job);
}

void ServicePool::serve(Job& job) {
  const bool skip = cancelled_.load(std::memory_order_relaxed);
  job.began_ns_.store(clock_.now().time_since_epoch().count(), std::memory_order_relaxed);
  job.cut_ = skip || !hold_still(job.hold_) || !burn(job.work_);
  job.done_ = clock_.now();
  job.io_->post([&job] { job.on_served(job.done_, job.cut_); });
}

bool ServicePool::hold_still(base::Duration d) const {
  if (d.count() <= 0) return true;
  const base::Instant end = clock_.now() + d;
  for (base::Duration left = d; left.count() > 0; left = end - clock_.now()) {
    if (cancelled_.load(std::memory_order_relaxed)) return false;
    base::sleep_blocking(std::min(left, kSleepMax));
  }
  return true;
}

bool ServicePool::burn(base::Duration cpu_time) const {
  if (cpu_time.count() <= 0) return true;
  const base::Duration end = base::thread_cpu_time() + cpu_time;
  base::Rng busy(1);
  volatile uint64_t sink = 0;
  while (base::thread_cpu_time() < end) {
    if (cancelled_.load(std::memory_order_relaxed)) return false;
    for (int i = 0; i < 1000; ++i) sink = busy.next();
  }
  (void)sink;
  return true;
}

}  // namespace giliran::server
