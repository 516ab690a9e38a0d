// The options of TCP sockets, asked of the kernel on real ones.
#include "net/tcp_options.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <filesystem>

#include "base/parse.h"
#include "net/engine.h"
#include "net/listen_socket.h"
#include "net/test_loop.h"
#include "net/test_peer.h"

namespace giliran::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr TcpOptions kOptions = {.keepalive_idle = seconds(77),
                                 .unacknowledged_timeout = milliseconds(12'345)};

int option(int fd, int level, int name) {
  int value = -1;
  socklen_t size = sizeof value;
  EXPECT_EQ(::getsockopt(fd, level, name, &value, &size), 0);
  return value;
}

void expect_options(int fd) {
  EXPECT_EQ(option(fd, IPPROTO_TCP, TCP_NODELAY), 1);
  EXPECT_EQ(option(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
  EXPECT_EQ(option(fd, IPPROTO_TCP, TCP_KEEPIDLE), 77);
  EXPECT_EQ(option(fd, IPPROTO_TCP, TCP_KEEPINTVL), 15);
  EXPECT_EQ(option(fd, IPPROTO_TCP, TCP_KEEPCNT), 4);
  EXPECT_EQ(option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT), 12'345);
}

// The descriptor of the connection between two addresses, as the process holds it.
int descriptor_of(const base::Address& local, const base::Address& peer) {
  const auto name_of = [](auto ask, int fd) {
    sockaddr_storage name;
    socklen_t size = sizeof name;
    sockaddr* const any = reinterpret_cast<sockaddr*>(&name);
    return ask(fd, any, &size) == 0 ? base::Address::from_sockaddr(any, size) : base::Address();
  };
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    const auto fd = base::parse_uint(entry.path().filename().string(), 1 << 20);
    if (!fd) continue;
    const int n = static_cast<int>(*fd);
    if (name_of(::getsockname, n) == local && name_of(::getpeername, n) == peer) return n;
  }
  ADD_FAILURE() << "no connection from " << local.text() << " to " << peer.text();
  return -1;
}

class TcpOptionsTest : public testing::Test {
 protected:
  // Connects with the options and looks at both ends.
  void connect_and_look(TestListener& listener, const base::Address& address) {
    TestPeer client(*io_);
    client.connect(address, {.source = {}, .tcp = kOptions});
    ASSERT_TRUE(run_until(*io_, [&] { return client.connected && !listener.peers.empty(); }));
    const base::Address near = io_->local_address(client.socket);
    expect_options(descriptor_of(near, address));
    expect_options(descriptor_of(address, near));
    client.close();
    listener.peers[0]->close();
    io_->stop_listening(listener.id);
    ASSERT_TRUE(run_until(*io_, [&] { return listener.closed && io_->sockets() == 0; }));
  }
  base::SystemClock clock_;
  std::unique_ptr<Io> io_ = std::move(*make_epoll_io(clock_));
};

TEST_F(TcpOptionsTest, OfAcceptedAndConnectedSockets) {
  for (const base::Address& at : {base::Address::loopback(0), *base::Address::parse("[::1]:0")}) {
    TestListener listener(*io_);
    connect_and_look(listener, listener.listen(at, {.tcp = kOptions}));
  }
}

TEST_F(TcpOptionsTest, OfSharedAndAdoptedListeners) {
  for (const bool adopted : {false, true}) {
    auto socket = *open_listen_socket(base::Address::loopback(0),
                                      adopted ? ListenOptions{} : ListenOptions{.tcp = kOptions});
    if (adopted) socket = std::move(adopt_listen_socket(socket.fd.release(), kOptions)->socket);
    TestListener listener(*io_);
    const base::Address address = bound_address(socket);
    listener.id = *io_->listen_on(socket.fd.get(), true, listener);
    connect_and_look(listener, address);
  }
}

TEST_F(TcpOptionsTest, AnAcceptAsksTheKernelForNothingMore) {
  // What is accepted by hand, without a call behind it, has them already.
  const auto socket = *open_listen_socket(base::Address::loopback(0), {.tcp = kOptions});
  TestPeer client(*io_);
  client.connect(bound_address(socket));
  ASSERT_TRUE(run_until(*io_, [&] { return client.connected; }));
  const Descriptor accepted(::accept4(socket.fd.get(), nullptr, nullptr, SOCK_CLOEXEC));
  ASSERT_TRUE(accepted);
  expect_options(accepted.get());
  client.close();
  ASSERT_TRUE(run_until(*io_, [&] { return client.closed; }));
}

TEST(SetTcpOptions, WhatIsNotAskedForStaysTheKernels) {
  const Descriptor plain(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const Descriptor fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  set_tcp_options(fd.get(), AF_INET,
                  {.no_delay = false, .keepalive_idle = {}, .unacknowledged_timeout = {}});
  for (const auto& [level, name] :
       {std::pair(int{IPPROTO_TCP}, TCP_NODELAY), std::pair(SOL_SOCKET, SO_KEEPALIVE),
        std::pair(int{IPPROTO_TCP}, TCP_KEEPIDLE), std::pair(int{IPPROTO_TCP}, TCP_USER_TIMEOUT)}) {
    EXPECT_EQ(option(fd.get(), level, name), option(plain.get(), level, name));
  }
  // Small is rounded up, large is cut to what the kernel takes.
  set_tcp_options(fd.get(), AF_INET,
                  {.keepalive_idle = milliseconds(1), .unacknowledged_timeout = base::Duration(1)});
  EXPECT_EQ(option(fd.get(), IPPROTO_TCP, TCP_KEEPIDLE), 1);
  EXPECT_EQ(option(fd.get(), IPPROTO_TCP, TCP_USER_TIMEOUT), 1);
  set_tcp_options(fd.get(), AF_INET, {.keepalive_idle = std::chrono::hours(24)});
  EXPECT_EQ(option(fd.get(), IPPROTO_TCP, TCP_KEEPIDLE), 32'767);
}

}  // namespace
}  // namespace giliran::net
