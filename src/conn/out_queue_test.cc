#include "conn/out_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "base/rng.h"
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

  void chunk(const std::string& text) {
    queue_.push_chunk(io_, connected_ ? socket_ : net::SocketId{}, io_.buffers().copy(text));
  }
  void last_chunk(const std::string& end = "\r\n0\r\n\r\n") {
    queue_.push_last_chunk(io_, connected_ ? socket_ : net::SocketId{}, io_.buffers().copy(end));
  }
  const std::string& incoming() { return listener_.peers[0]->incoming; }
  // One that does not read, with a send outstanding that it has to read first.
  void fill() {
    ASSERT_TRUE(up());
    listener_.peers[0]->receiving = false;
    for (int i = 0; i < 9; ++i) push(std::string(9'000, 'f'), false);
    world_.run_for(std::chrono::seconds(1));
    all_.clear();
  }
  void read_on() {
    listener_.peers[0]->receiving = true;
    listener_.peers[0]->receive();
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
  for (int i = 0; i < 9; ++i) push("x", i % 2 == 0);  // else they were copied together
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

TEST_F(OutQueueTest, AChunkLeavesWhole) {
  ASSERT_TRUE(up());
  push("head", false);
  chunk("hello");
  ASSERT_TRUE(until([&] { return queue_.empty(); }));
  EXPECT_EQ(sends_, 1);
  ASSERT_TRUE(until([&] { return incoming() == "head5\r\nhello\r\n"; }));
  EXPECT_EQ(body_, 5U);
  chunk("again");
  ASSERT_TRUE(until([&] { return incoming() == "head5\r\nhello\r\n5\r\nagain\r\n"; }));
  last_chunk();
  ASSERT_TRUE(until([&] { return incoming().ends_with("again\r\n0\r\n\r\n"); }));
  EXPECT_EQ(wire_, incoming().size());
  EXPECT_EQ(body_, 10U);
}

TEST_F(OutQueueTest, ChunksOfOneTurnLeaveInOneSend) {
  ASSERT_TRUE(up());
  push("head", false);
  for (const char* text : {"a", "bb", "ccc"}) chunk(text);
  last_chunk("\r\n0\r\nX: y\r\n\r\n");
  ASSERT_TRUE(until([&] { return queue_.empty(); }));
  EXPECT_EQ(sends_, 1);
  ASSERT_TRUE(until([&] {
    return incoming() == "head1\r\na\r\n2\r\nbb\r\n3\r\nccc\r\n0\r\nX: y\r\n\r\n";
  })) << incoming();
}

TEST_F(OutQueueTest, AnEmptyBodyIsItsLastChunk) {
  ASSERT_TRUE(up());
  push("head", false);
  last_chunk();
  ASSERT_TRUE(until([&] { return incoming() == "head0\r\n\r\n"; })) << incoming();
}

TEST_F(OutQueueTest, WhatWaitsBecomesOneChunk) {
  for (int i = 0; i < 300; ++i) chunk("12345");  // before the connection is up
  ASSERT_TRUE(up());
  queue_.flush(io_, socket_);
  ASSERT_TRUE(until([&] { return queue_.empty() && incoming().size() == 1507; }));
  EXPECT_THAT(incoming(), testing::StartsWith("5dc\r\n12345123"));
  EXPECT_THAT(incoming(), testing::EndsWith("345\r\n"));
  const size_t before = incoming().size();
  push(std::string(8'000, 'x'), false);  // more than the window
  world_.run_for(std::chrono::microseconds(1));
  for (int i = 0; i < 1000; ++i) chunk("12345");
  last_chunk();
  ASSERT_TRUE(until([&] { return incoming().ends_with("0\r\n\r\n"); }));
  EXPECT_LT(incoming().size() - before, 8'000 + 5'000 + 60U);  // the framing of three at most
}

// A reader of chunks, whatever was sent when.
std::string dechunked(std::string_view text) {
  std::string body;
  for (;;) {
    const size_t end = text.find("\r\n");
    const size_t size = std::stoul(std::string(text.substr(0, end)), nullptr, 16);
    text.remove_prefix(end + 2);
    body += text.substr(0, size);
    text.remove_prefix(size);
    EXPECT_EQ(text.substr(0, 2), "\r\n");
    text.remove_prefix(2);
    if (size == 0) return body;
  }
}

TEST_F(OutQueueTest, ChunksOfAllSizesArriveInOrder) {
  base::Rng rng(5);
  ASSERT_TRUE(up());
  std::string body;
  uint64_t framing = 0;
  for (int i = 0; i < 3000; ++i) {
    const size_t most = rng.below(10) == 0 ? 20'000 : 40;
    std::string text(1 + rng.below(most), static_cast<char>('a' + i % 26));
    body += text;
    chunk(text);
    if (rng.below(3) == 0) world_.run_for(std::chrono::microseconds(rng.below(200)));
    EXPECT_LE(queue_.held(), 2 * queue_.bytes() + 20'000) << i;
  }
  last_chunk();
  ASSERT_TRUE(until([&] { return queue_.empty() && incoming().ends_with("\r\n0\r\n\r\n"); }));
  EXPECT_TRUE(dechunked(incoming()) == body);
  EXPECT_EQ(body_, body.size());
  framing = wire_ - body_;
  EXPECT_LT(framing, 3000U * 10);
}

// The memory of what waits, for pieces of these sizes, each received into a block of `capacity`.
struct Pieces {
  const char* name;
  std::vector<uint32_t> sizes;
  uint32_t capacity;
};

class WaitingMemoryTest : public OutQueueTest, public testing::WithParamInterface<Pieces> {
 protected:
  void say(uint32_t size, bool chunked) {
    base::Buffer buffer = io_.buffers().take(GetParam().capacity);
    buffer.append(std::string(size, static_cast<char>('a' + all_.size() % 23)));
    all_ += buffer.view();
    if (chunked) {
      queue_.push_chunk(io_, socket_, buffer.take());
    } else {
      queue_.push(io_, socket_, buffer.take(), true);
    }
  }
  // No more than twice the bytes, a block and what was there.
  void wait_with(uint64_t bytes, bool chunked) {
    fill();
    const uint64_t before = queue_.held();
    for (size_t i = 0; all_.size() < bytes; ++i) {
      say(GetParam().sizes[i % GetParam().sizes.size()], chunked);
      ASSERT_LE(queue_.held(), before + 2 * all_.size() + 8192) << all_.size();
    }
    EXPECT_EQ(queue_.held(), io_.buffers().bytes_in_use());
    const uint64_t framing = queue_.bytes() - 81'000 - all_.size();
    EXPECT_EQ(framing, 0U);  // not yet written
    read_on();
    ASSERT_TRUE(until([&] { return queue_.empty(); }));
    EXPECT_EQ(body_, all_.size());
    ASSERT_TRUE(until([&] { return incoming().size() == wire_; }));
    EXPECT_TRUE((chunked ? dechunked(incoming().substr(81'000) + "0\r\n\r\n")
                         : incoming().substr(81'000)) == all_);
  }
};

TEST_P(WaitingMemoryTest, IsTwiceTheBytesAndALittle) {
  wait_with(65'536, false);
}

TEST_P(WaitingMemoryTest, IsTheSameForChunks) {
  wait_with(65'536, true);
}

INSTANTIATE_TEST_SUITE_P(
    Sizes, WaitingMemoryTest,
    testing::Values(Pieces{"Bytes", {1}, 16'384}, Pieces{"BytesInSmallBlocks", {1}, 1024},
                    Pieces{"BytesInLargeBlocks", {1}, 65'536}, Pieces{"Events", {22}, 16'384},
                    Pieces{"JustNotFitting", {1025}, 16'384},
                    Pieces{"JustTooLargeToCopy", {4097, 1}, 65'536},
                    Pieces{"HalfABlockAndAByte", {8193, 1}, 16'384},
                    Pieces{"Mixed", {513, 1, 1025, 5000, 2, 9000, 16'384, 3}, 16'384},
                    Pieces{"Whole", {16'384}, 16'384}),
    [](const auto& pieces) { return pieces.param.name; });

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
