// For tests: a server that answers requests or lines from a script, on any loop, and a sink that
// remembers.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "client/target.h"
#include "net/io.h"
#include "telemetry/json.h"
#include "telemetry/record.h"

namespace giliran::client {

inline Target test_target() {
  Target target;
  target.host = "127.0.0.1";
  target.path = Template::literal("/");
  target.headers = {{"Host", Template::literal("127.0.0.1")}};
  return target;
}

struct TestServerOptions {
  bool http = true;
  std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Giliran-Server: s1\r\n\r\nok";
  uint64_t answers_per_connection = 0;  // then the connection is closed; 0: no bound
  bool silent = false;                  // accepts, reads, never answers
  bool hold = false;                    // answers only at release()
  bool hangs_up = false;                // accepts and closes
  std::function<void()> on_request{};
};

class TestServer final : private net::AcceptEvents {
 public:
  TestServer(net::Io& io, TestServerOptions options) : io_(io), options_(std::move(options)) {}

  base::Address listen(const base::Address& address) {
    listener_ = io_.listen(address, {}, *this).value();
    return io_.listener_address(listener_);
  }

  TestServerOptions& options() { return options_; }
  // Answers what was held, and what comes from now on.
  void release() {
    options_.hold = false;
    for (const auto& peer : peers_) peer->release();
  }
  // Sends a text on every open connection, though nobody asked.
  void speak(std::string_view text) {
    for (const auto& peer : peers_) {
      if (peer->socket.none()) continue;
      peer->output = base::Slice::of_static(text);
      io_.send(peer->socket, {&peer->output, 1});
    }
  }
  uint64_t requests() const { return requests_; }  // complete ones
  uint64_t connections() const { return peers_.size(); }
  uint64_t bytes_in() const { return bytes_in_; }
  uint64_t resets() const { return resets_; }
  const std::string& last_request() const { return last_request_; }
  size_t open() const {
    size_t n = 0;
    for (const auto& peer : peers_) n += peer->socket.none() ? 0 : 1;
    return n;
  }

 private:
  struct Peer final : net::SocketEvents {
    Peer(TestServer& owner, net::SocketId id) : server(owner), socket(id) {
      server.io_.own(id, *this);
      server.io_.receive(id);
    }
    void on_received(net::SocketId, net::Received received) override {
      if (received.kind != net::Received::Kind::kData) {
        if (received.kind == net::Received::Kind::kError) ++server.resets_;
        return server.io_.close(socket);
      }
      server.bytes_in_ += received.data.size();
      input += received.data.view();
      received.data.reset();
      take_requests();
      if (!socket.none()) server.io_.receive(socket);
    }
    void take_requests() {
      const std::string_view end = server.options_.http ? "\r\n\r\n" : "\n";
      for (size_t at = input.find(end); at != std::string::npos; at = input.find(end)) {
        server.last_request_ = input.substr(0, at + end.size());
        input.erase(0, at + end.size());
        ++server.requests_;
        if (server.options_.on_request) server.options_.on_request();
        if (server.options_.silent) continue;
        if (server.options_.hold) {
          held = true;
        } else {
          answer();
        }
      }
    }
    void answer() {
      ++answers;
      output = base::Slice::of_static(server.options_.answer);
      server.io_.send(socket, {&output, 1});
    }
    void release() {
      if (held && !socket.none()) answer();
      held = false;
    }
    void on_sent(net::SocketId, size_t, int) override {
      const uint64_t most = server.options_.answers_per_connection;
      if (most != 0 && answers >= most) server.io_.close(socket);
    }
    void on_closed(net::SocketId) override { socket = {}; }

    TestServer& server;
    net::SocketId socket;
    std::string input;
    base::Slice output;
    uint64_t answers = 0;
    bool held = false;  // a request
  };

  void on_accepted(net::ListenerId, net::SocketId socket, const base::Address&) override {
    peers_.push_back(std::make_unique<Peer>(*this, socket));
    if (options_.hangs_up) io_.close(socket);
  }
  void on_accept_paused(net::ListenerId, int) override {}
  void on_listener_closed(net::ListenerId) override {}

  net::Io& io_;
  TestServerOptions options_;
  net::ListenerId listener_;
  std::vector<std::unique_ptr<Peer>> peers_;
  uint64_t requests_ = 0;
  uint64_t bytes_in_ = 0;
  uint64_t resets_ = 0;
  std::string last_request_;
};

// Records as lines.
class TestSink final : public telemetry::RecordSink {
 public:
  void write(const telemetry::Record& record) override {
    lines.emplace_back();
    telemetry::append_json(record, lines.back());
    records.push_back(record);
  }
  size_t count(telemetry::Kind kind, telemetry::End end) const {
    size_t n = 0;
    for (const telemetry::Record& record : records) {
      n += record.kind == kind && record.end == end ? 1 : 0;
    }
    return n;
  }
  std::vector<std::string> lines;
  std::vector<telemetry::Record> records;  // their texts are gone
};

}  // namespace giliran::client
