#include "telemetry/ring.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/assert.h"

namespace giliran::telemetry {

namespace {

constexpr size_t round_up(size_t n) {
  return (n + 7) & ~size_t{7};
}

}  // namespace

Ring::Ring(size_t bytes)
    : capacity_(std::bit_ceil(std::max(bytes, kBytesMin))), bytes_(new char[capacity_]) {}

size_t Ring::used() {
  known_tail_ = tail_.load(std::memory_order_acquire);
  return used_at_most();
}

char* Ring::reserve(size_t size) {
  GILIRAN_ASSERT(size <= entry_max());
  const size_t need = kHead + round_up(size);
  const size_t to_end = capacity_ - static_cast<size_t>(written_ & (capacity_ - 1));
  const size_t skip = to_end < need ? to_end : 0;
  if (used_at_most() + skip + need > capacity_ && used() + skip + need > capacity_) return nullptr;
  if (skip != 0) std::memcpy(at(written_), &kPad, kHead);
  const uint64_t start = written_ + skip;
  const uint64_t size_word = size;
  std::memcpy(at(start), &size_word, kHead);
  reserved_ = start + need;
  return at(start) + kHead;
}

void Ring::commit() {
  written_ = reserved_;
  head_.store(written_, std::memory_order_release);
}

std::string_view Ring::front() {
  for (;;) {
    if (read_ == known_head_) {
      known_head_ = head_.load(std::memory_order_acquire);
      if (read_ == known_head_) return {};
    }
    uint64_t size = 0;
    std::memcpy(&size, at(read_), kHead);
    if (size != kPad) {
      front_end_ = read_ + kHead + round_up(static_cast<size_t>(size));
      return {at(read_) + kHead, static_cast<size_t>(size)};
    }
    read_ += capacity_ - (read_ & (capacity_ - 1));
  }
}

void Ring::pop() {
  read_ = front_end_;
  tail_.store(read_, std::memory_order_release);
}

}  // namespace giliran::telemetry
