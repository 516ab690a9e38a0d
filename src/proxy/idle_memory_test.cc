// What an idle connection keeps: every byte of the heap, on the real loop.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <malloc.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "net/descriptor.h"
#include "net/engine.h"
#include "net/test_loop.h"
#include "proxy/test_allocations.h"
#include "proxy/worker.h"

namespace giliran::proxy {
namespace {

constexpr size_t kAtOnce = 32;     // few at a time, so that only few are ever busy
constexpr size_t kWarm = 256;      // until what is kept for reuse is there
constexpr size_t kMeasured = 768;  // whole chunks of slabs

constexpr std::string_view kRequest = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
constexpr std::string_view kAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";

class NoSink final : public telemetry::RecordSink {
 public:
  void write(const telemetry::Record&) override {}
};

base::Address bound(int fd) {
  sockaddr_storage storage;
  socklen_t size = sizeof storage;
  sockaddr* const any = reinterpret_cast<sockaddr*>(&storage);
  return ::getsockname(fd, any, &size) == 0 ? base::Address::from_sockaddr(any, size)
                                            : base::Address();
}

std::string received(int fd) {
  char bytes[4096];
  const ssize_t n = ::recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
  return n > 0 ? std::string(bytes, static_cast<size_t>(n)) : std::string();
}

void say(int fd, std::string_view text) {
  EXPECT_EQ(::send(fd, text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
}

// A worker on an epoll loop between sockets of this test's own.
class IdleMemoryTest : public testing::Test, public Notices {
 protected:
  void SetUp() override {
    if (!allocations_are_counted() || heap() == 0) GTEST_SKIP() << "not under a sanitizer";
    server_ = net::Descriptor(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
    sockaddr_storage storage;
    const socklen_t size = base::Address::loopback(0).to_sockaddr(storage);
    ASSERT_EQ(::bind(server_.get(), reinterpret_cast<sockaddr*>(&storage), size), 0);
    ASSERT_EQ(::listen(server_.get(), 4096), 0);
  }

  void start(config::Scheme scheme) {
    config::Pool pool;
    pool.name = "default";
    pool.policy = "round-robin";
    auto listener = std::make_shared<cluster::Listener>();
    listener->options.listen.scheme = scheme;
    listener->name = "in";
    listener->pool = *cluster::make_pool(pool, {{.name = "s", .address = bound(server_.get())}});
    listener->state = std::make_shared<cluster::ListenerState>();
    auto snapshot = std::make_shared<cluster::Snapshot>();
    snapshot->pools.push_back(listener->pool);
    snapshot->listeners.push_back(std::move(listener));
    worker_.reset(new Worker({.io = *io_,
                              .options = {},
                              .snapshot = std::move(snapshot),
                              .sink = sink_,
                              .shared = shared_,
                              .random = base::Rng(1),
                              .notices = *this}));
    const auto at = worker_->listen(0, base::Address::loopback(0), false);
    ASSERT_TRUE(at);
    address_ = *at;
  }

  void TearDown() override {
    clients_.clear();
    upstreams_.clear();
    if (worker_ == nullptr) return;
    bool drained = false;
    worker_->drain([&] { drained = true; });
    EXPECT_TRUE(net::run_until(*io_, [&] { return drained && io_->sockets() == 0; }));
    worker_.reset();
  }

  static size_t heap() {
    const struct mallinfo2 info = ::mallinfo2();
    return info.uordblks + info.hblkhd;
  }

  int connect() {
    clients_.emplace_back(::socket(AF_INET, SOCK_STREAM, 0));
    sockaddr_storage storage;
    const socklen_t size = address_.to_sockaddr(storage);
    EXPECT_EQ(::connect(clients_.back().get(), reinterpret_cast<const sockaddr*>(&storage), size),
              0);
    return clients_.back().get();
  }

  // The servers' side: what comes is answered.
  void serve() {
    for (int fd = 0; (fd = ::accept4(server_.get(), nullptr, nullptr, SOCK_NONBLOCK)) >= 0;) {
      upstreams_.emplace_back(fd);
    }
    for (const net::Descriptor& upstream : upstreams_) {
      if (!received(upstream.get()).empty()) say(upstream.get(), kAnswer);
    }
  }

  // So many more connections, each of which asks once.
  void open(size_t count) {
    clients_.reserve(kWarm + kMeasured);
    upstreams_.reserve(kWarm + kMeasured);
    for (size_t done = 0; done < count; done += kAtOnce) {
      std::vector<int> waiting;
      for (size_t i = 0; i < kAtOnce; ++i) say(waiting.emplace_back(connect()), kRequest);
      ASSERT_TRUE(net::run_until(*io_, [&] {
        serve();
        std::erase_if(waiting, [](int fd) { return received(fd).ends_with("hi"); });
        return waiting.empty();
      }));
    }
  }

  double bytes_per_connection() {
    open(kWarm);
    const size_t before = heap();
    open(kMeasured);
    return static_cast<double>(heap() - before) / kMeasured;
  }

  void accept_paused(int) override {}
  void connections_full(const std::string&) override {}
  void memory_full(uint32_t) override {}
  void server_failed(const ServerTrouble&) override {}
  void server_up(const cluster::Endpoint&) override {}

  base::SystemClock clock_;
  std::unique_ptr<net::Io> io_ = *net::make_epoll_io(clock_);
  NoSink sink_;
  Shared shared_;
  net::Descriptor server_;
  std::vector<net::Descriptor> clients_, upstreams_;
  base::Address address_;
  std::unique_ptr<Worker> worker_;
};

TEST_F(IdleMemoryTest, AnHttpConnectionBetweenTwoRequests) {
  start(config::Scheme::kHttp);
  const double bytes = bytes_per_connection();
  RecordProperty("bytes", std::to_string(bytes));
  EXPECT_EQ(worker_->open(), kWarm + kMeasured);
  EXPECT_LE(upstreams_.size(), 2 * kAtOnce);
  EXPECT_GT(bytes, 100);
  EXPECT_LE(bytes, 600);
}

TEST_F(IdleMemoryTest, AFlowWithBothItsSockets) {
  start(config::Scheme::kTcp);
  const double bytes = bytes_per_connection();
  RecordProperty("bytes", std::to_string(bytes));
  EXPECT_EQ(worker_->open_flows(), kWarm + kMeasured);
  EXPECT_EQ(upstreams_.size(), kWarm + kMeasured);
  EXPECT_GT(bytes, 100);
  EXPECT_LE(bytes, 800);
}

}  // namespace
}  // namespace giliran::proxy
