// Slices waiting to be sent on one socket, in order; at most one send is outstanding. Remembers
// which of them are body bytes, so that credit counts bodies and not framing.
#pragma once

#include <cstdint>
#include <vector>

#include "base/buffer.h"
#include "net/io.h"

namespace giliran::conn {

// How the body that is being sent is framed.
enum class BodyOut : uint8_t { kNone, kPlain, kChunkedFirst, kChunked };

class OutQueue {
 public:
  bool empty() const { return items_.size() == head_ && later_.empty(); }
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
  struct Later {
    base::Slice slice;
    bool body;
  };
  std::vector<base::Slice> items_;  // from head_ on; never moved while a send looks at them
  std::vector<char> body_;          // beside items_: 1 where body bytes
  std::vector<Later> later_;        // what came while a send was under way and items_ was full
  size_t head_ = 0;
  size_t outstanding_ = 0;  // slices of the send under way; they stay in place until it ends
  uint64_t bytes_ = 0;
};

}  // namespace giliran::conn
