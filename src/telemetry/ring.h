// A ring of bytes between one producer thread and one consumer thread, with entries of any length.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace giliran::telemetry {

// Wait-free on both sides: no lock, no allocation, no system call. An entry is contiguous and
// aligned to 8 bytes. Memory: the capacity, rounded up to a power of two, at least kBytesMin.
class Ring {
 public:
  static constexpr size_t kBytesMin = size_t{16} << 10;

  explicit Ring(size_t bytes);

  size_t capacity() const { return capacity_; }
  size_t entry_max() const { return capacity_ / 2 - kHead; }  // fits whatever the position

  // Producer: where to write an entry of exactly `size` bytes (at most entry_max()), or null where
  // there is no room now. The entry is seen by the consumer after commit().
  char* reserve(size_t size);
  void commit();
  // Producer: bytes in use as far as the producer has looked; never less than the truth.
  size_t used_at_most() const { return static_cast<size_t>(written_ - known_tail_); }
  // Producer: looks again how far the consumer is.
  size_t used();

  // Consumer: the oldest entry, or an empty view (data() null) where there is none. It stays valid
  // until pop().
  std::string_view front();
  void pop();

 private:
  static constexpr size_t kHead = 8;  // an entry's size, or kPad
  static constexpr uint64_t kPad = UINT64_MAX;
  static constexpr size_t kCacheLine = 64;

  char* at(uint64_t position) { return bytes_.get() + (position & (capacity_ - 1)); }

  size_t capacity_;
  std::unique_ptr<char[]> bytes_;
  // The producer's line.
  alignas(kCacheLine) std::atomic<uint64_t> head_{0};
  uint64_t written_ = 0;     // head_ as the producer knows it
  uint64_t known_tail_ = 0;  // tail_ when the producer last looked
  uint64_t reserved_ = 0;    // head_ after commit()
  // The consumer's line.
  alignas(kCacheLine) std::atomic<uint64_t> tail_{0};
  uint64_t read_ = 0;
  uint64_t known_head_ = 0;
  uint64_t front_end_ = 0;
};

}  // namespace giliran::telemetry
