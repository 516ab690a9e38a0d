#include "base/buffer.h"

#include <cstdlib>
#include <new>

namespace giliran::base {
BufferPool::~BufferPool() {
  GILIRAN_ASSERT(in_use_ == 0);
  for (Idle*& list : idle_) {
    while (list != nullptr) {
      Idle* next = list->next;
      std::free(reinterpret_cast<Block*>(list) - 1);
      list = next;
    }
  }
}

Buffer BufferPool::take(uint32_t capacity) {
  static_assert(size_class(kCapacityMax) + 1 == kClasses);
  const uint32_t index = size_class(capacity);
  const uint32_t granted = kCapacityMin << index;
  Block* block = nullptr;
  if (idle_[index] != nullptr) {
    block = reinterpret_cast<Block*>(idle_[index]) - 1;
    idle_[index] = idle_[index]->next;
    idle_bytes_ -= granted;
  } else {
    void* memory = std::malloc(sizeof(Block) + granted);
    if (memory == nullptr) throw std::bad_alloc();
    block = static_cast<Block*>(memory);
    block->pool = this;
    block->capacity = granted;
  }
  block->references = 1;
  ++in_use_;
  bytes_in_use_ += block->capacity;
  if (bytes_in_use_ > limit_bytes_) [[unlikely]]
    watcher_->on_over_limit();
  return Buffer(block);
}

Slice BufferPool::copy(std::string_view bytes) {
  Buffer buffer = take(static_cast<uint32_t>(bytes.size()));
  buffer.append(bytes);
  return buffer.take();
}

void BufferPool::release(Block* block) {
  --in_use_;
  bytes_in_use_ -= block->capacity;
  if (idle_bytes_ + block->capacity > idle_bytes_max_) {
    std::free(block);
    return;
  }
  Idle* idle = reinterpret_cast<Idle*>(block + 1);
  const uint32_t index = size_class(block->capacity);
  idle->next = idle_[index];
  idle_[index] = idle;
  idle_bytes_ += block->capacity;
}

}  // namespace giliran::base
