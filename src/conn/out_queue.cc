#include "conn/out_queue.h"

#include <algorithm>

namespace giliran::conn {
namespace {

constexpr size_t kPlaces = net::kSendSlicesMax;  // made at first; an idle connection keeps them
constexpr size_t kSentKept = 32;  // places of sent slices kept before they are squeezed out

}  // namespace

void OutQueue::push(net::Io& io, net::SocketId socket, base::Slice slice, bool body) {
  GILIRAN_ASSERT(!slice.empty());
  bytes_ += slice.size();
  if (items_.capacity() == 0) {
    items_.reserve(kPlaces);
    body_.reserve(kPlaces);
  }
  if (outstanding_ == 0) {
    items_.push_back(std::move(slice));
    body_.push_back(body ? 1 : 0);
    if (!socket.none()) flush(io, socket);
    return;
  }
  if (!later_.empty() || items_.size() == items_.capacity()) {
    later_.push_back({std::move(slice), body});
    return;
  }
  items_.push_back(std::move(slice));
  body_.push_back(body ? 1 : 0);
  if (items_.size() == head_ + outstanding_ + 1 && io.extend_send(socket, 1)) ++outstanding_;
}

void OutQueue::flush(net::Io& io, net::SocketId socket) {
  if (outstanding_ != 0 || empty()) return;
  outstanding_ = std::min(items_.size() - head_, net::kSendSlicesMax);
  io.send(socket, std::span(items_).subspan(head_, outstanding_));
}

OutQueue::Sent OutQueue::sent(size_t bytes) {
  Sent result;
  for (size_t i = head_; i < head_ + outstanding_; ++i) {
    const auto n = static_cast<uint32_t>(std::min<size_t>(bytes, items_[i].size()));
    bytes -= n;
    result.wire_bytes += n;
    if (body_[i] != 0) result.body_bytes += n;
    bytes_ -= items_[i].size();
    items_[i].reset();
  }
  head_ += outstanding_;
  outstanding_ = 0;
  if (head_ == items_.size()) {
    items_.clear();
    body_.clear();
    head_ = 0;
  } else if (head_ >= kSentKept) {
    items_.erase(items_.begin(), items_.begin() + static_cast<std::ptrdiff_t>(head_));
    body_.erase(body_.begin(), body_.begin() + static_cast<std::ptrdiff_t>(head_));
    head_ = 0;
  }
  for (Later& item : later_) {
    items_.push_back(std::move(item.slice));
    body_.push_back(item.body ? 1 : 0);
  }
  later_.clear();
  return result;
}

void OutQueue::clear() {
  items_.clear();
  body_.clear();
  later_.clear();
  head_ = 0;
  outstanding_ = 0;
  bytes_ = 0;
}

}  // namespace giliran::conn
