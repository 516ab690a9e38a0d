// Bytes from one socket of the epoll engine to another, through a pipe, inside the kernel.
#include <fcntl.h>

#include <cerrno>

#include "base/assert.h"
#include "net/epoll_io.h"

namespace giliran::net {
namespace {

// -errno where it fails. Neither the pipe nor (being non-blocking) the socket is waited for.
ssize_t splice_some(int from, int to, size_t bytes) {
  ssize_t n = 0;
  do {
    n = ::splice(from, nullptr, to, nullptr, bytes, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
  } while (n < 0 && errno == EINTR);
  return n < 0 ? -errno : n;
}

// What says that this cannot be spliced at all, not that something is wrong with it.
bool refused(ssize_t result) {
  return result == -EINVAL || result == -ENOSYS || result == -EPERM;
}

}  // namespace

void EpollIo::splice(SocketId from_id, SocketId to_id) {
  Socket* const from = find_usable(from_id);
  Socket* const to = find_usable(to_id);
  if (from == nullptr || to == nullptr) return;
  GILIRAN_ASSERT(from->life == Life::kOpen && !from->receiving && from->splice_from == kNoSplice);
  GILIRAN_ASSERT(to->life == Life::kOpen && !to->sending && to->splice_to == kNoSplice);
  GILIRAN_ASSERT(!to->send_shut);
  const uint32_t slot = splices_.take();
  Splice& splice = splices_.at(slot);
  splice.from = from_id;
  splice.to = to_id;
  from->splice_from = slot;
  from->receiving = true;
  to->splice_to = slot;
  if (from->readable) queue(from_id, *from);
}

void EpollIo::try_take(Socket& from) {
  const uint32_t slot = from.splice_from;
  Splice& splice = splices_.at(slot);
  Pipe pipe = pipes_.take();
  if (!pipe) {
    finish_splice(slot, {.kind = Spliced::Kind::kUnable});
    return;
  }
  ++counters_.splices;
  const ssize_t n = splice_some(from.fd, pipe.write.get(), kSpliceBytesMax);
  if (n > 0) {
    // That there may be more behind it is left to the next to find out: it may have filled the
    // slots of the pipe, whose number says nothing about bytes.
    splice.pipe = std::move(pipe);
    splice.taken = static_cast<size_t>(n);
    from.receiving = false;
    Socket& to = sockets_.at(splice.to.slot);
    to.sending = true;
    to.slice_count = 0;
    to.sent_bytes = 0;
    to.send_progress = turn_started_;
    if (to.writable) try_give(to);
    return;
  }
  pipes_.give_back_empty(std::move(pipe));
  if (n == -EAGAIN) {  // the socket is empty: the pipe was
    ++counters_.empty_splices;
    from.readable = false;
  } else if (n == 0) {
    finish_splice(slot, {.kind = Spliced::Kind::kEnd});
  } else if (refused(n)) {
    finish_splice(slot, {.kind = Spliced::Kind::kUnable});
  } else {
    finish_splice(slot, {.kind = Spliced::Kind::kFromError, .error = static_cast<int>(-n)});
  }
}

void EpollIo::try_give(Socket& to) {
  const uint32_t slot = to.splice_to;
  const Splice& splice = splices_.at(slot);
  const size_t left = splice.taken - to.sent_bytes;
  ++counters_.sends;
  const ssize_t n = splice_some(splice.pipe.read.get(), to.fd, left);
  if (n < 0 && n != -EAGAIN) {
    finish_splice(slot, {.kind = Spliced::Kind::kToError,
                         .error = static_cast<int>(-n),
                         .bytes = to.sent_bytes,
                         .lost = left});
    return;
  }
  const size_t given = n < 0 ? 0 : static_cast<size_t>(n);
  to.sent_bytes += static_cast<uint32_t>(given);
  if (given != 0) to.send_progress = turn_started_;
  if (given == left) {
    finish_splice(slot, {.kind = Spliced::Kind::kData, .bytes = splice.taken});
    return;
  }
  // Less than all there was: the kernel's buffer is full. Wait for the edge.
  ++counters_.partial_sends;
  to.writable = false;
}

EpollIo::Splice EpollIo::end_splice(uint32_t slot) {
  Splice splice = std::move(splices_.at(slot));
  splices_.at(slot).generation = splice.generation;
  splices_.give_back(slot);
  Socket& from = sockets_.at(splice.from.slot);
  Socket& to = sockets_.at(splice.to.slot);
  from.splice_from = kNoSplice;
  from.receiving = false;
  to.splice_to = kNoSplice;
  to.sending = false;
  return splice;
}

void EpollIo::finish_splice(uint32_t slot, const Spliced& result) {
  Splice splice = end_splice(slot);
  if (splice.pipe) {
    if (result.lost == 0) {
      pipes_.give_back_empty(std::move(splice.pipe));
    } else {
      pipes_.discard(std::move(splice.pipe));
    }
  }
  sockets_.at(splice.from.slot).events->on_spliced(splice.from, result);
}

void EpollIo::drop_splice(uint32_t slot) {
  Splice splice = end_splice(slot);
  if (splice.pipe) pipes_.discard(std::move(splice.pipe));
}

}  // namespace giliran::net
