#include "conn/out_queue.h"

#include <algorithm>
#include <memory>
#include <span>

namespace giliran::conn {
namespace {

constexpr uint32_t kBlockBytes = 1024;
constexpr uint32_t kRoom = 40;

}  // namespace

// What one block holds: taken from begin, added at end, never around.
struct OutQueue::Places {
  Places() {}
  ~Places() {}
  base::Buffer next;  // Places, or nothing
  uint64_t body = 0;  // bit i: slices[i] is of a body
  uint32_t begin = 0;
  uint32_t end = 0;
  union {
    base::Slice slices[kRoom];  // from begin to end
  };
};

void OutQueue::add_places(base::BufferPool& pool) {
  static_assert(sizeof(Places) <= kBlockBytes && kRoom <= 64);
  base::Buffer block = pool.take(kBlockBytes);
  Places* const added = std::construct_at(reinterpret_cast<Places*>(block.data()));
  (last_ == nullptr ? first_ : last_->next) = std::move(block);
  last_ = added;
}

void OutQueue::drop_first() {
  base::Buffer next = std::move(first().next);
  std::destroy_at(&first());
  first_ = std::move(next);
  if (!first_) last_ = nullptr;
}

void OutQueue::push(net::Io& io, net::SocketId socket, base::Slice slice, bool body) {
  GILIRAN_ASSERT(!slice.empty());
  bytes_ += slice.size();
  if (last_ == nullptr || last_->end == kRoom) add_places(io.buffers());
  Places& places = *last_;
  std::construct_at(&places.slices[places.end], std::move(slice));
  places.body |= uint64_t{body} << places.end;
  ++places.end;
  if (socket.none()) return;
  if (outstanding_ == 0) {
    flush(io, socket);
  } else if (&places == &first() && places.begin + outstanding_ + 1 == places.end &&
             io.extend_send(socket, 1)) {
    ++outstanding_;
  }
}

void OutQueue::flush(net::Io& io, net::SocketId socket) {
  if (outstanding_ != 0 || empty()) return;
  const Places& places = first();
  outstanding_ = std::min<uint32_t>(places.end - places.begin, net::kSendSlicesMax);
  io.send(socket, std::span(places.slices).subspan(places.begin, outstanding_));
}

OutQueue::Sent OutQueue::sent(size_t bytes) {
  Sent result;
  if (outstanding_ == 0) return result;
  Places& places = first();
  const uint32_t end = places.begin + outstanding_;
  for (uint32_t i = places.begin; i < end; ++i) {
    base::Slice& slice = places.slices[i];
    const auto n = static_cast<uint32_t>(std::min<size_t>(bytes, slice.size()));
    bytes -= n;
    result.wire_bytes += n;
    if ((places.body >> i & 1) != 0) result.body_bytes += n;
    bytes_ -= slice.size();
    std::destroy_at(&slice);
  }
  places.begin = end;
  outstanding_ = 0;
  if (places.begin == places.end) drop_first();
  return result;
}

void OutQueue::clear() {
  while (!empty()) {
    Places& places = first();
    std::destroy(&places.slices[places.begin], &places.slices[places.end]);
    drop_first();
  }
  outstanding_ = 0;
  bytes_ = 0;
}

}  // namespace giliran::conn
