// For tests: what is run over every engine, the real loop and the in-memory network.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>

#include "base/clock.h"
#include "net/engine.h"
#include "net/memory.h"
#include "net/test_loop.h"
#include "net/test_peer.h"

namespace giliran::net {

// An engine with a loop for the servers and one for the clients (they may be one).
class Bench {
 public:
  virtual ~Bench() = default;
  virtual Io& server() = 0;
  virtual Io& client() = 0;
  virtual bool until(const std::function<bool()>& predicate) = 0;
  virtual void pass(base::Duration d) = 0;
  virtual bool real() const = 0;
};

class EpollBench final : public Bench {
 public:
  explicit EpollBench(const EpollOptions& options = {})
      : io_(std::move(*make_epoll_io(clock_, options))) {}
  Io& server() override { return *io_; }
  Io& client() override { return *io_; }
  bool until(const std::function<bool()>& predicate) override { return run_until(*io_, predicate); }
  void pass(base::Duration d) override {
    const base::Instant end = io_->now() + d;
    run_until(*io_, [&] { return io_->now() >= end; });
  }
  bool real() const override { return true; }

 private:
  base::SystemClock clock_;
  std::unique_ptr<Io> io_;
};

class MemoryBench final : public Bench {
 public:
  MemoryBench() : server_(world_.add_io()), client_(world_.add_io()) {}
  Io& server() override { return server_; }
  Io& client() override { return client_; }
  bool until(const std::function<bool()>& predicate) override {
    return run_until(world_, predicate);
  }
  void pass(base::Duration d) override { world_.run_for(d); }
  bool real() const override { return false; }

 private:
  MemoryWorld world_{1};
  Io& server_;
  Io& client_;
};

using Factory = std::unique_ptr<Bench> (*)();

// A test suite is instantiated with these two.
inline const auto kEpollBench =
    testing::Values(+[] { return std::unique_ptr<Bench>(new EpollBench); });
inline const auto kMemoryBench =
    testing::Values(+[] { return std::unique_ptr<Bench>(new MemoryBench); });

class EngineTest : public testing::TestWithParam<Factory> {
 protected:
  void SetUp() override { bench_ = GetParam()(); }

  // A connected pair: client() and the listener's last peer.
  TestPeer& pair(TestListener& listener, TestPeer& client, const base::Address& address) {
    const size_t before = listener.peers.size();
    client.connect(address);
    EXPECT_TRUE(bench_->until([&] { return client.connected && listener.peers.size() > before; }));
    return *listener.peers.back();
  }
  // Everything closed and every event delivered, so that peers may go.
  void close_all(TestListener& listener, std::initializer_list<TestPeer*> clients) {
    for (auto& peer : listener.peers) {
      if (!peer->closed) peer->close();
    }
    for (TestPeer* client : clients) {
      if (!client->closed) client->close();
    }
    EXPECT_TRUE(bench_->until(
        [&] { return bench_->server().sockets() == 0 && bench_->client().sockets() == 0; }));
  }

  base::Address any_ = base::Address::loopback(0);
  std::unique_ptr<Bench> bench_;
};

}  // namespace giliran::net
