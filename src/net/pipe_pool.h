// The pipes of one loop through which bytes go from socket to socket inside the kernel (splice(2)).
#pragma once

#include <cstddef>
#include <vector>

#include "net/descriptor.h"

namespace giliran::net {

struct Pipe {
  Descriptor read, write;  // non-blocking
  explicit operator bool() const { return static_cast<bool>(write); }
};

// Lends pipes. One comes back empty, or is closed: no byte of one connection can get into another.
class PipePool {
 public:
  // What the slots of a pipe would hold if each held a whole page; what they hold is fragments of
  // what the network brought, so that it is more (loopback: 32 KiB a slot) or less (1.4 KiB).
  static constexpr int kPipeBytes = 256 << 10;
  // Kept open; more than one is lent only while receivers are full.
  static constexpr size_t kIdleMax = 8;

  explicit PipePool(size_t pipes_max);  // ignores SIGPIPE, of the whole process

  // An empty pipe; none where pipes_max are lent, or the kernel gives no more (EMFILE, ENFILE,
  // pipe-user-pages-soft).
  Pipe take();
  void give_back_empty(Pipe pipe);
  void discard(Pipe pipe);  // which may hold bytes

  size_t lent() const { return lent_; }
  size_t idle() const { return idle_.size(); }

 private:
  size_t pipes_max_;
  size_t lent_ = 0;
  std::vector<Pipe> idle_;
};

}  // namespace giliran::net
