// Slots in stable storage with a free list. A slot's generation changes whenever it is given back,
// so that an old id finds nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace giliran::net {

// T has uint32_t members `generation` and `next_free`, and a default value that is a free slot.
template <typename T>
class Slots {
 public:
  // Returns the slot's number; its T is as constructed but for its generation.
  uint32_t take() {
    if (free_ == UINT32_MAX) grow();
    const uint32_t slot = free_;
    free_ = at(slot).next_free;
    ++used_;
    return slot;
  }

  void give_back(uint32_t slot) {
    const uint32_t generation = at(slot).generation + 1;
    at(slot) = T{};
    at(slot).generation = generation;
    at(slot).next_free = free_;
    free_ = slot;
    --used_;
  }

  T& at(uint32_t slot) { return chunks_[slot / kChunk][slot % kChunk]; }
  const T& at(uint32_t slot) const { return chunks_[slot / kChunk][slot % kChunk]; }

  // Null where the slot has been given back since, or never was.
  T* find(uint32_t slot, uint32_t generation) {
    if (slot >= size_ || at(slot).generation != generation) return nullptr;
    return &at(slot);
  }

  uint32_t size() const { return size_; }  // all slots, free ones too
  size_t used() const { return used_; }

 private:
  static constexpr uint32_t kChunk = 256;

  void grow() {
    chunks_.push_back(std::make_unique<T[]>(kChunk));
    for (uint32_t i = kChunk; i-- > 0;) {
      at(size_ + i).next_free = free_;
      free_ = size_ + i;
    }
    size_ += kChunk;
  }

  std::vector<std::unique_ptr<T[]>> chunks_;
  uint32_t size_ = 0;
  uint32_t free_ = UINT32_MAX;
  size_t used_ = 0;
};

}  // namespace giliran::net
