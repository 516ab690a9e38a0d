// Bytes received on one socket and not parsed yet, shown contiguous, as the parsers want them.
#pragma once

#include <string_view>

#include "base/buffer.h"
#include "wire/http1/parser.h"

namespace giliran::conn {

// What one look at the bytes received brings of a body.
struct BodyIn {
  // All there is of it, in one piece, whatever chunks it came in. A chunk of more than a few KiB is
  // a piece of its own, so that little is moved. Empty: nothing.
  base::Slice data;
  // What came behind it: kData: look again; kNeedMore, kEnd, kError. What the last two consumed is
  // still there, so that trailers can be looked at.
  wire::http1::BodyEvent::Kind then = wire::http1::BodyEvent::Kind::kNeedMore;
  wire::http1::Problem problem = wire::http1::Problem::kNone;
  uint32_t end_bytes = 0;   // consumed at the end, to be dropped by the caller
  uint64_t wire_bytes = 0;  // consumed by all of it, framing included
};

class Input {
 public:
  bool empty() const { return first_.empty(); }
  std::string_view view() const { return first_.view(); }
  const base::Slice& slice() const { return first_; }

  // Adds what was received behind what is there: in place where there is room, else by one copy.
  void add(base::BufferPool& pool, base::Slice data);
  // After a parser asked for more: joins bytes that did not fit the block before. False where none.
  bool join_more(base::BufferPool& pool);
  void drop_front(uint32_t bytes);
  // Reads on in a body. Moves bytes of view() about: nobody else may look at what is not head.
  BodyIn read_body(wire::http1::BodyParser& parser, base::BufferPool& pool,
                   wire::http1::Fields* trailers);
  // A part of view() as a slice of its own; a small one that would pin a large block is copied.
  base::Slice part(base::BufferPool& pool, std::string_view bytes) const;
  void reset();
  uint64_t held() const {  // memory it keeps
    return uint64_t{first_.block_capacity()} + second_.block_capacity();
  }

 private:
  base::Slice first_;
  base::Slice second_;  // what did not fit into one block with first_
};

}  // namespace giliran::conn
