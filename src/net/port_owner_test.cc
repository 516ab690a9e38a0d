#include "net/port_owner.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>

#include "net/listen_socket.h"

namespace giliran::net {
namespace {

using testing::HasSubstr;

ListenSocket listen_on(std::string_view address) {
  auto socket = open_listen_socket(*base::Address::parse(address), {});
  EXPECT_TRUE(socket) << socket.error().message;
  return socket ? std::move(*socket) : ListenSocket{};
}

TEST(WhoHolds, NobodyOrThisProcess) {
  auto socket = listen_on("127.0.0.1:0");
  const base::Address address = bound_address(socket);
  EXPECT_EQ(who_holds(address), "this process itself");
  EXPECT_EQ(who_holds(*base::Address::parse(fmt::format("0.0.0.0:{}", address.port()))),
            "this process itself");
  EXPECT_EQ(who_holds(*base::Address::parse(fmt::format("127.0.0.2:{}", address.port()))), "");
  socket.fd.reset();
  EXPECT_EQ(who_holds(address), "");
}

TEST(WhoHolds, Ipv6AndUnix) {
  const auto six = listen_on("[::1]:0");
  EXPECT_EQ(who_holds(bound_address(six)), "this process itself");
  const std::string path = fmt::format("{}giliran_owner_{}", testing::TempDir(), ::getpid());
  const auto local = listen_on("unix:" + path);
  EXPECT_EQ(who_holds(*base::Address::parse("unix:" + path)), "this process itself");
  std::remove(path.c_str());
}

TEST(WhoHolds, AnotherProcessByNameAndNumber) {
  auto socket = listen_on("127.0.0.1:0");
  const base::Address address = bound_address(socket);
  const pid_t child = ::fork();
  if (child == 0) {
    for (;;) ::pause();
  }
  socket.fd.reset();  // the child has it still
  const std::string who = who_holds(address);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_THAT(who, HasSubstr(fmt::format("(pid {})", child)));
  EXPECT_THAT(who, HasSubstr("net_test"));
}

}  // namespace
}  // namespace giliran::net
