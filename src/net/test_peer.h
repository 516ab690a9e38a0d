// For tests: sockets and listeners that remember what they were told.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "net/io.h"

namespace giliran::net {

// One socket. Receives all the time unless told not to; sends strings one after another.
class TestPeer final : public SocketEvents {
 public:
  TestPeer(Io& loop, bool receive_all = true) : io(loop), receiving(receive_all) {}
  ~TestPeer() {
    if (!closed && !socket.none()) io.close(socket);
  }

  void connect(const base::Address& to, const ConnectOptions& options = {}) {
    socket = io.connect(to, options, *this);
  }
  void adopt(SocketId accepted) {
    socket = accepted;
    io.own(accepted, *this);
    connected = true;
    if (receiving) io.receive(accepted);
  }
  void send(std::string text) {
    outgoing.push_back(std::move(text));
    if (!io.sending(socket)) send_next();
  }
  void receive() { io.receive(socket); }
  void close(CloseMode mode = CloseMode::kGraceful) { io.close(socket, mode); }

  void on_connected(SocketId id, int error) override {
    events += error == 0 ? "connected " : "refused ";
    EXPECT_EQ(id, socket);
    connected = error == 0;
    connect_error = error;
    if (connected && receiving) io.receive(socket);
  }
  void on_received(SocketId id, Received received) override {
    EXPECT_EQ(id, socket);
    EXPECT_FALSE(io.receiving(id));
    if (received.kind == Received::Kind::kData) {
      EXPECT_FALSE(received.data.empty());
      incoming.append(received.data.view());
      ++receives;
      received.data.reset();
      if (receiving) io.receive(socket);
      if (on_data) on_data();
    } else if (received.kind == Received::Kind::kEnd) {
      events += "end ";
      ended = true;
      if (on_data) on_data();
    } else {
      events += "error ";
      receive_error = received.error;
    }
  }
  void on_sent(SocketId id, size_t bytes, int error) override {
    EXPECT_EQ(id, socket);
    EXPECT_FALSE(io.sending(id));
    sent_bytes += bytes;
    ++sends;
    if (error != 0) {
      events += "unsent ";
      send_error = error;
      return;
    }
    EXPECT_EQ(bytes, sending_now.size());
    if (!outgoing.empty()) send_next();
    if (on_done) on_done();
  }
  void on_hangup(SocketId) override {
    events += "hangup ";
    ++hangups;
  }
  void on_peer_ended(SocketId) override {
    events += "over ";
    ++ends;
  }
  void on_closed(SocketId id) override {
    EXPECT_EQ(id, socket);
    events += "closed ";
    closed = true;
  }

  Io& io;
  SocketId socket;
  bool receiving;
  bool connected = false, ended = false, closed = false;
  int connect_error = 0, receive_error = 0, send_error = 0, hangups = 0, ends = 0;
  size_t receives = 0, sends = 0, sent_bytes = 0;
  std::string incoming;
  std::string events;  // in order, without data and sent
  std::function<void()> on_data;
  std::function<void()> on_done;

 private:
  void send_next() {
    sending_now = std::move(outgoing.front());
    outgoing.pop_front();
    slice = base::Slice::of_static(sending_now);
    io.send(socket, {&slice, 1});
  }
  std::deque<std::string> outgoing;
  std::string sending_now;
  base::Slice slice;
};

// A listener that makes a TestPeer of every connection.
class TestListener final : public AcceptEvents {
 public:
  explicit TestListener(Io& loop, bool receive_all = true) : io(loop), receiving(receive_all) {}

  base::Address listen(const base::Address& address, const ListenOptions& options = {}) {
    auto result = io.listen(address, options, *this);
    EXPECT_TRUE(result) << result.error().message;
    id = *result;
    return io.listener_address(id);
  }

  void on_accepted(ListenerId, SocketId socket, const base::Address& peer) override {
    peers.push_back(std::make_unique<TestPeer>(io, receiving));
    addresses.push_back(peer);
    peers.back()->adopt(socket);
    if (on_peer) on_peer(*peers.back());
  }
  void on_accept_paused(ListenerId, int error) override {
    ++pauses;
    pause_error = error;
  }
  void on_listener_closed(ListenerId) override { closed = true; }

  Io& io;
  bool receiving;
  ListenerId id;
  bool closed = false;
  int pauses = 0, pause_error = 0;
  std::vector<std::unique_ptr<TestPeer>> peers;
  std::vector<base::Address> addresses;
  std::function<void(TestPeer&)> on_peer;
};

}  // namespace giliran::net
