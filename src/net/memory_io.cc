#include "net/memory_io.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>

#include "base/assert.h"

namespace giliran::net {
namespace {

constexpr uint32_t kReceiveBytes = 16384;
constexpr uint32_t kReceiveLargeBytes = 65536;
constexpr int kCutsMax = 16;  // of one delivery

}  // namespace

// --- listening ---

base::Result<ListenerId> MemoryIo::listen(const base::Address& address,
                                          const ListenOptions& options, AcceptEvents& events) {
  base::Address at = address;
  if (!at.is_unix() && at.port() == 0) at = at.with_port(network_.new_port());
  for (const MemoryListener& other : network_.listeners) {
    if (other.address == at && !(other.reuse_port && options.reuse_port)) {
      return base::fail(fmt::format("{} is in use", at.text()), EADDRINUSE);
    }
  }
  const ListenerId id{static_cast<uint32_t>(listeners_.size()), ++listener_generation_};
  listeners_.push_back({.id = id, .address = at, .events = &events});
  network_.listeners.push_back(
      {.address = at, .io = this, .id = id, .reuse_port = options.reuse_port});
  return id;
}

base::Result<ListenerId> MemoryIo::listen_on(int, bool, AcceptEvents&) {
  return base::fail("the in-memory network has no descriptors to listen on", ENOTSUP);
}

MemoryIo::Listener* MemoryIo::find_listener(ListenerId id) {
  if (id.slot >= listeners_.size() || listeners_[id.slot].id != id) return nullptr;
  return listeners_[id.slot].events == nullptr ? nullptr : &listeners_[id.slot];
}

void MemoryIo::stop_listening(ListenerId id) {
  const Listener* const listener = find_listener(id);
  if (listener == nullptr) return;
  // Nothing waits in a queue here: who arrives from now on is refused.
  const size_t removed = std::erase_if(network_.listeners, [&](const MemoryListener& other) {
    return other.io == this && other.id == id;
  });
  if (removed == 0) return;
  network_.soon([this, id] {
    AcceptEvents* const events = listeners_[id.slot].events;
    listeners_[id.slot].events = nullptr;
    events->on_listener_closed(id);
  });
}

base::Address MemoryIo::listener_address(ListenerId id) {
  const Listener* const listener = find_listener(id);
  return listener == nullptr ? base::Address() : listener->address;
}

// --- connecting ---

SocketId MemoryIo::connect(const base::Address& to, const ConnectOptions& options,
                           SocketEvents& events) {
  ++counters_.connects;
  const uint32_t slot = sockets_.take();
  Socket& socket = sockets_.at(slot);
  const SocketId id{slot, socket.generation};
  socket.life = Life::kConnecting;
  socket.events = &events;
  socket.peer = to;
  socket.local = options.source.none() ? base::Address::loopback(0) : options.source;
  if (socket.local.port() == 0) socket.local = socket.local.with_port(network_.new_port());
  network_.at(network_.clock.now() + network_.delay(), [this, id, to] { syn(id, to); });
  return id;
}

// The request to connect arrives.
void MemoryIo::syn(SocketId from, const base::Address& to) {
  Socket* const socket = find_usable(from);
  if (socket == nullptr) return;
  const auto reach = network_.reach.find(to.text());
  const auto kind = reach == network_.reach.end() ? MemoryWorld::Reach::kNormal : reach->second;
  if (kind == MemoryWorld::Reach::kSilent) return;
  const MemoryListener* const listener =
      kind == MemoryWorld::Reach::kRefused ? nullptr : network_.pick_listener(to);
  if (listener == nullptr) {
    network_.at(network_.clock.now() + network_.delay(),
                [this, from] { connected(from, {}, ECONNREFUSED); });
    return;
  }
  const MemoryListener at = *listener;  // its events may change the list
  at.io->accept({.address = to, .io = at.io, .id = at.id}, {this, from}, socket->local);
}

SocketId MemoryIo::accept(const MemoryListener& at, Remote from, const base::Address& peer) {
  ++counters_.accepts;
  const uint32_t slot = sockets_.take();
  Socket& socket = sockets_.at(slot);
  const SocketId id{slot, socket.generation};
  socket.life = Life::kOpen;
  socket.remote = from;
  socket.local = at.address;
  socket.peer = peer;
  transmit(id, socket, Item::kConnected, {});
  find_listener(at.id)->events->on_accepted(at.id, id, peer);
  GILIRAN_ASSERT(socket.life == Life::kClosing || socket.events != nullptr);
  return id;
}

void MemoryIo::connected(SocketId id, Remote remote, int error) {
  Socket* const socket = find_usable(id);
  if (socket == nullptr) return;
  socket->life = error == 0 ? Life::kOpen : Life::kFailed;
  socket->remote = remote;
  socket->events->on_connected(id, error);
}

// --- submitting ---

MemoryIo::Socket* MemoryIo::find_usable(SocketId id) {
  Socket* const socket = sockets_.find(id.slot, id.generation);
  if (socket == nullptr || socket->life == Life::kClosing) return nullptr;
  GILIRAN_ASSERT(socket->life != Life::kFree);
  return socket;
}

void MemoryIo::own(SocketId id, SocketEvents& events) {
  if (Socket* const socket = find_usable(id)) socket->events = &events;
}

void MemoryIo::receive(SocketId id) {
  Socket* const socket = find_usable(id);
  if (socket == nullptr) return;
  GILIRAN_ASSERT(socket->life == Life::kOpen && !socket->receiving);
  GILIRAN_ASSERT(socket->splice_to.none());
  socket->receiving = true;
  queue(id, *socket);
}

bool MemoryIo::receiving(SocketId id) const {
  const Socket* const socket = const_cast<MemoryIo*>(this)->find_usable(id);
  return socket != nullptr && socket->receiving;
}

void MemoryIo::send(SocketId id, std::span<const base::Slice> slices) {
  Socket* const socket = find_usable(id);
  if (socket == nullptr) return;
  GILIRAN_ASSERT(socket->life == Life::kOpen && !socket->sending && !socket->send_shut);
  GILIRAN_ASSERT(socket->splice_from.none());
  GILIRAN_ASSERT(!slices.empty() && slices.size() <= kSendSlicesMax);
  socket->sending = true;
  socket->slices = slices;
  socket->slice_index = 0;
  socket->slice_offset = 0;
  socket->sent_bytes = 0;
  socket->send_progress = network_.clock.now();
  queue(id, *socket);
}

bool MemoryIo::sending(SocketId id) const {
  const Socket* const socket = const_cast<MemoryIo*>(this)->find_usable(id);
  return socket != nullptr && socket->sending;
}

bool MemoryIo::extend_send(SocketId id, size_t count) {
  Socket* const socket = find_usable(id);
  if (socket == nullptr || !socket->sending || !socket->splice_from.none()) return false;
  if (socket->slice_index == socket->slices.size()) return false;  // all is said (send_now)
  if (socket->slices.size() + count > kSendSlicesMax) return false;
  socket->slices = {socket->slices.data(), socket->slices.size() + count};
  return true;
}

size_t MemoryIo::sent_so_far(SocketId id) const {
  const Socket* const socket = const_cast<MemoryIo*>(this)->find_usable(id);
  return socket != nullptr && socket->sending ? socket->sent_bytes : 0;
}

void MemoryIo::send_now(SocketId id) {
  Socket* const socket = find_usable(id);
  if (socket != nullptr && socket->sending && socket->splice_from.none()) push_slices(id, *socket);
}

bool MemoryIo::unsend(SocketId id) {
  Socket* const socket = find_usable(id);
  if (socket == nullptr || !socket->sending) return false;
  if (!socket->splice_from.none() || socket->sent_bytes != 0) return false;
  socket->sending = false;
  return true;
}

base::Instant MemoryIo::send_progress(SocketId id) const {
  const Socket* const socket = const_cast<MemoryIo*>(this)->find_usable(id);
  return socket == nullptr ? base::Instant{} : socket->send_progress;
}

void MemoryIo::shutdown_send(SocketId id) {
  Socket* const socket = find_usable(id);
  if (socket == nullptr) return;
  GILIRAN_ASSERT(socket->life == Life::kOpen && !socket->sending);
  GILIRAN_ASSERT(socket->splice_from.none());
  if (!socket->send_shut && socket->error == 0) transmit(id, *socket, Item::kEnd, {});
  socket->send_shut = true;
}

void MemoryIo::watch_hangup(SocketId id) {
  Socket* const socket = find_usable(id);
  if (socket == nullptr) return;
  socket->watching_hangup = true;
  queue(id, *socket);
}

void MemoryIo::watch_end(SocketId id) {
  Socket* const socket = find_usable(id);
  if (socket == nullptr) return;
  socket->watching_end = true;
  queue(id, *socket);
}

void MemoryIo::close(SocketId id, CloseMode mode) {
  Socket* const socket = find_usable(id);
  if (socket == nullptr) return;
  drop_splices(*socket);
  if (socket->remote.io != nullptr && socket->error == 0) {
    // As TCP does it: closing with bytes unread resets.
    const bool unread = socket->inbox.size() > socket->inbox_read;
    if (mode == CloseMode::kReset || unread) {
      transmit(id, *socket, Item::kReset, {});
    } else if (!socket->send_shut) {
      transmit(id, *socket, Item::kEnd, {});
    }
  }
  socket->life = Life::kClosing;
  network_.soon([this, id] {
    ++counters_.closes;
    SocketEvents* const events = sockets_.at(id.slot).events;
    if (events != nullptr) events->on_closed(id);
    sockets_.give_back(id.slot);
  });
}

base::Address MemoryIo::local_address(SocketId id) {
  const Socket* const socket = find_usable(id);
  return socket == nullptr ? base::Address() : socket->local;
}

base::Address MemoryIo::peer_address(SocketId id) {
  const Socket* const socket = find_usable(id);
  return socket == nullptr ? base::Address() : socket->peer;
}

void MemoryIo::watch_fd(int, FdEvents&) {
  GILIRAN_ASSERT(false && "the in-memory network has no descriptors");
}

void MemoryIo::unwatch_fd(int) {
  GILIRAN_ASSERT(false && "the in-memory network has no descriptors");
}

void MemoryIo::post(std::function<void()> task) {
  network_.soon([this, task = std::move(task)] {
    ++counters_.posts;
    task();
  });
}

void MemoryIo::run() {
  GILIRAN_ASSERT(false && "an in-memory loop is run by its world");
}

// --- completing ---

void MemoryIo::queue(SocketId id, Socket& socket) {
  if (socket.queued) return;
  socket.queued = true;
  network_.soon([this, id] { run_socket(id); });
}

void MemoryIo::run_socket(SocketId id) {
  Socket* const socket = find_usable(id);
  if (socket == nullptr) return;
  socket->queued = false;
  if (socket->sending) try_send(id, *socket);
  if (socket->life == Life::kOpen && socket->receiving) {
    socket->splice_to.none() ? try_receive(id, *socket) : try_splice(id, *socket);
  }
  if (socket->life == Life::kOpen && socket->watching_hangup && socket->error != 0) {
    socket->watching_hangup = socket->watching_end = false;
    socket->events->on_hangup(id);
  }
  if (socket->life == Life::kOpen && socket->watching_end && socket->ended && socket->error == 0) {
    socket->watching_end = false;
    socket->events->on_peer_ended(id);
  }
}

// As much of the outstanding send as the window takes.
void MemoryIo::push_slices(SocketId id, Socket& socket) {
  if (socket.slice_index == socket.slices.size()) return;  // send_now() was enough
  ++counters_.sends;
  const size_t room = window_room(socket);
  if (socket.error == 0 && room != 0) {
    std::string bytes = take_from_slices(socket, room);
    socket.unread_bytes += bytes.size();
    socket.sent_bytes += bytes.size();
    socket.send_progress = network_.clock.now();
    deliver_pieces(id, socket, std::move(bytes));
  }
}

void MemoryIo::try_send(SocketId id, Socket& socket) {
  push_slices(id, socket);
  const bool done = socket.slice_index == socket.slices.size();
  if (!done && socket.error == 0) {
    ++counters_.partial_sends;
    return;
  }
  if (!socket.splice_from.none()) return finish_splice(socket, done ? 0 : socket.error);
  socket.sending = false;
  socket.events->on_sent(id, socket.sent_bytes, done ? 0 : socket.error);
}

// As TCP does it, a window that opens by little waits until half of it is open: otherwise pieces,
// once cut small, would stay small for ever (the silly window syndrome).
size_t MemoryIo::window_room(const Socket& socket) const {
  const size_t window = network_.options.window_bytes;
  const size_t room = window > socket.unread_bytes ? window - socket.unread_bytes : 0;
  return room * 2 >= window ? room : 0;
}

std::string MemoryIo::take_from_slices(Socket& socket, size_t bytes_max) {
  std::string bytes;
  while (socket.slice_index < socket.slices.size() && bytes.size() < bytes_max) {
    const std::string_view rest =
        socket.slices[socket.slice_index].view().substr(socket.slice_offset);
    const std::string_view part = rest.substr(0, bytes_max - bytes.size());
    bytes += part;
    socket.slice_offset += static_cast<uint32_t>(part.size());
    if (part.size() == rest.size()) {
      ++socket.slice_index;
      socket.slice_offset = 0;
    }
  }
  return bytes;
}

// Cuts the bytes at random places, some of the time, or into pieces of the size that is asked for.
void MemoryIo::deliver_pieces(SocketId id, Socket& socket, std::string bytes) {
  const uint32_t most = network_.options.piece_bytes_max;
  if (most != 0) {
    for (size_t at = 0; at < bytes.size(); at += most) {
      transmit(id, socket, Item::kData, bytes.substr(at, most));
    }
    return;
  }
  for (int cuts = 0; cuts < kCutsMax && bytes.size() > 1; ++cuts) {
    if (network_.rng.uniform() >= network_.options.split) break;
    const size_t cut = 1 + network_.rng.below(bytes.size() - 1);
    transmit(id, socket, Item::kData, bytes.substr(0, cut));
    bytes.erase(0, cut);
  }
  transmit(id, socket, Item::kData, std::move(bytes));
}

void MemoryIo::try_receive(SocketId id, Socket& socket) {
  if (nothing_to_receive(socket)) return;
  ++counters_.receives;
  Received received = take_received(socket);
  socket.events->on_received(id, std::move(received));
}

bool MemoryIo::nothing_to_receive(const Socket& socket) {
  return socket.inbox.size() == socket.inbox_read && !socket.ended && socket.error == 0;
}

// Not to be called where there is nothing.
Received MemoryIo::take_received(Socket& socket) {
  socket.receiving = false;
  Received received;
  const size_t unread = socket.inbox.size() - socket.inbox_read;
  if (unread != 0) {
    const size_t room = socket.large_buffer ? kReceiveLargeBytes : kReceiveBytes;
    const size_t n = std::min(unread, room);
    socket.large_buffer = n == room || (socket.large_buffer && n > kReceiveBytes);
    base::Buffer buffer = buffers_.take(static_cast<uint32_t>(room));  // as the kernel is given one
    buffer.append(std::string_view(socket.inbox).substr(socket.inbox_read, n));
    received.data = buffer.take();
    socket.inbox_read += n;
    if (socket.inbox_read == socket.inbox.size()) {
      socket.inbox.clear();
      socket.inbox_read = 0;
    }
    if (const Remote sender = socket.remote; sender.io != nullptr) {
      network_.at(network_.clock.now() + network_.delay(),
                  [sender, n] { sender.io->credit(sender.id, n); });
    }
  } else if (socket.ended) {
    received.kind = Received::Kind::kEnd;
  } else {
    received.kind = Received::Kind::kError;
    received.error = socket.error;
  }
  return received;
}

// --- the network between two sockets ---

void MemoryIo::transmit(SocketId from, Socket& socket, Item item, std::string bytes) {
  // Strictly later than what went before, so that a cut is seen by who receives.
  socket.last_delivery =
      std::max(socket.last_delivery + base::Duration(1), network_.clock.now() + network_.delay());
  network_.at(socket.last_delivery,
              [to = socket.remote, sender = Remote{this, from}, item, data = std::move(bytes)] {
                to.io->arrive(to.id, sender, item, data);
              });
}

void MemoryIo::arrive(SocketId to, Remote from, Item item, std::string bytes) {
  if (item == Item::kReset) return reset_by_peer(to);
  Socket* const socket = find_usable(to);
  if (socket == nullptr) {
    // Nobody is there (an orderly end needs nobody): the sender hears of it.
    if (item == Item::kEnd) return;
    network_.at(network_.clock.now() + network_.delay(),
                [from] { from.io->reset_by_peer(from.id); });
    return;
  }
  if (item == Item::kConnected) return connected(to, from, 0);
  if (socket->error != 0) return;
  if (network_.options.reset > 0 && network_.rng.uniform() < network_.options.reset) {
    network_.at(network_.clock.now() + network_.delay(),
                [from] { from.io->reset_by_peer(from.id); });
    return reset_by_peer(to);
  }
  socket->inbox += bytes;
  if (item == Item::kEnd) socket->ended = true;
  queue(to, *socket);
}

void MemoryIo::reset_by_peer(SocketId id) {
  Socket* const socket = find_usable(id);
  if (socket == nullptr || socket->error != 0) return;
  if (socket->life == Life::kConnecting) return connected(id, {}, ECONNRESET);
  if (socket->life != Life::kOpen) return;
  socket->error = ECONNRESET;
  queue(id, *socket);
}

void MemoryIo::credit(SocketId id, size_t bytes) {
  Socket* const socket = find_usable(id);
  if (socket == nullptr) return;
  socket->unread_bytes -= bytes;
  if (socket->sending && window_room(*socket) != 0) queue(id, *socket);
}

void MemoryIo::reset_all(const base::Address& address) {
  const auto matches = [&](const base::Address& one) {
    return one == address || (address.port() == 0 && one.with_port(0) == address);
  };
  for (uint32_t slot = 0; slot < sockets_.size(); ++slot) {
    const Socket& socket = sockets_.at(slot);
    if (socket.life != Life::kOpen) continue;
    if (!matches(socket.local) && !matches(socket.peer)) continue;
    network_.at(network_.clock.now() + network_.delay(),
                [this, id = SocketId{slot, socket.generation}] { reset_by_peer(id); });
  }
}

}  // namespace giliran::net
