#include "control/listen_sockets.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "net/listen.h"

namespace giliran::control {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

std::string at(uint16_t port) {
  return "127.0.0.1:" + std::to_string(port);
}

class ListenSocketsTest : public testing::Test {
 protected:
  static Plan plan(const std::vector<std::string>& addresses,
                   config::Scheme scheme = config::Scheme::kHttp) {
    if (addresses.empty()) return {};
    config::Coordinator config;
    for (const std::string& address : addresses) {
      config.listeners.push_back({.listen = {.scheme = scheme, .host_port = address}});
    }
    auto made = make_plan(std::move(config), {.processors = 1});
    EXPECT_TRUE(made) << made.error().message;
    return std::move(*made);
  }
  // As a coordinator does: the number of a listener is its place among all there ever were.
  void take(ListenSockets::Change change) {
    for (const auto& opened : change.opened) opened->number = next_number_++;
    sockets_.commit(change);
  }
  void listen(const std::vector<std::string>& addresses,
              config::Scheme scheme = config::Scheme::kHttp) {
    auto change = sockets_.prepare(plan(addresses, scheme), {});
    ASSERT_TRUE(change) << change.error().message;
    take(std::move(*change));
  }
  static bool is_free(uint16_t port) {
    return net::probe_listen(base::Address::loopback(port), "").has_value();
  }

  size_t next_number_ = 0;
  ListenSockets sockets_{2, {}};
};

TEST_F(ListenSocketsTest, OneForEachWorkerOnOnePort) {
  listen({"127.0.0.1:0"});
  const Listening& listening = *sockets_.listening()[0];
  EXPECT_EQ(listening.own.size(), 2U);
  EXPECT_NE(listening.bound.port(), 0);
  EXPECT_FALSE(is_free(listening.bound.port())) << "a stranger is kept out";
}

TEST_F(ListenSocketsTest, WhatIsThereIsKeptAlsoWithAPortThatWasFree) {
  listen({"127.0.0.1:0", "127.0.0.1:0"});
  const Listening* const first = sockets_.listening()[0].get();
  const Listening* const second = sockets_.listening()[1].get();
  const auto change = sockets_.prepare(plan({"127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"}), {});
  ASSERT_TRUE(change);
  EXPECT_EQ(change->all[0], first);
  EXPECT_EQ(change->all[1], second);
  EXPECT_EQ(change->opened.size(), 1U);
  EXPECT_TRUE(change->removed.empty());
}

TEST_F(ListenSocketsTest, AllOrNothing) {
  const uint16_t good = net::free_port().value();
  ListenSockets other(1, {});
  listen({"127.0.0.1:0"});
  const uint16_t taken = sockets_.listening()[0]->bound.port();
  const auto refused = other.prepare(plan({at(good), at(taken)}), {});
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr(at(taken) + " is in use"));
  EXPECT_THAT(refused.error().message, HasSubstr("--listen"));
  EXPECT_TRUE(is_free(good));
}

TEST_F(ListenSocketsTest, AChangeThatIsNotTakenLeavesNothing) {
  const uint16_t port = net::free_port().value();
  {
    const auto change = sockets_.prepare(plan({at(port)}), {});
  }
  EXPECT_TRUE(is_free(port));
  EXPECT_TRUE(sockets_.listening().empty());
}

TEST_F(ListenSocketsTest, AnotherSchemeOpensTheAddressBesideTheOldOne) {
  listen({"127.0.0.1:0"});
  const uint16_t port = sockets_.listening()[0]->bound.port();
  listen({at(port)}, config::Scheme::kTcp);
  ASSERT_EQ(sockets_.listening().size(), 1U);
  EXPECT_EQ(sockets_.listening()[0]->scheme, config::Scheme::kTcp);
}

TEST_F(ListenSocketsTest, WhatWasRemovedIsOursUntilItHasStopped) {
  listen({"127.0.0.1:0"});
  const uint16_t port = sockets_.listening()[0]->bound.port();
  listen({});
  EXPECT_FALSE(is_free(port)) << "workers may use it yet";
  listen({at(port)});  // no stranger's
  sockets_.stopped(0);
  listen({});
  sockets_.stopped(1);
  EXPECT_TRUE(is_free(port));
}

TEST_F(ListenSocketsTest, AUnixSocketIsSharedAndItsFileGoesFirst) {
  const std::string path = testing::TempDir() + "listen_sockets_test.sock";
  listen({"unix:" + path});
  const auto shared = sockets_.listening()[0]->shared;
  ASSERT_NE(shared, nullptr);
  EXPECT_TRUE(std::filesystem::exists(path));
  listen({"unix:" + path}, config::Scheme::kTcp);
  EXPECT_EQ(sockets_.listening()[0]->shared, shared) << "the same socket under another scheme";
  EXPECT_TRUE(std::filesystem::exists(path));
  listen({});
  EXPECT_FALSE(std::filesystem::exists(path)) << "nobody new finds it";
  listen({"unix:" + path});
  EXPECT_NE(sockets_.listening()[0]->shared, shared);
  sockets_.stopped(0);
  sockets_.stopped(1);
  EXPECT_TRUE(std::filesystem::exists(path)) << "that of its successor stays";
}

// A socket such as a supervisor passes.
Inherited passed(int number) {
  auto socket = net::open_listen_socket(base::Address::loopback(0), {});
  EXPECT_TRUE(socket);
  const base::Address address = net::bound_address(*socket);
  return {.number = number,
          .name = "web",
          .address = address,
          .socket = std::make_shared<SharedSocket>(std::move(*socket))};
}

TEST_F(ListenSocketsTest, AnInheritedSocketIsUsedByAddressAndSurvives) {
  Inherited inherited = passed(3);
  const auto socket = inherited.socket;
  const uint16_t port = inherited.address.port();
  sockets_ = ListenSockets(2, {std::move(inherited)});
  EXPECT_EQ(sockets_.unused(), std::vector{"fd@3 (" + at(port) + ")"});
  for (int i = 0; i < 2; ++i) {
    listen({at(port)});
    EXPECT_EQ(sockets_.listening()[0]->shared, socket);
    EXPECT_TRUE(sockets_.unused().empty());
    listen({});
    sockets_.stopped(next_number_ - 1);
    EXPECT_EQ(sockets_.unused().size(), 1U);
    EXPECT_GE(::fcntl(socket->socket.fd.get(), F_GETFD), 0) << "it is the supervisor's";
  }
}

TEST_F(ListenSocketsTest, AnErrorTellsOfAnInheritedSocketOnThatPort) {
  Inherited inherited = passed(3);
  const uint16_t port = inherited.address.port();
  sockets_ = ListenSockets(1, {std::move(inherited)});
  const auto refused = sockets_.prepare(plan({"0.0.0.0:" + std::to_string(port)}), {});
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("is inherited: listen there, or at fd@3"));
}

TEST(TakeInherited, ADescriptorThatIsNoSocketIsAnError) {
  config::Coordinator config;
  config.listeners.push_back({.listen = {.host_port = "fd@60000"}});
  std::vector<std::string> warnings;
  const auto taken = take_inherited(config, warnings);
  ASSERT_FALSE(taken);
  EXPECT_THAT(taken.error().message, StartsWith("fd@60000: descriptor 60000 is not open"));
}

}  // namespace
}  // namespace giliran::control
