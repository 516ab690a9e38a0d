// From socket to socket in the in-memory network: what is taken is held by the one that sends.
#include <utility>

#include "base/assert.h"
#include "net/memory_io.h"

namespace giliran::net {

void MemoryIo::splice(SocketId from_id, SocketId to_id) {
  Socket* const from = find_usable(from_id);
  Socket* const to = find_usable(to_id);
  if (from == nullptr || to == nullptr) return;
  GILIRAN_ASSERT(from->life == Life::kOpen && !from->receiving && from->splice_to.none());
  GILIRAN_ASSERT(to->life == Life::kOpen && !to->sending && to->splice_from.none());
  GILIRAN_ASSERT(!to->send_shut);
  from->receiving = true;
  from->splice_to = to_id;
  to->splice_from = from_id;
  queue(from_id, *from);
}

// Of what a pipe would take, only as much as a buffer holds.
void MemoryIo::try_splice(SocketId id, Socket& from) {
  Socket& to = sockets_.at(from.splice_to.slot);
  if (nothing_to_receive(from)) return;
  Spliced result{.kind = Spliced::Kind::kUnable};
  if (network_.rng.uniform() >= network_.options.no_pipe) {
    ++counters_.splices;
    Received received = take_received(from);
    switch (received.kind) {
      case Received::Kind::kData:
        to.spliced = std::move(received.data);
        to.sending = true;
        to.slices = {&to.spliced, 1};
        to.slice_index = 0;
        to.slice_offset = 0;
        to.sent_bytes = 0;
        to.send_progress = network_.clock.now();
        queue(from.splice_to, to);
        return;
      case Received::Kind::kEnd:
        result.kind = Spliced::Kind::kEnd;
        break;
      case Received::Kind::kError:
        result = {.kind = Spliced::Kind::kFromError, .error = received.error};
        break;
    }
  }
  end_splice(from, to);
  from.events->on_spliced(id, result);
}

// All that was taken has been given, or the receiver can take no more (error).
void MemoryIo::finish_splice(Socket& to, int error) {
  const SocketId from_id = to.splice_from;
  Socket& from = sockets_.at(from_id.slot);
  const Spliced result{.kind = error == 0 ? Spliced::Kind::kData : Spliced::Kind::kToError,
                       .error = error,
                       .bytes = to.sent_bytes,
                       .lost = to.spliced.size() - to.sent_bytes};
  end_splice(from, to);
  from.events->on_spliced(from_id, result);
}

void MemoryIo::end_splice(Socket& from, Socket& to) {
  from.receiving = false;
  from.splice_to = {};
  to.sending = false;
  to.splice_from = {};
  to.slices = {};
  to.spliced.reset();
}

void MemoryIo::drop_splices(Socket& socket) {
  if (!socket.splice_to.none()) end_splice(socket, sockets_.at(socket.splice_to.slot));
  if (!socket.splice_from.none()) end_splice(sockets_.at(socket.splice_from.slot), socket);
}

}  // namespace giliran::net
