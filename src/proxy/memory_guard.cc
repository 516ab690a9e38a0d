// Cutting instead of refusing: whoever comes new holds a few KiB, and would pay for those who
// filled the memory. Small windows come first because most who hold much are only slow.
#include "proxy/memory_guard.h"

namespace giliran::proxy {
namespace {

constexpr base::Duration kLookAgain = std::chrono::milliseconds(100);

}  // namespace

void MemoryGuard::set_limit(uint64_t bytes) {
  limit_ = bytes;
  if (bytes == 0) {
    io_.buffers().watch(0, nullptr);
    set_scarce(false);
  } else {
    io_.buffers().watch(bytes / 2, this);
  }
}

// On a timer that is due at once: it runs in this turn of the loop.
void MemoryGuard::on_over_limit() {
  const bool at_once = io_.buffers().bytes_in_use() > limit_ || !scarce_;
  const base::Instant due = io_.turn_started() + (at_once ? base::Duration{0} : kLookAgain);
  if (!timer_.armed() || timer_.deadline() > due) io_.timers().arm(timer_, due);
}

void MemoryGuard::look() {
  if (limit_ == 0) return;
  const uint64_t used = io_.buffers().bytes_in_use();
  set_scarce(used > (scarce_ ? limit_ / 8 * 3 : limit_ / 2));
  if (used > limit_) user_.free_memory(used - limit_ + limit_ / 8);
  if (scarce_) io_.arm(timer_, kLookAgain);
}

void MemoryGuard::set_scarce(bool scarce) {
  if (scarce == scarce_) return;
  scarce_ = scarce;
  user_.on_memory_scarce(scarce);
}

}  // namespace giliran::proxy
