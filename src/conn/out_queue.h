// Slices waiting to be sent on one socket, in order; at most one send is outstanding. Remembers
// which of them are body bytes, so that credit counts bodies and not framing; frames chunks.
//
// However small the pieces are that come in, what waits holds at most about twice its bytes in
// blocks: pieces are copied together, and body bytes that wait become one chunk.
#pragma once

#include <cstdint>

#include "base/buffer.h"
#include "net/io.h"

namespace giliran::conn {

// How the body that is being sent is framed.
enum class BodyOut : uint8_t { kNone, kPlain, kChunked };

// The slices are kept in blocks of the loop's pool, so that an idle connection holds none.
class OutQueue {
 public:
  OutQueue() = default;
  OutQueue(const OutQueue&) = delete;
  OutQueue& operator=(const OutQueue&) = delete;
  ~OutQueue() { clear(); }

  bool empty() const { return last_ == nullptr; }
  uint64_t bytes() const { return bytes_; }  // queued, sent ones out
  // Memory it keeps: the blocks its slices are in, and its own. Looks at every slice.
  uint64_t held() const;
  // Queues it and hands it to the socket: with the send that waits for its turn of the loop where
  // there is one, else as a send of its own as soon as none is outstanding. socket none: only
  // queues.
  void push(net::Io& io, net::SocketId socket, base::Slice slice, bool body);
  // The same for bytes of a chunked body. They go as a chunk of their own where they go at once;
  // those that have to wait for a send become one chunk. A chunk is handed over whole, up to the
  // CRLF behind its data: a reader that waits for that does not wait for the next chunk.
  void push_chunk(net::Io& io, net::SocketId socket, base::Slice data);
  // The end of a chunked body: a CRLF, the last chunk and its trailers. The CRLF is left out where
  // it has gone out already, or no chunk was there.
  void push_last_chunk(net::Io& io, net::SocketId socket, base::Slice end);
  // Hands the first slices to the socket where no send is outstanding and something is queued.
  void flush(net::Io& io, net::SocketId socket);

  struct Sent {
    uint32_t wire_bytes = 0;
    uint32_t body_bytes = 0;
  };
  // After on_sent: drops what was handed over. `bytes` less than that (an error): drops as many.
  Sent sent(size_t bytes);
  // Drops all that is queued. False, and nothing changed, where the kernel has a part of a send.
  bool take_back(net::Io& io, net::SocketId socket);
  void clear();

 private:
  struct Places;
  Places& first() const;
  base::Slice& tail() const;
  bool all_handed_over() const;
  bool ends_with_crlf() const;
  bool may_change_tail(net::Io& io, net::SocketId socket) const;
  void add_places(base::BufferPool& pool);
  void drop_first();
  void place(base::BufferPool& pool, base::Slice&& slice, bool body);
  void pack(net::Io& io, net::SocketId socket, base::Slice&& slice, bool body);
  void open_chunk(base::BufferPool& pool, base::Slice&& data, bool behind_crlf);
  // Apart from those who call it: bodies of a known length do not pay for it.
  [[gnu::noinline]] void close_chunk(base::BufferPool& pool);

  base::Buffer first_;      // Places, from the first on; none of them is without a slice
  Places* last_ = nullptr;  // null: empty
  uint64_t bytes_ = 0;
  uint32_t outstanding_ = 0;  // slices of the send under way, all in first_: in place until it ends
  bool chunk_open_ = false;   // the last slices are of a chunk whose size line is not written yet
};

}  // namespace giliran::conn
