// Chunks: the size line is written when the chunk is handed to the socket, so that whatever has
// come until then is in it. Of two chunks in one send, the size line of the second takes the place
// of the CRLF of the first: a slice less.
#include "conn/out_queue.h"

#include <algorithm>
#include <memory>
#include <span>

#include "wire/http1/writer.h"

namespace giliran::conn {
namespace {

constexpr uint32_t kBlockBytes = 1024;
constexpr uint32_t kRoom = 40;
constexpr uint32_t kNoLine = UINT32_MAX;
// Pieces up to this size are copied behind those that wait already. Larger ones fill the larger
// part of a block of their own.
constexpr uint32_t kCopyMax = 4096;

constexpr char kCrlf[] = {'\r', '\n'};  // known by its address

base::Slice size_line(base::BufferPool& pool, uint64_t bytes, bool crlf_before) {
  base::Buffer buffer = pool.take(32);
  if (crlf_before) buffer.append(wire::http1::kChunkEnd);
  char line[18];
  buffer.append({line, wire::http1::format_chunk_size(bytes, line)});
  return buffer.take();
}

}  // namespace

// What one block holds: taken from begin, added at end, never around.
struct OutQueue::Places {
  Places() {}
  ~Places() {}
  base::Buffer next;  // Places, or nothing
  uint64_t body = 0;  // bit i: slices[i] is of a body
  uint32_t begin = 0;
  uint32_t end = 0;
  uint32_t line = kNoLine;  // where the size line of the open chunk will be
  union {
    base::Slice slices[kRoom];  // from begin to end
  };
};

OutQueue::Places& OutQueue::first() const {
  return *reinterpret_cast<Places*>(const_cast<base::Buffer&>(first_).data());
}

base::Slice& OutQueue::tail() const {
  return last_->slices[last_->end - 1];
}

bool OutQueue::all_handed_over() const {
  return last_ == &first() && last_->begin + outstanding_ == last_->end;
}

bool OutQueue::ends_with_crlf() const {
  return !empty() && tail().data() == kCrlf;
}

// What is being sent may grow at its end.
bool OutQueue::may_change_tail(net::Io& io, net::SocketId socket) const {
  return outstanding_ == 0 || !all_handed_over() || io.extend_send(socket, 0);
}

uint64_t OutQueue::held() const {
  uint64_t bytes = 0;
  for (const base::Buffer* block = &first_; *block;) {
    const Places& places = *reinterpret_cast<Places*>(const_cast<base::Buffer*>(block)->data());
    bytes += block->capacity();
    for (uint32_t i = places.begin; i < places.end; ++i) bytes += places.slices[i].block_capacity();
    block = &places.next;
  }
  return bytes;
}

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

inline void OutQueue::place(base::BufferPool& pool, base::Slice&& slice, bool body) {
  bytes_ += slice.size();
  if (last_ == nullptr || last_->end == kRoom) add_places(pool);
  Places& places = *last_;
  std::construct_at(&places.slices[places.end], std::move(slice));
  places.body |= uint64_t{body} << places.end;
  ++places.end;
}

// Behind others that wait: what is small is copied to where the last one ends, what fills little of
// its block into one that fits.
void OutQueue::pack(net::Io& io, net::SocketId socket, base::Slice&& slice, bool body) {
  bool loose = base::BufferPool::loose(slice);
  const bool same = (last_->body >> (last_->end - 1) & 1) == uint64_t{body};
  if (same && (loose || slice.size() <= kCopyMax) && tail().block_capacity() != 0 &&
      may_change_tail(io, socket)) {
    const uint32_t copied = tail().extend(slice.view());
    bytes_ += copied;
    slice.drop_front(copied);
    if (slice.empty()) return;
    loose = base::BufferPool::loose(slice);
  }
  if (loose) slice = io.buffers().fitted(std::move(slice));
  place(io.buffers(), std::move(slice), body);
}

void OutQueue::push(net::Io& io, net::SocketId socket, base::Slice slice, bool body) {
  GILIRAN_ASSERT(!slice.empty());
  if (chunk_open_) [[unlikely]]
    close_chunk(io.buffers());
  if (empty()) {
    place(io.buffers(), std::move(slice), body);
  } else {
    pack(io, socket, std::move(slice), body);
  }
  if (socket.none()) return;
  if (outstanding_ == 0) {
    flush(io, socket);
  } else if (last_ == &first() && last_->begin + outstanding_ + 1 == last_->end &&
             io.extend_send(socket, 1)) {
    ++outstanding_;
  }
}

// --- chunks ---

void OutQueue::push_chunk(net::Io& io, net::SocketId socket, base::Slice data) {
  GILIRAN_ASSERT(!data.empty());
  if (chunk_open_) return pack(io, socket, std::move(data), true);
  const bool behind_crlf = ends_with_crlf();
  if (outstanding_ == 0 || !all_handed_over()) {
    open_chunk(io.buffers(), std::move(data), behind_crlf);
    if (!socket.none()) flush(io, socket);
    return;
  }
  // With what is being sent, where there is room for all of it. Nothing is looked at before this
  // call has ended.
  const uint32_t added = behind_crlf ? 2 : 3;
  const bool goes = last_->end + added <= kRoom && io.extend_send(socket, added);
  open_chunk(io.buffers(), std::move(data), goes && behind_crlf);
  if (!goes) return;
  close_chunk(io.buffers());
  outstanding_ += added;
}

// behind_crlf: the size line takes the place of the CRLF at the end.
void OutQueue::open_chunk(base::BufferPool& pool, base::Slice&& data, bool behind_crlf) {
  if (!behind_crlf) place(pool, {}, false);
  last_->line = last_->end - 1;
  chunk_open_ = true;
  if (outstanding_ != 0) data = pool.fitted(std::move(data));
  place(pool, std::move(data), true);
}

void OutQueue::close_chunk(base::BufferPool& pool) {
  Places* places = &first();
  while (places->line == kNoLine) places = reinterpret_cast<Places*>(places->next.data());
  base::Slice& line = places->slices[places->line];
  uint32_t at = std::exchange(places->line, kNoLine) + 1;
  uint64_t size = 0;
  for (;;) {
    for (; at < places->end; ++at) size += places->slices[at].size();
    if (places == last_) break;
    places = reinterpret_cast<Places*>(places->next.data());
    at = 0;
  }
  bytes_ -= line.size();
  line = size_line(pool, size, !line.empty());
  bytes_ += line.size();
  chunk_open_ = false;
  place(pool, base::Slice::of_static({kCrlf, sizeof kCrlf}), false);
}

void OutQueue::push_last_chunk(net::Io& io, net::SocketId socket, base::Slice end) {
  if (chunk_open_) close_chunk(io.buffers());
  if (!ends_with_crlf() || !may_change_tail(io, socket)) {
    end.drop_front(sizeof kCrlf);
    return push(io, socket, std::move(end), false);
  }
  bytes_ += end.size() - sizeof kCrlf;
  tail() = std::move(end);
}

// --- sending ---

void OutQueue::flush(net::Io& io, net::SocketId socket) {
  if (outstanding_ != 0 || empty()) return;
  const Places& places = first();
  const uint32_t most = static_cast<uint32_t>(net::kSendSlicesMax);
  // None is far beyond.
  if (places.line < places.begin + most) [[unlikely]]
    close_chunk(io.buffers());
  outstanding_ = std::min(places.end - places.begin, most);
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

bool OutQueue::take_back(net::Io& io, net::SocketId socket) {
  if (outstanding_ != 0 && !io.unsend(socket)) return false;
  clear();
  return true;
}

void OutQueue::clear() {
  while (!empty()) {
    Places& places = first();
    std::destroy(&places.slices[places.begin], &places.slices[places.end]);
    drop_first();
  }
  outstanding_ = 0;
  chunk_open_ = false;
  bytes_ = 0;
}

}  // namespace giliran::conn
