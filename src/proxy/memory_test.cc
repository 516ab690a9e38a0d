// How much memory exchanges hold, however small the pieces are that peers send; and who pays when
// there is too little of it. Everything is counted in blocks, not in bytes that came.
#include <gmock/gmock.h>

#include <algorithm>

#include "proxy/test_world.h"

namespace giliran::proxy {
namespace {

using std::chrono::seconds;

constexpr std::string_view kChunkedPost =
    "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
constexpr std::string_view kChunkedAnswer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
// A direction of an exchange: twice a window, the receive that went over it, and a little.
constexpr size_t kDirectionMax = 2 * 65'536 + 65'536 + 8'192;
// What is kept for another attempt shares its blocks with what waits to be sent only where they
// are full.
constexpr size_t kReplayMax = 2 * Exchange::kReplayBytesMax;

std::string repeated(std::string_view text, size_t bytes) {
  std::string all;
  while (all.size() < bytes) all += text;
  return all;
}

class ProxyMemoryTest : public ProxyTest {
 protected:
  size_t used() const { return members_[0]->io.buffers().bytes_in_use(); }
  // The most that was in use until then.
  template <typename Predicate>
  size_t most_until(Predicate predicate) {
    size_t most = 0;
    EXPECT_TRUE(until([&] {
      most = std::max(most, used());
      return predicate();
    }));
    return most;
  }
  size_t most_within(base::Duration d) {
    const base::Instant end = peers_.now() + d;
    return most_until([&] { return peers_.now() >= end; });
  }
  // A server that hears the first bytes of a request, and reads on or not.
  void a_server(bool reads) {
    start(1);
    servers_[0]->listener.on_peer = [this, reads](net::TestPeer& peer) {
      upstream_ = &peer;
      peer.receiving = reads;
    };
  }
  net::TestPeer& silent_reader(std::string text) {
    net::TestPeer& client = connect(kHttpPort, false);
    EXPECT_TRUE(until([&] { return client.connected; }));
    client.send(std::move(text));
    return client;
  }

  // What the server got behind the head.
  std::string_view body_up() const {
    if (upstream_ == nullptr) return {};
    const std::string_view all = upstream_->incoming;
    const size_t head = all.find("\r\n\r\n");
    return head == std::string_view::npos ? std::string_view() : all.substr(head + 4);
  }
  const KeptRecord& last() { return records_.back(); }

  net::TestPeer* upstream_ = nullptr;
};

TEST_F(ProxyMemoryTest, ChunksOfOneByteToAServerThatDoesNotRead) {
  a_server(false);
  net::TestPeer& client = ask(std::string(kChunkedPost));
  client.send(repeated("1\r\nx\r\n", 6'000'000));
  const size_t most = most_within(seconds(5));
  EXPECT_GT(most, 65'536U);
  EXPECT_LT(most, kDirectionMax + kReplayMax);
  EXPECT_EQ(client.sends, 1U);  // it waits
}

TEST_F(ProxyMemoryTest, ChunksOfOneByteToAServerThatReads) {
  a_server(true);
  net::TestPeer& client = ask(std::string(kChunkedPost) + repeated("1\r\nx\r\n", 1'200'000));
  size_t most = most_until([&] { return client.sends == 1 && upstream_ != nullptr; });
  client.send("0\r\n\r\n");
  most = std::max(most, most_until([&] { return upstream_->incoming.ends_with("0\r\n\r\n"); }));
  EXPECT_LT(most, kDirectionMax + kReplayMax);
  // What came together goes on as one chunk.
  EXPECT_LT(body_up().size(), 200'000U + 12'000U);
  upstream_->send("HTTP/1.1 204 No\r\n\r\n");
  ASSERT_TRUE(until([&] { return records_.size() == 1; }));
  EXPECT_EQ(last().record.body_in, 200'000U);
}

TEST_F(ProxyMemoryTest, SegmentsOfOneByteToAServerThatDoesNotRead) {
  world_.options().piece_bytes_max = 1;
  world_.options().window_bytes = 2048;
  a_server(false);
  net::TestPeer& client = ask("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n");
  client.send(std::string(100'000, 'x'));
  EXPECT_LT(most_within(seconds(20)), kDirectionMax + kReplayMax);
  EXPECT_EQ(client.sends, 1U);
}

TEST_F(ProxyMemoryTest, EventsForReadersThatDoNotRead) {
  constexpr size_t kReaders = 20;
  const std::string event = "16\r\ndata: 0123456789ab\r\n\r\n\r\n";
  world_.options().window_bytes = 4096;
  world_.options().piece_bytes_max = static_cast<uint32_t>(event.size());
  start(1);
  servers_[0]->on_request = [&](net::TestPeer& peer, const std::string&) {
    peer.send(std::string(kChunkedAnswer));
    peer.send(repeated(event, 150'000));
  };
  std::vector<net::TestPeer*> readers;
  for (size_t i = 0; i < kReaders; ++i) {
    readers.push_back(&silent_reader("GET / HTTP/1.1\r\nHost: h\r\n\r\n"));
  }
  const size_t most = most_within(seconds(30));
  EXPECT_GT(most, kReaders * 65'536);
  EXPECT_LT(most, kReaders * kDirectionMax);
  readers[0]->receiving = true;
  readers[0]->receive();
  ASSERT_TRUE(until([&] { return readers[0]->incoming.size() > 100'000; }));
}

TEST_F(ProxyMemoryTest, PiecesOfATunnelWhoseReaderDoesNotRead) {
  world_.options().piece_bytes_max = 3;
  world_.options().window_bytes = 2048;
  start(1);
  listener_config_.upgrade = true;
  servers_[0]->on_request = [](net::TestPeer& peer, const std::string&) {
    peer.send("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n");
    peer.send(std::string(200'000, 't'));
  };
  silent_reader("GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n");
  const size_t most = most_within(seconds(20));
  EXPECT_GT(most, 65'536U);
  EXPECT_LT(most, kDirectionMax);
}

TEST_F(ProxyMemoryTest, ABodyThatComesByBytesWhileItsExchangeIsInTheQueue) {
  pool_config_.in_flight_max = 1;
  a_server(true);
  ask("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_TRUE(until([&] { return upstream_ != nullptr; }));
  ask(std::string(kChunkedPost) + repeated("1\r\nx\r\n", 2'000'000));
  const size_t most = most_within(std::chrono::milliseconds(500));
  EXPECT_GT(most, 65'536U);
  EXPECT_LT(most, kReplayMax);
  clients_[1]->close(net::CloseMode::kReset);
  settle();
}

TEST_F(ProxyMemoryTest, HeadsThatComeByBytes) {
  world_.options().piece_bytes_max = 1;
  start(1);
  servers_[0]->on_request = [&](net::TestPeer& peer, const std::string&) {
    peer.send("HTTP/1.1 200 OK\r\nA: " + std::string(4'200, 'b'));
  };
  net::TestPeer& client = ask("GET / HTTP/1.1\r\nA: " + std::string(4'200, 'b'));
  EXPECT_LT(most_within(seconds(1)), 16'384U + 2 * 1024);
  client.send("\r\nHost: h\r\n\r\n");
  EXPECT_LT(most_within(seconds(1)), 2 * 16'384U + 2 * 1024);
  ASSERT_TRUE(until([&] { return !servers_[0]->requests.empty(); }));
}

TEST_F(ProxyMemoryTest, HintsForAReaderThatDoesNotRead) {
  world_.options().piece_bytes_max = 40;
  world_.options().window_bytes = 64;
  start(1);
  servers_[0]->on_request = [&](net::TestPeer& peer, const std::string&) {
    for (uint32_t i = 0; i < Exchange::kInterimsMax; ++i) {
      peer.send("HTTP/1.1 103 Early Hints\r\nA: b\r\n\r\n");
    }
  };
  silent_reader("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_LT(most_within(seconds(1)), 2 * 16'384U + 6 * 1024);
}

TEST_F(ProxyMemoryTest, TrailersThatComeByBytes) {
  world_.options().piece_bytes_max = 1;
  a_server(true);
  net::TestPeer& client = ask(std::string(kChunkedPost) + "0\r\nA: " + std::string(4'200, 'b'));
  EXPECT_LT(most_within(seconds(1)), 2 * 16'384U + 2 * 1024);
  client.send("\r\n\r\n");
  ASSERT_TRUE(until([&] { return body_up().ends_with("b\r\n\r\n"); }));
}

// --- what an exchange keeps while nothing moves ---

TEST_F(ProxyMemoryTest, AnExchangeThatWaitsKeepsItsHeadInABlockThatFits) {
  a_server(true);
  ask("GET /long-poll HTTP/1.1\r\nHost: h\r\nUser-Agent: u\r\nReferer: http://r/\r\n\r\n");
  ASSERT_TRUE(until([&] { return upstream_ != nullptr; }));
  settle();
  EXPECT_EQ(used(), 1024U);
  upstream_->send("HTTP/1.1 204 No\r\n\r\n");
  ASSERT_TRUE(until([&] { return records_.size() == 1; }));
  EXPECT_EQ(last().target, "/long-poll");
  EXPECT_EQ(last().host, "h");
}

TEST_F(ProxyMemoryTest, PipelinedRequestsWaitInTheReceiveThatBroughtThem) {
  a_server(true);
  ask(repeated("GET / HTTP/1.1\r\nHost: h\r\n\r\n", 400'000));
  EXPECT_LT(most_within(seconds(5)), 65'536U + 1'024);
}

// --- framing is not held back ---

TEST_F(ProxyMemoryTest, AChunkArrivesWholeAndAtOnce) {
  world_.options().split = 0;
  a_server(true);
  net::TestPeer& client = ask(std::string(kChunkedPost));
  ASSERT_TRUE(until([&] { return upstream_ != nullptr; }));
  client.send("5\r\nhello\r\n");
  ASSERT_TRUE(until([&] { return body_up() == "5\r\nhello\r\n"; })) << body_up();
  client.send("5\r\nagain\r\n");
  ASSERT_TRUE(until([&] { return body_up().ends_with("\r\n5\r\nagain\r\n"); }));
  upstream_->send(std::string(kChunkedAnswer));
  ASSERT_TRUE(until([&] { return client.incoming.ends_with("\r\n\r\n"); }));
  upstream_->send("3\r\none\r\n");
  ASSERT_TRUE(until([&] { return client.incoming.ends_with("\r\n\r\n3\r\none\r\n"); }));
  upstream_->send("3\r\ntwo\r\n");
  ASSERT_TRUE(until([&] { return client.incoming.ends_with("\r\none\r\n3\r\ntwo\r\n"); }));
  client.send("0\r\nX-Sum: 1\r\n\r\n");
  ASSERT_TRUE(until([&] { return upstream_->incoming.ends_with("0\r\nX-Sum: 1\r\n\r\n"); }));
  upstream_->send("0\r\n\r\n");
  ASSERT_TRUE(until([&] { return client.incoming.ends_with("two\r\n0\r\n\r\n"); }));
}

// --- memory_max ---

class MemoryMaxTest : public ProxyMemoryTest {
 protected:
  static constexpr size_t kMax = 512 << 10;
  void a_few_slow_readers(size_t count) {
    options_.memory_max = kMax;
    world_.options().window_bytes = 4096;
    start(1);
    servers_[0]->on_request = [this](net::TestPeer& peer, const std::string& head) {
      if (head.find("/small") != std::string::npos) {
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
      } else {
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + std::string(300'000, 'x'));
      }
    };
    for (size_t i = 0; i < count; ++i) silent_reader("GET /big HTTP/1.1\r\nHost: h\r\n\r\n");
    most_ = most_within(seconds(1));
  }
  std::string small() { return get("GET /small HTTP/1.1\r\nHost: h\r\n\r\n"); }

  size_t most_ = 0;
};

TEST_F(MemoryMaxTest, WindowsAreSmallWhereItIsScarceAndNobodyIsCut) {
  a_few_slow_readers(7);  // 64 KiB and more each were more than there is
  EXPECT_GT(most_, kMax / 2);
  EXPECT_LT(most_, kMax);
  EXPECT_TRUE(records_.empty());
  EXPECT_THAT(small(), StartsWith("HTTP/1.1 200"));
  for (const auto& client : clients_) {
    client->receiving = true;
    if (client->connected && !client->ended && !peers_.receiving(client->socket)) client->receive();
  }
  ASSERT_TRUE(until([&] { return records_.size() == 8; }));
  for (const KeptRecord& kept : records_) EXPECT_EQ(kept.record.end, End::kOk);
}

TEST_F(MemoryMaxTest, WhoHoldsMostIsCutAndNewUsersAreServed) {
  a_few_slow_readers(40);
  EXPECT_LT(most_, kMax + 4 * 65'536);
  EXPECT_LT(used(), kMax);
  ASSERT_FALSE(records_.empty());
  for (const KeptRecord& kept : records_) {
    EXPECT_EQ(name(kept.record.end), name(End::kLimit));
    EXPECT_EQ(kept.record.by, By::kCoordinator);
    EXPECT_EQ(kept.record.phase, Phase::kData);
    EXPECT_EQ(kept.record.status, 200);
    EXPECT_EQ(kept.reason, "memory");
  }
  EXPECT_EQ(members_[0]->worker->counts().cut_for_memory, records_.size());
  EXPECT_THAT(notices_, StartsWith("memory "));
  EXPECT_THAT(small(), StartsWith("HTTP/1.1 200"));
}

TEST_F(MemoryMaxTest, WhoWasNotAnsweredYetIsToldWhy) {
  options_.memory_max = 32 << 10;
  world_.options().window_bytes = 4096;
  a_server(false);
  net::TestPeer& client = ask(std::string(kChunkedPost) + repeated("1\r\nx\r\n", 600'000));
  ASSERT_TRUE(until([&] { return records_.size() == 1; }));
  EXPECT_EQ(name(last().record.end), name(End::kLimit));
  EXPECT_EQ(last().record.by, By::kCoordinator);
  EXPECT_EQ(last().record.phase, Phase::kSend);
  EXPECT_EQ(last().record.status, 503);
  EXPECT_EQ(last().reason, "memory");
  ASSERT_TRUE(until([&] { return !client.incoming.empty(); }));
  EXPECT_THAT(client.incoming, StartsWith("HTTP/1.1 503"));
  EXPECT_THAT(client.incoming,
              HasSubstr("details=\"memory\"; end=limit; by=coordinator; phase=send"));
}

TEST_F(MemoryMaxTest, AFlowThatHoldsMostIsCut) {
  options_.memory_max = 40'000;
  start(1);
  world_.options().window_bytes = 4096;
  servers_[0]->listener.on_peer = [](net::TestPeer& peer) { peer.send(std::string(300'000, 'x')); };
  for (int i = 0; i < 5; ++i) connect(kTcpPort, false);
  ASSERT_TRUE(until([&] { return !records_.empty(); }));
  EXPECT_EQ(name(last().record.end), name(End::kLimit));
  EXPECT_EQ(last().reason, "ENOMEM");
  EXPECT_LT(records_.size(), 5U);
}

}  // namespace
}  // namespace giliran::proxy
