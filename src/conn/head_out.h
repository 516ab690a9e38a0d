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
// The framing bytes before a chunk: ends the chunk before it where there was one.
base::Slice chunk_prefix(base::BufferPool& pool, uint32_t bytes, bool first);
// Ends the last chunk, and the body with it.
base::Slice chunk_end(base::BufferPool& pool, std::span<const Field> trailers, bool first);

}  // namespace giliran::conn
