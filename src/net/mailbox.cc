#include "net/mailbox.h"

#include <cerrno>
#include <cstdint>

namespace giliran::net {

void Mailbox::wake() {
  const uint64_t one = 1;
  while (::write(wake_fd_.get(), &one, sizeof one) < 0 && errno == EINTR) {
  }
}

void Mailbox::post(std::function<void()> task) {
  bool was_empty = false;
  {
    const std::lock_guard lock(mutex_);
    was_empty = tasks_.empty();
    tasks_.push_back(std::move(task));
  }
  if (was_empty) wake();
}

void Mailbox::stop() {
  stop_.store(true, std::memory_order_release);
  wake();
}

void Mailbox::acknowledge() {
  uint64_t count = 0;
  while (::read(wake_fd_.get(), &count, sizeof count) < 0 && errno == EINTR) {
  }
}

size_t Mailbox::run_tasks() {
  {
    const std::lock_guard lock(mutex_);
    running_.swap(tasks_);
  }
  const size_t count = running_.size();
  for (std::function<void()>& task : running_) {
    std::function<void()> mine = std::move(task);
    mine();
  }
  running_.clear();
  return count;
}

}  // namespace giliran::net
