// Writes message heads into buffers of the pool, with the framing the connection decides.
#pragma once

#include <span>
#include <string_view>

#include "base/buffer.h"
#include "conn/stream.h"

namespace giliran::conn {

// A head is written into one block, so that none is longer. Whoever makes heads of what others say
// bounds them before: the proxy by its limits, the client before its start.
constexpr size_t kHeadBytesMax = base::BufferPool::kCapacityMax;
// Of it, at most: start line (without what is said in it), framing and line ends.
constexpr size_t kHeadOwnBytesMax = 256;
// What a field takes beside its name and value: ": " and the line end.
constexpr size_t kFieldOwnBytes = 4;

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
