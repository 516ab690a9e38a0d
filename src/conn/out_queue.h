// Slices waiting to be sent on one socket, in order; at most one send is outstanding. Remembers
// which of them are body bytes, so that credit counts bodies and not framing.
#pragma once

#include <cstdint>
#include <vector>

#include "base/buffer.h"
#include "net/io.h"

namespace giliran::conn {

class OutQueue {
 public:
  bool empty() const { return items_.size() == head_; }
  uint64_t bytes() const { return bytes_; }  // queued, sent ones out
  void push(base::Slice slice, bool body);

  // Hands the first slices to the socket where no send is outstanding and something is queued.
  void flush(net::Io& io, net::SocketId socket);

  struct Sent {
    uint32_t wire_bytes = 0;
    uint32_t body_bytes = 0;
  };
  // After on_sent: drops what was handed over. `bytes` less than that (an error): drops as many.
  Sent sent(size_t bytes);
  void clear();

 private:
  std::vector<base::Slice> items_;  // from head_ on; capacity is kept
  std::vector<bool> body_;
  size_t head_ = 0;
  size_t outstanding_ = 0;  // slices of the send under way; they stay in place until it ends
  uint64_t bytes_ = 0;
};

}  // namespace giliran::conn
