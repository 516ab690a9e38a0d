// Keeps the blocks a worker has in use below its part of memory_max. Asked by the pool with every
// block that is taken; acts in the same turn of the loop, outside of whatever took it.
//
//   above a half   windows become small: who holds most is not read from until it holds less
//   above all      who holds most is cut, until an eighth is free
//
// The limit may be passed by what one turn of the loop takes: some receives of 64 KiB.
#pragma once

#include <cstdint>

#include "base/buffer.h"
#include "net/io.h"

namespace giliran::proxy {

class MemoryUser {
 public:
  // Blocks have become scarce, or are so no longer.
  virtual void on_memory_scarce(bool scarce) = 0;
  // Frees at least so many bytes where there are as many, of who holds most first.
  virtual void free_memory(uint64_t bytes) = 0;

 protected:
  ~MemoryUser() = default;
};

class MemoryGuard final : private base::PoolWatcher {
 public:
  MemoryGuard(net::Io& io, MemoryUser& user) : io_(io), user_(user) {}
  ~MemoryGuard() { io_.buffers().watch(0, nullptr); }

  // bytes: 0: no limit.
  void set_limit(uint64_t bytes);
  bool scarce() const { return scarce_; }

 private:
  void on_over_limit() override;
  void look();
  void set_scarce(bool scarce);

  net::Io& io_;
  MemoryUser& user_;
  uint64_t limit_ = 0;
  bool scarce_ = false;
  net::MemberTimer<MemoryGuard, &MemoryGuard::look> timer_{*this};
};

}  // namespace giliran::proxy
