// Pooled bytes with counted references. One pool a loop; counts are plain integers, so that a slice
// must stay on the thread of its pool.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>

#include "base/assert.h"

namespace giliran::base {

class BufferPool;

// Hears of a pool that is over its limit.
class PoolWatcher {
 public:
  // A block was taken, and more than the limit is in use. Comes with each such block; the taker has
  // it all the same, and nothing may be freed inside this call: act a little later.
  virtual void on_over_limit() = 0;

 protected:
  ~PoolWatcher() = default;
};

// One block of a pool: this header, then `capacity` bytes.
struct Block {
  BufferPool* pool;
  uint32_t references;
  uint32_t capacity;
  char* bytes() { return reinterpret_cast<char*>(this + 1); }
};

// A view of bytes that keeps its block alive. Move-only: share() makes a second reference openly.
// A slice without a block views static bytes (string literals) and owns nothing.
class Slice {
 public:
  Slice() = default;
  Slice(Slice&& other) noexcept
      : block_(std::exchange(other.block_, nullptr)),
        data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)) {}
  Slice& operator=(Slice&& other) noexcept {
    if (this != &other) {
      reset();
      block_ = std::exchange(other.block_, nullptr);
      data_ = std::exchange(other.data_, nullptr);
      size_ = std::exchange(other.size_, 0);
    }
    return *this;
  }
  Slice(const Slice&) = delete;
  Slice& operator=(const Slice&) = delete;
  ~Slice() { reset(); }

  // Views bytes that outlive every use, such as a literal.
  static Slice of_static(std::string_view bytes) {
    Slice s;
    s.data_ = bytes.data();
    s.size_ = static_cast<uint32_t>(bytes.size());
    return s;
  }

  const char* data() const { return data_; }
  uint32_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  std::string_view view() const { return {data_, size_}; }

  // A second reference to the same bytes, or to a part of them.
  Slice share() const { return share(0, size_); }
  Slice share(uint32_t offset, uint32_t size) const {
    GILIRAN_ASSERT(offset <= size_ && size <= size_ - offset);
    Slice s;
    s.block_ = block_;
    if (block_ != nullptr) ++block_->references;
    s.data_ = data_ + offset;
    s.size_ = size;
    return s;
  }
  void drop_front(uint32_t n) {
    GILIRAN_ASSERT(n <= size_);
    data_ += n;
    size_ -= n;
  }
  void truncate(uint32_t n) {
    GILIRAN_ASSERT(n <= size_);
    size_ = n;
  }
  // Appends in place where this is the only reference and the block has room behind the view; else
  // changes nothing and returns false.
  bool try_extend(std::string_view bytes) {
    if (block_ == nullptr || block_->references != 1) return false;
    char* end = block_->bytes() + (data_ - block_->bytes()) + size_;
    if (bytes.size() > static_cast<size_t>(block_->bytes() + block_->capacity - end)) return false;
    std::memcpy(end, bytes.data(), bytes.size());
    size_ += static_cast<uint32_t>(bytes.size());
    return true;
  }
  // Appends in place as much as try_extend() could; returns how many bytes that was.
  uint32_t extend(std::string_view bytes) {
    const uint32_t n =
        block_ == nullptr
            ? 0
            : static_cast<uint32_t>(block_->bytes() + block_->capacity - data_) - size_;
    bytes = bytes.substr(0, n);
    return try_extend(bytes) ? static_cast<uint32_t>(bytes.size()) : 0;
  }
  // Moves `next` down to where `first` ends; both are parts of this slice, in this order. Returns
  // the two as one. What is between them is lost, so that nobody else may be looking at it.
  std::string_view close_up(std::string_view first, std::string_view next) {
    GILIRAN_ASSERT(block_ != nullptr && first.data() >= data_);
    GILIRAN_ASSERT(first.data() + first.size() <= next.data());
    char* const to = block_->bytes() + (first.data() - block_->bytes()) + first.size();
    std::memmove(to, next.data(), next.size());
    return {first.data(), first.size() + next.size()};
  }
  inline void reset();

  // Bytes of the block this slice keeps from being reused; 0 for static bytes.
  uint32_t block_capacity() const { return block_ == nullptr ? 0 : block_->capacity; }

 private:
  friend class BufferPool;
  friend class Buffer;
  Block* block_ = nullptr;
  const char* data_ = nullptr;
  uint32_t size_ = 0;
};

// A block with one writer that is being filled. Becomes slices.
class Buffer {
 public:
  Buffer() = default;
  Buffer(Buffer&& other) noexcept
      : block_(std::exchange(other.block_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    if (this != &other) {
      reset();
      block_ = std::exchange(other.block_, nullptr);
      size_ = std::exchange(other.size_, 0);
    }
    return *this;
  }
  ~Buffer() { reset(); }

  explicit operator bool() const { return block_ != nullptr; }
  char* data() { return block_->bytes(); }
  uint32_t size() const { return size_; }
  uint32_t capacity() const { return block_ == nullptr ? 0 : block_->capacity; }
  uint32_t room() const { return capacity() - size_; }
  char* end() { return block_->bytes() + size_; }
  std::string_view view() const {
    return block_ == nullptr ? std::string_view() : std::string_view(block_->bytes(), size_);
  }
  void add_size(uint32_t n) {
    GILIRAN_ASSERT(n <= room());
    size_ += n;
  }
  // Appends what fits; returns how many bytes that was.
  uint32_t append(std::string_view bytes) {
    const uint32_t n = bytes.size() < room() ? static_cast<uint32_t>(bytes.size()) : room();
    if (n != 0) std::memcpy(end(), bytes.data(), n);
    size_ += n;
    return n;
  }
  // Hands everything written so far over as a slice; the buffer is empty-handed afterwards.
  Slice take() {
    Slice s;
    s.block_ = std::exchange(block_, nullptr);
    s.data_ = s.block_ == nullptr ? nullptr : s.block_->bytes();
    s.size_ = std::exchange(size_, 0);
    return s;
  }
  inline void reset();

 private:
  friend class BufferPool;
  explicit Buffer(Block* block) : block_(block) {}
  Block* block_ = nullptr;
  uint32_t size_ = 0;
};

// Blocks of 1 KiB and its doubles up to 64 KiB, kept for reuse up to a bound: bytes above 1 KiB
// that are copied into a block of theirs fill at least half of it. Not thread-safe: one loop owns
// it.
class BufferPool {
 public:
  static constexpr uint32_t kCapacityMin = 1024;
  static constexpr uint32_t kCapacityMax = 65536;
  // Of the smallest block that holds so many bytes (at most 64 KiB).
  static constexpr uint32_t capacity_for(uint32_t bytes) {
    return kCapacityMin << size_class(bytes);
  }

  // idle_bytes_max: how many bytes of unused blocks are kept before they go back to the allocator.
  explicit BufferPool(size_t idle_bytes_max = size_t{16} << 20) : idle_bytes_max_(idle_bytes_max) {}
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;
  ~BufferPool();

  // An empty buffer of at least `capacity` bytes, at most 64 KiB.
  Buffer take(uint32_t capacity);
  // The bytes copied into a block that fits them closely (at most 64 KiB).
  Slice copy(std::string_view bytes);
  // Whether it keeps more memory from being reused than a copy of it would.
  static bool loose(const Slice& slice) {
    return slice.size() < slice.block_capacity() &&
           capacity_for(slice.size()) < slice.block_capacity();
  }
  // The slice itself, or a copy where it is loose: for what is kept.
  Slice fitted(Slice slice) { return loose(slice) ? copy(slice.view()) : std::move(slice); }

  // watcher: null where there is nobody any more. It outlives the pool or is taken away.
  void watch(size_t limit_bytes, PoolWatcher* watcher) {
    limit_bytes_ = watcher == nullptr ? SIZE_MAX : limit_bytes;
    watcher_ = watcher;
  }

  size_t blocks_in_use() const { return in_use_; }
  size_t bytes_in_use() const { return bytes_in_use_; }

 private:
  friend class Slice;
  friend class Buffer;
  struct Idle {
    Idle* next;
  };
  static constexpr uint32_t kClasses = 7;
  static constexpr uint32_t size_class(uint32_t bytes) {
    GILIRAN_ASSERT(bytes <= kCapacityMax);
    return bytes <= kCapacityMin ? 0 : static_cast<uint32_t>(std::bit_width((bytes - 1) >> 10));
  }
  void release(Block* block);

  size_t idle_bytes_max_;
  size_t limit_bytes_ = SIZE_MAX;
  PoolWatcher* watcher_ = nullptr;
  size_t idle_bytes_ = 0;
  size_t in_use_ = 0;
  size_t bytes_in_use_ = 0;
  Idle* idle_[kClasses] = {};
};

inline void Slice::reset() {
  if (block_ != nullptr && --block_->references == 0) block_->pool->release(block_);
  block_ = nullptr;
  data_ = nullptr;
  size_ = 0;
}

inline void Buffer::reset() {
  if (block_ != nullptr && --block_->references == 0) block_->pool->release(block_);
  block_ = nullptr;
  size_ = 0;
}

}  // namespace giliran::base
