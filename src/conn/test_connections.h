// For tests: a server and clients made of connections, that remember what they were told.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "conn/client_connection.h"
#include "conn/server_connection.h"
#include "net/engine.h"
#include "net/memory.h"
#include "net/test_loop.h"
#include "net/test_peer.h"

namespace giliran::conn {

// A loop, real or in memory; servers and clients share it.
class TestLoop {
 public:
  enum class Engine : uint8_t { kMemory, kEpoll };
  explicit TestLoop(Engine engine) {
    if (engine == Engine::kEpoll) {
      epoll_ = std::move(*net::make_epoll_io(clock_));
    } else {
      world_ = std::make_unique<net::MemoryWorld>(1);
      memory_ = &world_->add_io();
    }
  }
  net::Io& io() { return epoll_ ? *epoll_ : *memory_; }
  net::MemoryWorld& world() { return *world_; }
  template <typename Predicate>
  bool until(Predicate predicate) {
    return epoll_ ? net::run_until(*epoll_, predicate) : net::run_until(*world_, predicate);
  }
  void pass(base::Duration d) {
    const base::Instant end = io().now() + d;
    until([&] { return io().now() >= end; });
  }

 private:
  base::SystemClock clock_;
  std::unique_ptr<net::Io> epoll_;
  std::unique_ptr<net::MemoryWorld> world_;
  net::Io* memory_ = nullptr;
};

inline std::string text_of(const Fields& fields) {
  std::string text;
  for (const Field& f : fields.all())
    text += std::string(f.name) + ":" + std::string(f.value) + ";";
  return text;
}

// One request a server got.
struct TestRequest final : ServerStreamEvents {
  void on_request_data(base::Slice data) override {
    EXPECT_FALSE(closed);
    EXPECT_TRUE(tunnel ? !half_closed : !ended);
    EXPECT_FALSE(data.empty());
    (tunnel ? raw : body) += data.view();
    given += data.size();
    if (consume_at_once) stream->consume(data.size());
    if (on_data) on_data(*this);
  }
  void on_request_end(const Fields& t) override {
    EXPECT_FALSE(closed);
    if (tunnel) {
      EXPECT_FALSE(half_closed);
      EXPECT_EQ(t.count, 0U);
      half_closed = true;
      if (on_half_closed) on_half_closed(*this);
      return;
    }
    EXPECT_FALSE(ended);
    ended = true;
    trailers = text_of(t);
    if (on_end) on_end(*this);
  }
  void on_response_sent(uint32_t bytes) override { sent += bytes; }
  void on_closed(const StreamClosed& c) override {
    EXPECT_FALSE(closed);
    closed = true;
    how = c;
    facts = stream->facts();
    stream = nullptr;
  }
  void respond(std::string_view text, uint16_t status = 200) {
    stream->send_head(
        {.status = status, .reason = {}, .fields = {}, .body = BodyLength::known(text.size())});
    if (!text.empty()) stream->send_data(base::Slice::of_static(text));
    stream->send_end();
  }
  // 101 (200 to CONNECT): what comes from now on is raw.
  void accept_tunnel() {
    const Field field{.name = "Upgrade", .value = "test"};
    const bool connect = method == "CONNECT";
    tunnel = true;
    stream->send_head({.status = connect ? uint16_t{200} : uint16_t{101},
                       .reason = {},
                       .fields = {&field, connect ? 0U : 1U},
                       .body = {},
                       .tunnel = true});
  }
  void say(std::string_view text) { stream->send_data(base::Slice::of_static(text)); }

  ServerStream* stream = nullptr;
  ServerConnection* connection = nullptr;
  std::string method, target, fields, body, trailers;
  std::string raw;  // of a tunnel
  bool tunnel = false, half_closed = false;
  bool expect_continue = false;
  bool ended = false, closed = false, consume_at_once = true;
  uint64_t given = 0, sent = 0;
  StreamClosed how;
  StreamFacts facts;
  std::function<void(TestRequest&)> on_data, on_end, on_half_closed;
};

struct Refused {
  StreamClosed why;
  uint16_t status;
  std::string bytes;
};

class TestServer final : public ServerHandler, private net::AcceptEvents {
 public:
  explicit TestServer(net::Io& loop) : io(loop) {
    auto listener = io.listen(base::Address::loopback(0), {}, *this);
    EXPECT_TRUE(listener);
    listener_ = *listener;
    address = io.listener_address(listener_);
  }
  void stop() { io.stop_listening(listener_); }
  size_t open() const {
    size_t count = 0;
    for (const auto& c : connections) count += c ? 1 : 0;
    return count;
  }

  net::Io& io;
  base::Address address;
  ServerOptions options;
  std::vector<std::unique_ptr<ServerConnection>> connections;  // null once closed
  std::vector<std::unique_ptr<TestRequest>> requests;
  std::vector<Refused> refused;
  OwnAnswer own;
  std::vector<uint16_t> own_answers;
  std::function<void(TestRequest&)> on_request_begin;  // inside on_request
  std::function<void(TestRequest&)> on_request_end;
  bool listener_closed = false;

 private:
  void on_accepted(net::ListenerId, net::SocketId socket, const base::Address& peer) override {
    connections.push_back(std::make_unique<ServerConnection>(
        io, socket, peer, connections.size() + 1, options, static_cast<ServerHandler&>(*this)));
  }
  void on_accept_paused(net::ListenerId, int) override {}
  void on_listener_closed(net::ListenerId) override { listener_closed = true; }
  ServerStreamEvents& on_request(ServerConnection& connection, ServerStream& stream,
                                 const RequestHead& head, const base::Slice& bytes) override {
    EXPECT_FALSE(bytes.empty());
    requests.push_back(std::make_unique<TestRequest>());
    TestRequest& request = *requests.back();
    request.stream = &stream;
    request.connection = &connection;
    request.method = head.method;
    request.target = head.target;
    request.fields = text_of(head.fields);
    request.expect_continue = head.expect_continue;
    request.on_end = on_request_end;
    if (on_request_begin) on_request_begin(request);
    return request;
  }
  void on_refused(ServerConnection&, const StreamFacts&, const StreamClosed& why, uint16_t status,
                  std::string_view bytes) override {
    refused.push_back({why, status, std::string(bytes)});
  }
  OwnAnswer own_answer(const ServerConnection&, const StreamClosed& why, uint16_t) override {
    own_answers.push_back(why.answered);
    return own;
  }
  void on_connection_closed(ServerConnection& connection) override {
    for (auto& c : connections) {
      if (c.get() == &connection) c.reset();
    }
  }

  net::ListenerId listener_;
};

// One exchange of a client.
struct TestExchange final : ClientStreamEvents {
  void on_interim(const ResponseHead& head) override {
    EXPECT_EQ(status, 0);
    interims.push_back(head.status);
    if (on_interim_head) on_interim_head();
  }
  void on_response_head(const ResponseHead& head) override {
    EXPECT_EQ(status, 0);
    EXPECT_FALSE(closed);
    status = head.status;
    fields = text_of(head.fields);
    if (on_head) on_head();
  }
  void on_response_data(base::Slice data) override {
    EXPECT_NE(status, 0);
    EXPECT_FALSE(ended || closed);
    body += data.view();
    if (consume_at_once) stream->consume(data.size());
  }
  void on_response_end(const Fields& t) override {
    EXPECT_FALSE(ended || closed);
    ended = true;
    trailers = text_of(t);
  }
  void on_request_sent(uint32_t bytes) override { sent += bytes; }
  void on_closed(const StreamClosed& c) override {
    EXPECT_FALSE(closed);
    closed = true;
    how = c;
    facts = stream->facts();
    stream = nullptr;
  }
  void send(std::string_view method, std::string_view target, BodyLength length = {}) {
    const Field host{.name = "Host", .value = "h"};
    stream->send_head({.method = method, .target = target, .fields = {&host, 1}, .body = length});
  }
  // Asks for a tunnel.
  void ask_tunnel(bool connect = false) {
    const Field fields_out[] = {{.name = "Host", .value = "h:80"},
                                {.name = "Upgrade", .value = "test"}};
    stream->send_head({.method = connect ? "CONNECT" : "GET",
                       .target = connect ? "h:80" : "/chat",
                       .fields = std::span(fields_out).first(connect ? 1 : 2),
                       .body = {},
                       .upgrade = !connect});
    stream->send_end();
  }
  void say(std::string_view text) { stream->send_data(base::Slice::of_static(text)); }
  void get(std::string_view target = "/") {
    send("GET", target);
    stream->send_end();
  }

  ClientStream* stream = nullptr;
  uint16_t status = 0;
  std::vector<uint16_t> interims;
  std::string fields, body, trailers;
  bool ended = false, closed = false, consume_at_once = true;
  uint64_t sent = 0;
  StreamClosed how;
  StreamFacts facts;
  std::function<void()> on_interim_head, on_head;
};

// One client connection with its exchanges.
class TestClient final : public ClientConnectionOwner {
 public:
  TestClient(net::Io& io, const base::Address& to, const ClientOptions& client_options = {})
      : options(client_options),
        connection(std::make_unique<ClientConnection>(io, to, 1, options, *this)) {}

  TestExchange& start() {
    exchanges.push_back(std::make_unique<TestExchange>());
    exchanges.back()->stream = &connection->start(*exchanges.back());
    return *exchanges.back();
  }
  void on_idle(ClientConnection&) override { ++idles; }
  void on_unusable(ClientConnection& c) override {
    EXPECT_FALSE(c.usable());
    ++unusables;
  }
  void on_connection_closed(ClientConnection&) override {
    connection.reset();
    closed = true;
  }

  ClientOptions options;
  int idles = 0, unusables = 0;
  bool closed = false;
  std::vector<std::unique_ptr<TestExchange>> exchanges;
  std::unique_ptr<ClientConnection> connection;
};

// A loop, a server and what a test adds; at the end nothing may be left.
class ConnectionTest : public testing::Test {
 protected:
  explicit ConnectionTest(TestLoop::Engine engine = TestLoop::Engine::kMemory)
      : loop_(engine), server_(loop_.io()) {}

  TestClient& connect(const ClientOptions& options = {}) {
    clients_.push_back(std::make_unique<TestClient>(loop_.io(), server_.address, options));
    return *clients_.back();
  }
  // A socket that says and hears bytes.
  net::TestPeer& dial(bool receive_all = true) {
    peers_.push_back(std::make_unique<net::TestPeer>(loop_.io(), receive_all));
    peers_.back()->connect(server_.address);
    EXPECT_TRUE(loop_.until([&] { return peers_.back()->connected; }));
    return *peers_.back();
  }
  template <typename Predicate>
  bool until(Predicate predicate) {
    return loop_.until(predicate);
  }
  void answer_all(std::string_view text = "hi") {
    server_.on_request_end = [text](TestRequest& request) { request.respond(text); };
  }

  void TearDown() override {
    for (const auto& c : clients_) {
      if (c->connection) c->connection->shut();
    }
    for (const auto& p : peers_) {
      if (!p->closed) p->close();
    }
    for (const auto& c : server_.connections) {
      if (c) c->shut();
    }
    server_.stop();
    EXPECT_TRUE(until([&] { return loop_.io().sockets() == 0 && server_.listener_closed; }));
    EXPECT_EQ(server_.open(), 0U);
    for (const auto& r : server_.requests) EXPECT_TRUE(r->closed || r->stream == nullptr);
    EXPECT_EQ(loop_.io().buffers().blocks_in_use(), 0U);
  }

  TestLoop loop_;
  TestServer server_;
  std::vector<std::unique_ptr<TestClient>> clients_;
  std::vector<std::unique_ptr<net::TestPeer>> peers_;
};

}  // namespace giliran::conn
