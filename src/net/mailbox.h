// Tasks from other threads to one loop: a locked queue with an eventfd to wake it.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <vector>

#include "net/descriptor.h"

namespace giliran::net {

class Mailbox {
 public:
  // wake_fd: an eventfd, readable where there are tasks or a stop.
  explicit Mailbox(Descriptor wake_fd) : wake_fd_(std::move(wake_fd)) {}

  // Thread-safe. One write to the eventfd for each time the queue stops being empty.
  void post(std::function<void()> task);
  // Thread-safe.
  void stop();

  // --- the loop's thread ---
  int wake_fd() const { return wake_fd_.get(); }
  // Takes the signal of the eventfd back, once it has been seen.
  void acknowledge();
  // Runs what has been posted until now, in order; returns how many tasks.
  size_t run_tasks();
  // Whether stop() was called since the last true answer.
  bool take_stop() { return stop_.exchange(false, std::memory_order_acq_rel); }

 private:
  void wake();

  Descriptor wake_fd_;
  std::mutex mutex_;
  std::vector<std::function<void()>> tasks_;  // under mutex_
  std::vector<std::function<void()>> running_;
  std::atomic<bool> stop_ = false;
};

}  // namespace giliran::net
