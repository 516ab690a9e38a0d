// Slices waiting to be sent on one socket, in order; at most one send is outstanding. Remembers
// which of them are body bytes, so that credit counts bodies and not framing.
#pragma once

#include <cstdint>

#include "base/buffer.h"
#include "net/io.h"

namespace giliran::conn {

// How the body that is being sent is framed.
enum class BodyOut : uint8_t { kNone, kPlain, kChunkedFirst, kChunked };

// The slices are kept in blocks of the loop's pool, so that an idle connection holds none.
class OutQueue {
 public:
  OutQueue() = default;
  OutQueue(const OutQueue&) = delete;
  OutQueue& operator=(const OutQueue&) = delete;
  ~OutQueue() { clear(); }

  bool empty() const { return last_ == nullptr; }
  uint64_t bytes() const { return bytes_; }  // queued, sent ones out
  // Queues it and hands it to the socket: with the send that waits for its turn of the loop where
  // there is one, else as a send of its own as soon as none is outstanding. socket none: only
  // queues.
  void push(net::Io& io, net::SocketId socket, base::Slice slice, bool body);
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
  struct Places;
  Places& first() { return *reinterpret_cast<Places*>(first_.data()); }
  void add_places(base::BufferPool& pool);
  void drop_first();

  base::Buffer first_;      // Places, from the first on; none of them is without a slice
  Places* last_ = nullptr;  // null: empty
  uint64_t bytes_ = 0;
  uint32_t outstanding_ = 0;  // slices of the send under way, all in first_: in place until it ends
};

}  // namespace giliran::conn
