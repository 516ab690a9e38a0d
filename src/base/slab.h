// A pool of objects of one type with stable addresses: what is destroyed is reused first, so that
// steady state allocates nothing.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "base/assert.h"

namespace giliran::base {

// Grows by chunks of kChunk objects and gives none back before its own end. One thread owns it.
// Every object must have been destroyed before the slab is: an object that is live then is a leak
// of its owner, and asserts.
template <typename T, size_t kChunk = 64>
class Slab {
 public:
  Slab() = default;
  Slab(const Slab&) = delete;
  Slab& operator=(const Slab&) = delete;
  ~Slab() { GILIRAN_ASSERT(live_ == 0); }

  // Constructs an object. The memory of the one destroyed last is taken first.
  template <typename... Args>
  T& make(Args&&... args) {
    if (free_ == nullptr) grow();
    Cell* cell = free_;
    free_ = cell->next;  // before the constructor, which may make others
    ++live_;
    return *::new (static_cast<void*>(cell->bytes)) T(std::forward<Args>(args)...);
  }

  // `object` came from make() of this slab and has not been destroyed.
  void destroy(T& object) {
    GILIRAN_ASSERT(live_ != 0);
    object.~T();
    Cell* cell = reinterpret_cast<Cell*>(std::addressof(object));
    cell->next = free_;
    free_ = cell;
    --live_;
  }

  size_t live() const { return live_; }
  // Objects there is memory for.
  size_t capacity() const { return chunks_.size() * kChunk; }

 private:
  union Cell {
    Cell* next;
    alignas(T) std::byte bytes[sizeof(T)];
  };

  void grow() {
    chunks_.push_back(std::unique_ptr<Cell[]>(new Cell[kChunk]));
    Cell* cells = chunks_.back().get();
    for (size_t i = kChunk; i-- > 0;) {
      cells[i].next = free_;
      free_ = &cells[i];
    }
  }

  std::vector<std::unique_ptr<Cell[]>> chunks_;
  Cell* free_ = nullptr;
  size_t live_ = 0;
};

}  // namespace giliran::base
