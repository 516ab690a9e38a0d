#include "conn/input.h"

#include <algorithm>
#include <utility>

namespace giliran::conn {
namespace {

constexpr uint32_t kBlockMax = 65536;
constexpr uint32_t kCopyMax = 1024;  // a part up to this size is copied out of a larger block
constexpr uint32_t kMoveMax =
    4096;  // behind a piece of a body up to this size the next is moved up

}  // namespace

void Input::add(base::BufferPool& pool, base::Slice data) {
  GILIRAN_ASSERT(second_.empty());
  if (first_.empty()) {
    first_ = std::move(data);
    return;
  }
  second_ = std::move(data);
  join_more(pool);
}

bool Input::join_more(base::BufferPool& pool) {
  if (second_.empty()) return false;
  if (first_.try_extend(second_.view())) {
    second_.reset();
    return true;
  }
  if (first_.size() >= kBlockMax) return false;
  const uint32_t wanted = std::min(kBlockMax, first_.size() + second_.size());
  base::Buffer joined = pool.take(std::min(kBlockMax, wanted * 2));
  joined.append(first_.view());
  second_.drop_front(joined.append(second_.view()));
  if (second_.empty()) second_.reset();
  first_ = joined.take();
  return true;
}

void Input::drop_front(uint32_t bytes) {
  first_.drop_front(bytes);
  if (!first_.empty()) return;
  first_ = std::move(second_);
}

base::Slice Input::part(base::BufferPool& pool, std::string_view bytes) const {
  if (bytes.size() <= kCopyMax && first_.block_capacity() > kCopyMax) return pool.copy(bytes);
  return first_.share(static_cast<uint32_t>(bytes.data() - first_.data()),
                      static_cast<uint32_t>(bytes.size()));
}

BodyIn Input::read_body(wire::http1::BodyParser& parser, base::BufferPool& pool,
                        wire::http1::Fields* trailers) {
  using Kind = wire::http1::BodyEvent::Kind;
  std::string_view rest = view();
  uint32_t at = 0;
  std::string_view data;
  wire::http1::BodyEvent event;
  do {
    event = parser.next(rest, trailers);
    if (event.kind != Kind::kData) break;
    at += event.consumed;
    rest.remove_prefix(event.consumed);
    data = data.empty() ? event.data : first_.close_up(data, event.data);
  } while (event.data.size() <= kMoveMax);
  const uint32_t behind = event.kind == Kind::kData ? 0 : event.consumed;
  BodyIn in{.data = data.empty() ? base::Slice() : part(pool, data),
            .then = event.kind,
            .problem = event.problem,
            .end_bytes = behind,
            .wire_bytes = uint64_t{at} + behind};
  if (event.kind != Kind::kNeedMore) {
    drop_front(at);
    return in;
  }
  const bool all = rest.size() == behind;
  in.end_bytes = 0;
  drop_front(at + behind);
  // What did not fit into one block with these comes now.
  if (all ? !empty() : join_more(pool)) in.then = Kind::kData;
  return in;
}

void Input::reset() {
  first_.reset();
  second_.reset();
}

}  // namespace giliran::conn
