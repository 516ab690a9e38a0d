// Writes message heads into buffers of the pool, with the framing the connection decides.
#pragma once

#include <span>
#include <string_view>

#include "base/buffer.h"
#include "conn/stream.h"

namespace giliran::conn {

// What the connection adds behind the fields of the exchange.
struct Framed {
  std::string_view name;   // empty: nothing
  std::string_view value;  // empty: the number
  uint64_t number = 0;
};

// connection: the value of Connection; empty: no such field.
base::Slice request_head(base::BufferPool& pool, const RequestOut& head, const Framed& framing,
                         std::string_view connection);
base::Slice response_head(base::BufferPool& pool, const ResponseOut& head, const Framed& framing,
                          std::string_view connection);
// The end of a chunked body, for OutQueue::push_last_chunk(): the CRLF of the chunk before it, the
// last chunk, trailers.
base::Slice chunk_end(base::BufferPool& pool, std::span<const Field> trailers);

}  // namespace giliran::conn
