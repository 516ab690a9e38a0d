#include "conn/out_queue.h"

#include <gtest/gtest.h>

#include "net/memory.h"
#include "net/test_loop.h"
#include "net/test_peer.h"

namespace giliran::conn {
namespace {

// A socket that sends what its queue holds.
class OutQueueTest : public testing::Test, public net::SocketEvents {
 protected:
  void SetUp() override { socket_ = io_.connect(listener_.listen(kAddress), {}, *this); }
  void TearDown() override {
    if (!closed_) io_.close(socket_);
    for (const auto& peer : listener_.peers) peer->close();
    EXPECT_TRUE(until([&] { return io_.sockets() == 0; }));
    queue_.clear();
    EXPECT_EQ(io_.buffers().blocks_in_use(), 0U);
  }
  void on_connected(net::SocketId, int error) override { connected_ = error == 0; }
  void on_received(net::SocketId, net::Received) override {}
  void on_sent(net::SocketId, size_t bytes, int error) override {
    const OutQueue::Sent sent = queue_.sent(bytes);
    wire_ += sent.wire_bytes;
    body_ += sent.body_bytes;
    ++sends_;
    error_ = error;
    if (error == 0) queue_.flush(io_, socket_);
  }
  void on_closed(net::SocketId) override { closed_ = true; }
  template <typename Predicate>
  bool until(Predicate predicate) {
    return net::run_until(world_, predicate);
  }
  bool up() {
    return until([&] { return connected_ && !listener_.peers.empty(); });
  }
  void push(const std::string& text, bool body) {
    all_ += text;
    queue_.push(io_, connected_ ? socket_ : net::SocketId{}, io_.buffers().copy(text), body);
  }

  const base::Address kAddress = base::Address::loopback(9000);
  net::MemoryWorld world_{1, {.window_bytes = 4096}};
  net::Io& io_ = world_.add_io();
  net::TestListener listener_{io_};
  net::SocketId socket_;
  OutQueue queue_;
  std::string all_;
  uint64_t wire_ = 0, body_ = 0;
  int sends_ = 0, error_ = 0;
  bool connected_ = false, closed_ = false;
};

TEST_F(OutQueueTest, KeepsTheOrderWhateverIsPushedWhen) {
  for (int i = 0; i < 5; ++i) push("before" + std::to_string(i), false);
  EXPECT_EQ(sends_, 0);
  ASSERT_TRUE(up());
  queue_.flush(io_, socket_);
  for (int i = 0; i < 200; ++i) {
    push(std::to_string(i) + std::string(static_cast<size_t>(i) * 3, 'x'), i % 3 == 0);
    if (i % 7 == 0) world_.run_for(std::chrono::microseconds(30));
    EXPECT_EQ(queue_.bytes(), all_.size() - wire_);
  }
  ASSERT_TRUE(until([&] { return queue_.empty(); }));
  ASSERT_TRUE(until([&] { return listener_.peers[0]->incoming.size() == all_.size(); }));
  EXPECT_TRUE(listener_.peers[0]->incoming == all_);
  EXPECT_EQ(wire_, all_.size());
  EXPECT_EQ(queue_.bytes(), 0U);
}

TEST_F(OutQueueTest, WhatIsSaidInOneTurnLeavesInOneSend) {
  ASSERT_TRUE(up());
  for (int i = 0; i < 8; ++i) push("x", false);
  ASSERT_TRUE(until([&] { return queue_.empty(); }));
  EXPECT_EQ(sends_, 1);
  for (int i = 0; i < 9; ++i) push("x", false);
  ASSERT_TRUE(until([&] { return queue_.empty(); }));
  EXPECT_EQ(sends_, 3);
}

TEST_F(OutQueueTest, TellsBodyFromFraming) {
  ASSERT_TRUE(up());
  push("head", false);
  push("12345", true);
  push("tail", false);
  push("678", true);
  ASSERT_TRUE(until([&] { return queue_.empty(); }));
  EXPECT_EQ(body_, 8U);
  EXPECT_EQ(wire_, 16U);
}

TEST_F(OutQueueTest, AnErrorCountsWhatWasTaken) {
  ASSERT_TRUE(up());
  listener_.peers[0]->receiving = false;
  push("head", false);
  push(std::string(60'000, 'x'), true);
  world_.run_for(std::chrono::seconds(1));
  EXPECT_EQ(sends_, 0);
  listener_.peers[0]->close(net::CloseMode::kReset);
  ASSERT_TRUE(until([&] { return error_ != 0; }));
  EXPECT_TRUE(queue_.empty());
  EXPECT_EQ(wire_, body_ + 4);
  EXPECT_GT(body_, 0U);
  EXPECT_LT(body_, 60'000U);
}

}  // namespace
}  // namespace giliran::conn
