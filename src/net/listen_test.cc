#include "net/listen.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>

#include "net/listen_socket.h"

namespace giliran::net {
namespace {

using testing::HasSubstr;

TEST(ProbeListen, NamesTheAddressInUseAndTheFlag) {
  const auto socket = open_listen_socket(base::Address::loopback(0), {});
  ASSERT_TRUE(socket);
  const base::Address address = bound_address(*socket);
  const auto result = probe_listen(address, "--listen");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message,
            address.text() + " is in use by this process itself; choose another with --listen");
  EXPECT_EQ(result.error().code, EADDRINUSE);
}

TEST(ProbeListen, SeesAHolderThatSharesThePort) {
  const auto socket = open_listen_socket(base::Address::loopback(0), {.reuse_port = true});
  ASSERT_TRUE(socket);
  const base::Address address = bound_address(*socket);
  EXPECT_TRUE(open_listen_socket(address, {.reuse_port = true}));  // what would go unnoticed
  const auto result = probe_listen(address, "--listen");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, EADDRINUSE);
}

TEST(ProbeListen, FreeAddressIsFreeAfterwards) {
  const auto port = free_port();
  ASSERT_TRUE(port);
  EXPECT_TRUE(probe_listen(base::Address::loopback(*port), "--listen"));
  EXPECT_TRUE(probe_listen(base::Address::loopback(*port), "--listen"));
  EXPECT_TRUE(open_listen_socket(base::Address::loopback(*port), {}));
}

TEST(ProbeListen, AddressOfAnotherMachine) {
  const auto result = probe_listen(*base::Address::parse("192.0.2.1:8080"), "--listen");
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().message,
              HasSubstr("192.0.2.1:8080 is not an address of this machine"));
}

TEST(ListenError, SaysWhatHelps) {
  const base::Error low = listen_error(base::Address::loopback(80), "--listen", EACCES);
  EXPECT_THAT(low.message, HasSubstr("ports below 1024"));
  EXPECT_THAT(low.message, HasSubstr("--listen"));
}

TEST(Resolve, NumericNamesAndWildcards) {
  EXPECT_EQ(resolve("127.0.0.1:80").value().at(0).text(), "127.0.0.1:80");
  EXPECT_EQ(resolve("[::1]:80").value().at(0).text(), "[::1]:80");
  EXPECT_EQ(resolve("unix:/tmp/x").value().at(0).text(), "unix:/tmp/x");
  EXPECT_EQ(resolve(":8080").value().at(0).text(), "0.0.0.0:8080");
  EXPECT_EQ(resolve("*:8080").value().at(0).text(), "0.0.0.0:8080");
  const auto local = resolve("localhost:81");
  ASSERT_TRUE(local);
  for (const base::Address& address : *local) EXPECT_EQ(address.port(), 81);
}

TEST(Resolve, ErrorsNameWhatIsWrong) {
  EXPECT_THAT(resolve("no-such-host.invalid:80").error().message,
              HasSubstr("no-such-host.invalid"));
  EXPECT_THAT(resolve("localhost:http").error().message, HasSubstr("http"));
  EXPECT_FALSE(resolve("localhost"));
  EXPECT_FALSE(resolve("::1:80"));
}

TEST(DescriptorLimit, IsRaisedToTheHardOne) {
  EXPECT_GE(raise_descriptor_limit(), 256u);
}

}  // namespace
}  // namespace giliran::net
