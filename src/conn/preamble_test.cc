// A PROXY header in front of a connection, over the real loop and the in-memory network.
#include "conn/preamble.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "conn/test_connections.h"
#include "wire/proxy_header/proxy_header.h"

namespace giliran::conn {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const base::Address kSource = *base::Address::parse("192.0.2.7:1234");
const base::Address kDestination = *base::Address::parse("198.51.100.2:443");
constexpr const char* kGet = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

std::string header(wire::proxy_header::Version version = wire::proxy_header::Version::kV1) {
  std::string text;
  wire::proxy_header::append(version, kSource, kDestination, text);
  return text;
}

// Accepts connections that must announce themselves, and hands them to HTTP connections.
class Gate final : public net::AcceptEvents, public PreambleEvents, public ServerHandler {
 public:
  explicit Gate(net::Io& loop) : io(loop) {
    listener = *io.listen(base::Address::loopback(0), {}, *this);
    address = io.listener_address(listener);
  }
  void on_accepted(net::ListenerId, net::SocketId socket, const base::Address& peer) override {
    preambles.push_back(std::make_unique<Preamble>(io, socket, peer, seconds(3),
                                                   static_cast<PreambleEvents&>(*this)));
  }
  void on_accept_paused(net::ListenerId, int) override {}
  void on_listener_closed(net::ListenerId) override { listener_closed = true; }
  void on_announced(Preamble& preamble, Announced announced) override {
    announcements.push_back({announced.source, announced.destination});
    early.emplace_back(announced.early.view());
    if (refuse_announced) {
      refused_sockets.push_back(std::make_unique<net::TestPeer>(io));
      refused_sockets.back()->adopt(announced.socket);
      refused_sockets.back()->close();
    } else {
      connections.push_back(std::make_unique<ServerConnection>(
          io, announced.socket, preamble.peer(), connections.size() + 1, options,
          static_cast<ServerHandler&>(*this),
          Arrival{.early = std::move(announced.early),
                  .client = announced.source,
                  .local = announced.destination}));
      EXPECT_TRUE(requests.empty());  // nothing happens inside the constructor
      if (on_connection) on_connection(*connections.back());
    }
    destroy(preamble);
  }
  void on_preamble_failed(Preamble& preamble, const PreambleFailure& failure) override {
    failures.push_back(failure);
    destroy(preamble);
  }
  void destroy(Preamble& preamble) {
    std::erase_if(preambles, [&](const auto& one) { return one.get() == &preamble; });
  }
  ServerStreamEvents& on_request(ServerConnection& connection, ServerStream& stream,
                                 const RequestHead& head, const base::Slice&) override {
    requests.push_back(std::make_unique<TestRequest>());
    requests.back()->stream = &stream;
    requests.back()->target = head.target;
    requests.back()->connection = &connection;
    clients.push_back(connection.client());
    locals.push_back(connection.local());
    requests.back()->on_end = [](TestRequest& r) { r.respond("hi"); };
    return *requests.back();
  }
  void on_refused(ServerConnection&, const StreamFacts&, const StreamClosed& why, uint16_t,
                  std::string_view) override {
    refused.push_back(why.end);
  }
  void on_connection_closed(ServerConnection& connection) override {
    std::erase_if(connections, [&](const auto& one) { return one.get() == &connection; });
  }

  net::Io& io;
  net::ListenerId listener;
  base::Address address;
  ServerOptions options;
  bool refuse_announced = false, listener_closed = false;
  std::vector<std::unique_ptr<Preamble>> preambles;
  std::vector<std::unique_ptr<ServerConnection>> connections;
  std::vector<std::pair<base::Address, base::Address>> announcements;
  std::vector<std::string> early;
  std::vector<PreambleFailure> failures;
  std::vector<std::unique_ptr<TestRequest>> requests;
  std::vector<base::Address> clients, locals;
  std::vector<StreamEnd> refused;
  std::function<void(ServerConnection&)> on_connection;
  std::vector<std::unique_ptr<net::TestPeer>> refused_sockets;
};

class PreambleTest : public testing::TestWithParam<TestLoop::Engine> {
 protected:
  net::TestPeer& dial() {
    peers_.push_back(std::make_unique<net::TestPeer>(loop_.io()));
    peers_.back()->connect(gate_.address);
    EXPECT_TRUE(until([&] { return peers_.back()->connected; }));
    return *peers_.back();
  }
  template <typename Predicate>
  bool until(Predicate predicate) {
    return loop_.until(predicate);
  }
  void close_all() {
    for (const auto& p : peers_) {
      if (!p->closed) p->close();
    }
    for (const auto& p : gate_.preambles) p->shut();
    for (const auto& c : gate_.connections) c->shut();
    ASSERT_TRUE(until([&] { return loop_.io().sockets() == 0; }));
    peers_.clear();
  }
  void TearDown() override {
    close_all();
    EXPECT_TRUE(gate_.preambles.empty());
    EXPECT_EQ(loop_.io().buffers().blocks_in_use(), 0U);
    loop_.io().stop_listening(gate_.listener);
    EXPECT_TRUE(until([&] { return gate_.listener_closed; }));
  }

  TestLoop loop_{GetParam()};
  Gate gate_{loop_.io()};
  std::vector<std::unique_ptr<net::TestPeer>> peers_;
};

TEST_P(PreambleTest, EverySplitOfHeaderAndRequest) {
  for (const auto version : {wire::proxy_header::Version::kV1, wire::proxy_header::Version::kV2}) {
    const std::string text = header(version) + kGet;
    for (size_t at = 1; at <= text.size(); ++at) {
      SCOPED_TRACE(at);
      gate_.requests.clear();
      net::TestPeer& peer = dial();
      peer.send(text.substr(0, at));
      loop_.pass(milliseconds(1));
      if (at < text.size()) peer.send(text.substr(at));
      ASSERT_TRUE(until([&] { return peer.incoming.ends_with("hi"); }));
      ASSERT_EQ(gate_.requests.size(), 1U);
      EXPECT_EQ(gate_.clients.back(), kSource);
      EXPECT_EQ(gate_.locals.back(), kDestination);
      EXPECT_EQ(gate_.requests[0]->connection->peer(), loop_.io().local_address(peer.socket));
      EXPECT_EQ(gate_.announcements.back(), std::pair(kSource, kDestination));
      EXPECT_TRUE(gate_.preambles.empty());
      EXPECT_EQ(gate_.requests[0]->facts.bytes_in, std::string_view(kGet).size());
      close_all();
    }
  }
  EXPECT_TRUE(gate_.failures.empty());
}

TEST_P(PreambleTest, OneThatSpeaksForItself) {
  net::TestPeer& peer = dial();
  peer.send("PROXY UNKNOWN\r\n" + std::string(kGet) + kGet);
  ASSERT_TRUE(until([&] { return gate_.requests.size() == 2; }));
  EXPECT_TRUE(gate_.announcements[0].first.none());
  EXPECT_EQ(gate_.clients[0], loop_.io().local_address(peer.socket));
  EXPECT_EQ(gate_.locals[0], gate_.address);
}

TEST_P(PreambleTest, WhatIsNoHeaderIsRefused) {
  net::TestPeer& peer = dial();
  peer.send(kGet);
  ASSERT_TRUE(until([&] { return gate_.failures.size() == 1; }));
  EXPECT_EQ(gate_.failures[0].end, StreamEnd::kBadMessage);
  EXPECT_FALSE(gate_.failures[0].problem.empty());
  EXPECT_GT(gate_.failures[0].bytes, 0U);  // as early as it can be
  EXPECT_TRUE(gate_.announcements.empty());
  ASSERT_TRUE(until([&] { return peer.ended; }));
  EXPECT_EQ(peer.incoming, "");  // nobody knows what it speaks
}

TEST_P(PreambleTest, EndsBeforeItIsComplete) {
  net::TestPeer& closed = dial();
  closed.send("PROXY TCP4");
  closed.on_done = [&] { closed.close(); };
  ASSERT_TRUE(until([&] { return gate_.failures.size() == 1; }));
  EXPECT_EQ(gate_.failures[0].end, StreamEnd::kPeerClosed);
  net::TestPeer& reset = dial();
  reset.send("PROXY TCP4");
  loop_.pass(milliseconds(5));
  reset.close(net::CloseMode::kReset);
  ASSERT_TRUE(until([&] { return gate_.failures.size() == 2; }));
  EXPECT_EQ(gate_.failures[1].end, StreamEnd::kPeerReset);
  EXPECT_EQ(gate_.failures[1].error, ECONNRESET);
  net::TestPeer& shut = dial();
  shut.send("PROXY TCP4");
  ASSERT_TRUE(until([&] { return gate_.preambles.size() == 1; }));
  gate_.preambles[0]->shut();
  gate_.preambles[0]->shut();
  ASSERT_TRUE(until([&] { return gate_.failures.size() == 3; }));
  EXPECT_EQ(gate_.failures[2].end, StreamEnd::kShutdown);
}

TEST_P(PreambleTest, TheReceiverMayCloseIt) {
  gate_.refuse_announced = true;
  net::TestPeer& peer = dial();
  peer.send(header() + kGet);
  ASSERT_TRUE(until([&] { return peer.ended || peer.receive_error != 0; }));
  EXPECT_EQ(gate_.early.size(), 1U);
}

INSTANTIATE_TEST_SUITE_P(Engines, PreambleTest,
                         testing::Values(TestLoop::Engine::kMemory, TestLoop::Engine::kEpoll),
                         [](const auto& engine) {
                           return engine.param == TestLoop::Engine::kMemory ? "Memory" : "Epoll";
                         });

using PreambleInMemoryTest = PreambleTest;

TEST_P(PreambleInMemoryTest, TakesItsTime) {
  net::TestPeer& peer = dial();
  const base::Instant began = loop_.io().now();
  peer.send("PROXY ");
  for (int i = 0; i < 2; ++i) {  // a byte now and then does not help
    loop_.pass(seconds(1));
    peer.send(i == 0 ? "T" : "C");
  }
  ASSERT_TRUE(until([&] { return gate_.failures.size() == 1; }));
  EXPECT_EQ(gate_.failures[0].end, StreamEnd::kHeadTimeout);
  EXPECT_GE(loop_.io().now() - began, seconds(3) - milliseconds(10));
  EXPECT_LE(loop_.io().now() - began, seconds(3) + milliseconds(100));
}

TEST_P(PreambleInMemoryTest, DrainAndShutBeforeTheEarlyBytesAreLookedAt) {
  for (const bool shut : {false, true}) {
    gate_.requests.clear();
    gate_.on_connection = [&](ServerConnection& connection) {
      shut ? connection.shut() : connection.drain();
    };
    net::TestPeer& peer = dial();
    peer.send(header() + kGet);
    if (shut) {
      ASSERT_TRUE(until([&] { return peer.ended || peer.receive_error != 0; }));
      ASSERT_EQ(gate_.refused.size(), 1U);
      EXPECT_EQ(gate_.refused[0], StreamEnd::kShutdown);
      EXPECT_TRUE(gate_.requests.empty());
    } else {
      ASSERT_TRUE(until([&] { return peer.ended; }));
      EXPECT_THAT(peer.incoming, testing::HasSubstr("Connection: close"));
      EXPECT_THAT(peer.incoming, testing::EndsWith("hi"));
    }
    close_all();
  }
}

INSTANTIATE_TEST_SUITE_P(Memory, PreambleInMemoryTest, testing::Values(TestLoop::Engine::kMemory));

}  // namespace
}  // namespace giliran::conn
