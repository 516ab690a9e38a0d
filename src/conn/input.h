// Bytes received on one socket and not parsed yet, shown contiguous, as the parsers want them.
#pragma once

#include <string_view>

#include "base/buffer.h"

namespace giliran::conn {

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
  // A part of view() as a slice of its own; a small one that would pin a large block is copied.
  base::Slice part(base::BufferPool& pool, std::string_view bytes) const;
  void reset();

 private:
  base::Slice first_;
  base::Slice second_;  // what did not fit into one block with first_
};

}  // namespace giliran::conn
