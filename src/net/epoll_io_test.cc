// What only the epoll engine does: descriptors running out, Unix and IPv6 sockets, other threads.
#include "net/epoll_io.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <thread>

#include "net/engine.h"
#include "net/listen.h"
#include "net/listen_socket.h"
#include "net/signals.h"
#include "net/test_loop.h"
#include "net/test_peer.h"

namespace giliran::net {
namespace {

using std::chrono::milliseconds;

class EpollIoTest : public testing::Test {
 protected:
  bool until(const std::function<bool()>& predicate) { return run_until(*io_, predicate); }
  void close_all(TestListener& listener) {
    for (auto& peer : listener.peers) peer->close();
    EXPECT_TRUE(until([&] { return io_->sockets() == 0; }));
  }
  base::Address unix_address(const std::string& name) {
    path_ = std::filesystem::temp_directory_path() / fmt_name(name);
    return *base::Address::parse("unix:" + path_);
  }
  static std::string fmt_name(const std::string& name) {
    return "giliran-" + std::to_string(::getpid()) + "-" + name;
  }
  void echo_over(const base::Address& address) {
    TestListener listener(*io_);
    listener.on_peer = [](TestPeer& server) {
      server.on_data = [&server] {
        if (!server.ended) server.send(std::exchange(server.incoming, {}));
      };
    };
    const base::Address bound = listener.listen(address);
    TestPeer client(*io_);
    client.connect(bound);
    ASSERT_TRUE(until([&] { return client.connected; }));
    client.send("hello");
    ASSERT_TRUE(until([&] { return client.incoming == "hello"; }));
    EXPECT_EQ(io_->peer_address(client.socket), bound);
    client.close();
    ASSERT_TRUE(until([&] { return client.closed; }));
    close_all(listener);
    io_->stop_listening(listener.id);
    ASSERT_TRUE(until([&] { return listener.closed; }));
  }

  base::SystemClock clock_;
  std::unique_ptr<Io> io_ = std::move(*make_epoll_io(clock_));
  std::string path_;
};

TEST_F(EpollIoTest, Ipv6) {
  echo_over(*base::Address::parse("[::1]:0"));
}

TEST_F(EpollIoTest, UnixSocketLeavesNoFile) {
  echo_over(unix_address("echo"));
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(EpollIoTest, TakesOverAStaleUnixSocketButNotALiveOne) {
  const base::Address address = unix_address("stale");
  Descriptor old;
  ASSERT_EQ(bind_socket(address, false, old), 0);
  ASSERT_EQ(::listen(old.get(), 1), 0);
  TestListener listener(*io_);
  EXPECT_EQ(io_->listen(address, {}, listener).error().code, EADDRINUSE);
  EXPECT_EQ(probe_listen(address, "--listen").error().code, EADDRINUSE);
  old.reset();
  ASSERT_TRUE(std::filesystem::exists(path_));
  EXPECT_TRUE(probe_listen(address, "--listen"));
  echo_over(address);
}

TEST_F(EpollIoTest, UnixPeerThatClosesIsAHangup) {
  TestListener listener(*io_, /*receive_all=*/false);
  const base::Address address = listener.listen(unix_address("hangup"));
  TestPeer client(*io_);
  client.connect(address);
  ASSERT_TRUE(until([&] { return client.connected && listener.peers.size() == 1; }));
  io_->watch_hangup(listener.peers[0]->socket);
  client.close();
  ASSERT_TRUE(until([&] { return listener.peers[0]->hangups == 1; }));
  close_all(listener);
}

TEST_F(EpollIoTest, SharedListenerIsNotClosed) {
  auto socket = open_listen_socket(base::Address::loopback(0), {});
  ASSERT_TRUE(socket);
  auto other = std::move(*make_epoll_io(clock_));
  TestListener first(*io_), second(*other);
  first.id = *io_->listen_on(socket->fd.get(), true, first);
  second.id = *other->listen_on(socket->fd.get(), true, second);
  const base::Address address = io_->listener_address(first.id);
  io_->stop_listening(first.id);
  ASSERT_TRUE(until([&] { return first.closed; }));
  TestPeer client(*other);
  client.connect(address);
  ASSERT_TRUE(run_until(*other, [&] { return client.connected && second.peers.size() == 1; }));
  client.close();
  second.peers[0]->close();
  ASSERT_TRUE(run_until(*other, [&] { return other->sockets() == 0; }));
}

TEST_F(EpollIoTest, SingleConnectionsAreAcceptedWithoutALookForMore) {
  TestListener listener(*io_);
  const base::Address address = listener.listen(base::Address::loopback(0));
  std::vector<std::unique_ptr<TestPeer>> clients;
  for (size_t i = 1; i <= 100; ++i) {
    clients.push_back(std::make_unique<TestPeer>(*io_));
    clients.back()->connect(address);
    ASSERT_TRUE(until([&] { return listener.peers.size() == i; }));
  }
  EXPECT_LE(io_->counters().empty_accepts, 12u);  // one of them before it listened
  for (auto& client : clients) client->close();
  close_all(listener);
  io_->stop_listening(listener.id);
  ASSERT_TRUE(until([&] { return listener.closed; }));
}

TEST_F(EpollIoTest, ManyThatComeTogetherAreAcceptedInFewTurns) {
  TestListener listener(*io_);
  const base::Address address = listener.listen(base::Address::loopback(0));
  ASSERT_TRUE(until([&] { return io_->counters().empty_accepts != 0; }));
  auto other = std::move(*make_epoll_io(clock_));
  std::vector<std::unique_ptr<TestPeer>> clients;
  for (int i = 0; i < 500; ++i) {
    clients.push_back(std::make_unique<TestPeer>(*other));
    clients.back()->connect(address);
  }
  ASSERT_TRUE(run_until(
      *other, [&] { return std::ranges::all_of(clients, [](auto& c) { return c->connected; }); }));
  const uint64_t turns = io_->counters().turns;
  ASSERT_TRUE(until([&] { return listener.peers.size() == clients.size(); }));
  EXPECT_LE(io_->counters().turns - turns,
            60u);  // 1, 2, 4 ... 64 of them, and what 16 events a turn tell of them
  for (auto& client : clients) client->close();
  close_all(listener);
  ASSERT_TRUE(run_until(*other, [&] { return other->sockets() == 0; }));
  io_->stop_listening(listener.id);
  ASSERT_TRUE(until([&] { return listener.closed; }));
}

TEST_F(EpollIoTest, StopListeningAcceptsWhatWaits) {
  TestListener listener(*io_);
  const base::Address address = listener.listen(base::Address::loopback(0));
  auto other = std::move(*make_epoll_io(clock_));
  std::vector<std::unique_ptr<TestPeer>> clients;
  size_t connected = 0;
  for (int i = 0; i < 150; ++i) {
    clients.push_back(std::make_unique<TestPeer>(*other));
    clients.back()->connect(address);
  }
  ASSERT_TRUE(run_until(*other, [&] {
    connected = 0;
    for (auto& client : clients) connected += client->connected;
    return connected == clients.size();
  }));
  EXPECT_EQ(listener.peers.size(), 0u);  // its loop has not run yet
  io_->stop_listening(listener.id);
  ASSERT_TRUE(until([&] { return listener.closed; }));
  EXPECT_EQ(listener.peers.size(), 150u);
  close_all(listener);
  for (auto& client : clients) client->close();
  ASSERT_TRUE(run_until(*other, [&] { return other->sockets() == 0; }));
}

// UBSan makes a pipe to look at a vptr, and takes the object for broken where it cannot.
#if defined(__has_feature)
#if __has_feature(undefined_behavior_sanitizer)
#define GILIRAN_NEEDS_DESCRIPTORS_RUNNING_OUT GTEST_SKIP() << "UBSan needs descriptors itself"
#endif
#endif
#ifndef GILIRAN_NEEDS_DESCRIPTORS_RUNNING_OUT
#define GILIRAN_NEEDS_DESCRIPTORS_RUNNING_OUT static_cast<void>(0)
#endif

// Fewer descriptors for the time of a test.
class DescriptorLimit {
 public:
  DescriptorLimit() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const Descriptor lowest(::dup(0));  // every number below is taken
    rlimit low = before_;
    low.rlim_cur = static_cast<rlim_t>(lowest.get());
    ::setrlimit(RLIMIT_NOFILE, &low);
  }
  ~DescriptorLimit() { lift(); }
  void lift() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

TEST_F(EpollIoTest, PausesAcceptingWithoutDescriptorsAndGoesOnByItself) {
  GILIRAN_NEEDS_DESCRIPTORS_RUNNING_OUT;
  TestListener listener(*io_);
  const base::Address address = listener.listen(base::Address::loopback(0));
  TestPeer client(*io_);
  client.connect(address);  // takes the last descriptor
  DescriptorLimit limit;
  ASSERT_TRUE(until([&] { return listener.pauses == 1; }));
  EXPECT_EQ(listener.pause_error, EMFILE);
  const uint64_t turns = io_->counters().turns;
  const base::Instant start = io_->now();
  base::Instant end = start + milliseconds(200);
  struct Stop final : Timer {
    explicit Stop(Io& loop) : io(loop) {}
    void on_timer() override { io.stop(); }
    Io& io;
  } stop(*io_);
  io_->timers().arm(stop, end);
  io_->run();
  EXPECT_EQ(listener.pauses, 1);  // one call a pause
  EXPECT_EQ(io_->counters().accept_pauses, 1u);
  EXPECT_LT(io_->counters().turns - turns, 60u);  // no spin
  limit.lift();
  ASSERT_TRUE(until([&] { return listener.peers.size() == 1; }));
  client.close();
  ASSERT_TRUE(until([&] { return client.closed; }));
  close_all(listener);
}

TEST_F(EpollIoTest, AClosedSocketEndsThePauseAtOnce) {
  GILIRAN_NEEDS_DESCRIPTORS_RUNNING_OUT;
  // The quickest of some: a busy machine may lose the length of a pause anywhere.
  base::Duration quickest = std::chrono::hours(1);
  for (int i = 0; i < 20 && quickest >= milliseconds(45); ++i) {
    TestListener listener(*io_);
    const base::Address address = listener.listen(base::Address::loopback(0));
    TestPeer first(*io_), second(*io_);
    first.connect(address);
    ASSERT_TRUE(until([&] { return first.connected && listener.peers.size() == 1; }));
    second.connect(address);
    DescriptorLimit limit;
    ASSERT_TRUE(until([&] { return listener.pauses == 1; }));
    const base::Instant start = io_->now();
    first.close();
    ASSERT_TRUE(until([&] { return listener.peers.size() == 2; }));
    quickest = std::min(quickest, io_->now() - start);
    limit.lift();
    second.close();
    ASSERT_TRUE(until([&] { return second.closed && first.closed; }));
    close_all(listener);
  }
  EXPECT_LT(quickest, milliseconds(45));
}

TEST_F(EpollIoTest, ConnectWithoutDescriptorsFailsLater) {
  GILIRAN_NEEDS_DESCRIPTORS_RUNNING_OUT;
  TestPeer client(*io_);
  {
    DescriptorLimit limit;
    client.connect(base::Address::loopback(1));
  }
  EXPECT_EQ(client.events, "");
  ASSERT_TRUE(until([&] { return client.connect_error == EMFILE; }));
  client.close();
  ASSERT_TRUE(until([&] { return client.closed; }));
}

TEST_F(EpollIoTest, ConnectFromAnAddressThatIsNotOursFailsLater) {
  TestPeer client(*io_);
  client.connect(base::Address::loopback(1), {.source = base::Address::ipv4(0xc0000201, 0)});
  EXPECT_EQ(client.events, "");
  ASSERT_TRUE(until([&] { return client.connect_error == EADDRNOTAVAIL; }));
  client.close();
  ASSERT_TRUE(until([&] { return client.closed; }));
}

TEST_F(EpollIoTest, ASocketThatAlwaysHasDataStarvesNobody) {
  TestListener listener(*io_);
  const base::Address address = listener.listen(base::Address::loopback(0));
  TestPeer busy(*io_), quiet(*io_);
  busy.connect(address);
  ASSERT_TRUE(until([&] { return busy.connected && listener.peers.size() == 1; }));
  const std::string block(1 << 20, 'b');
  busy.on_done = [&] { busy.send(block); };
  listener.peers[0]->on_data = [&] { listener.peers[0]->incoming.clear(); };
  busy.send(block);
  quiet.connect(address);
  ASSERT_TRUE(until([&] { return quiet.connected && listener.peers.size() == 2; }));
  TestPeer& server = *listener.peers[1];
  server.on_data = [&] { server.send("pong"); };
  for (size_t i = 1; i <= 50; ++i) {
    quiet.send("ping");
    ASSERT_TRUE(until([&] { return quiet.incoming.size() == 4 * i; }));
  }
  EXPECT_GT(busy.sends, 0u);
  busy.on_done = nullptr;
  busy.close(CloseMode::kReset);
  server.on_data = nullptr;
  quiet.close();
  ASSERT_TRUE(until([&] { return busy.closed && quiet.closed; }));
  close_all(listener);
}

TEST_F(EpollIoTest, WatchedDescriptorIsLevelTriggeredUntilUnwatched) {
  int fds[2];
  ASSERT_EQ(::pipe(fds), 0);
  struct Reader final : FdEvents {
    void on_ready(int fd) override {
      char c = 0;
      if (::read(fd, &c, 1) == 1) text += c;
    }
    std::string text;
  } reader;
  io_->watch_fd(fds[0], reader);
  ASSERT_EQ(::write(fds[1], "abc", 3), 3);
  ASSERT_TRUE(until([&] { return reader.text == "abc"; }));
  io_->unwatch_fd(fds[0]);
  ASSERT_EQ(::write(fds[1], "d", 1), 1);
  const base::Instant end = io_->now() + milliseconds(5);
  until([&] { return io_->now() > end; });
  EXPECT_EQ(reader.text, "abc");
  ::close(fds[0]);
  ::close(fds[1]);
}

TEST_F(EpollIoTest, TasksOfOtherThreadsRunInOrderAndAllOfThem) {
  constexpr int kThreads = 4;
  constexpr int kTasks = 5000;
  int next[kThreads] = {};
  int in_order = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kTasks; ++i) {
        io_->post([&, t, i] { in_order += next[t]++ == i ? 1 : 0; });
      }
    });
  }
  ASSERT_TRUE(until([&] { return in_order == kThreads * kTasks; }));
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(io_->counters().posts, static_cast<uint64_t>(kThreads * kTasks));
}

TEST_F(EpollIoTest, StopFromAnotherThreadRunsWhatWasPostedBefore) {
  for (int i = 0; i < 200; ++i) {
    int ran = 0;
    std::thread other([&] {
      io_->post([&] { ++ran; });
      io_->post([&] { ++ran; });
      io_->stop();
    });
    io_->run();
    other.join();
    ASSERT_EQ(ran, 2);
  }
}

TEST_F(EpollIoTest, StopBeforeRunIsNotLost) {
  io_->stop();
  io_->run();
  SUCCEED();
}

TEST_F(EpollIoTest, SignalsComeAsEvents) {
  block_signals({SIGUSR1, SIGUSR2});
  std::vector<int> seen;
  auto watch = SignalWatch::start(*io_, {SIGUSR1, SIGUSR2}, [&](int n) { seen.push_back(n); });
  ASSERT_TRUE(watch);
  ::kill(::getpid(), SIGUSR1);
  ASSERT_TRUE(until([&] { return seen.size() == 1; }));
  ::kill(::getpid(), SIGUSR2);
  ASSERT_TRUE(until([&] { return seen.size() == 2; }));
  EXPECT_EQ(seen, (std::vector<int>{SIGUSR1, SIGUSR2}));
}

}  // namespace
}  // namespace giliran::net
