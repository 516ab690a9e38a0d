#include "telemetry/log_sink.h"

#include "base/clock.h"
#include "telemetry/entry.h"

namespace giliran::telemetry {

namespace {

constexpr auto kWaitForRoom = std::chrono::microseconds(200);

}  // namespace

void RingSink::write(const Record& record) {
  if (!put_entry(record, dropped_here_, ring_) && !wait_for_room(record)) {
    dropped_.store(++dropped_here_, std::memory_order_release);
    return;
  }
  wake_where_half_full();
}

// False where the record is to be dropped: by choice, or because nobody reads any more.
bool RingSink::wait_for_room(const Record& record) {
  if (full_ == LogFull::kDrop) return false;
  while (!closed_.load(std::memory_order_acquire)) {
    waker_.wake();
    base::sleep_blocking(kWaitForRoom);
    if (put_entry(record, dropped_here_, ring_)) return true;
  }
  return false;
}

void RingSink::wake_where_half_full() {
  const size_t half = ring_.capacity() / 2;
  if (ring_.used_at_most() < half) {
    woke_ = false;
  } else if (ring_.used() < half) {
    woke_ = false;
  } else if (!woke_) {
    woke_ = true;
    waker_.wake();
  }
}

}  // namespace giliran::telemetry
