#include "net/supervisor.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>

#include "base/clock.h"
#include "net/listen_socket.h"

namespace giliran::net {
namespace {

using testing::HasSubstr;

// Runs it in a child, whose descriptors from 3 on are its own; what it returns is empty or an
// error.
std::string in_child(const std::function<std::string()>& task) {
  int ends[2];
  EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const int out = ::fcntl(ends[1], F_DUPFD_CLOEXEC, 100);
    const std::string text = task();
    ssize_t n = ::write(out, text.data(), text.size());
    ::_exit(n < 0 ? 1 : 0);
  }
  ::close(ends[1]);
  std::string text;
  char bytes[256];
  for (ssize_t n = 0; (n = ::read(ends[0], bytes, sizeof bytes)) > 0;) {
    text.append(bytes, static_cast<size_t>(n));
  }
  ::close(ends[0]);
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  return text;
}

void pass(const std::string& pid, const std::string& count, const char* names) {
  ::setenv("LISTEN_PID", pid.c_str(), 1);
  ::setenv("LISTEN_FDS", count.c_str(), 1);
  if (names != nullptr) ::setenv("LISTEN_FDNAMES", names, 1);
}

TEST(InheritedListenSockets, FromThreeOnWithTheirNames) {
  const std::string text = in_child([]() -> std::string {
    auto first = open_listen_socket(base::Address::loopback(0), {});
    auto second = open_listen_socket(base::Address::loopback(0), {});
    const std::string wanted = bound_address(*first).text();
    const int high = ::fcntl(second->fd.get(), F_DUPFD, 50);
    ::dup2(first->fd.get(), 60);
    ::dup2(60, 3);  // without close-on-exec, as a supervisor passes them
    ::dup2(high, 4);
    pass(std::to_string(::getpid()), "2", "web");
    const auto sockets = inherited_listen_sockets();
    if (!sockets) return sockets.error().message;
    if (sockets->size() != 2) return "not two";
    if ((*sockets)[0].fd != 3 || (*sockets)[0].name != "web") return "not web on 3";
    if ((*sockets)[1].fd != 4 || (*sockets)[1].name != "unknown") return "not unknown on 4";
    if ((::fcntl(3, F_GETFD) & FD_CLOEXEC) == 0) return "not close-on-exec";
    for (const char* name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) {
      if (std::getenv(name) != nullptr) return std::string(name) + " is still set";
    }
    const auto adopted = adopt_listen_socket(3);
    if (!adopted) return adopted.error().message;
    if (adopted->address.text() != wanted) return "not at " + wanted;
    const auto again = inherited_listen_sockets();
    return again && again->empty() ? "" : "there are more";
  });
  EXPECT_EQ(text, "");
}

TEST(InheritedListenSockets, ThoseOfAnotherProcessAreNotOurs) {
  EXPECT_EQ(in_child([]() -> std::string {
              pass("1", "2", nullptr);
              const auto sockets = inherited_listen_sockets();
              if (!sockets || !sockets->empty()) return "taken";
              return std::getenv("LISTEN_FDS") == nullptr ? "" : "still set";
            }),
            "");
  EXPECT_EQ(in_child([]() -> std::string {
              const auto none = inherited_listen_sockets();
              return none && none->empty() ? "" : "some";
            }),
            "");
}

TEST(InheritedListenSockets, WhatCannotBeTrueIsSaid) {
  const auto error_with = [](const std::string& count, bool our_pid) {
    return in_child([&]() -> std::string {
      ::close(3);
      pass(our_pid ? std::to_string(::getpid()) : "x", count, nullptr);
      const auto sockets = inherited_listen_sockets();
      return sockets ? "no error" : sockets.error().message;
    });
  };
  EXPECT_THAT(error_with("two", true), HasSubstr("LISTEN_FDS 'two'"));
  EXPECT_THAT(error_with("99999", true), HasSubstr("LISTEN_FDS '99999'"));
  EXPECT_THAT(error_with("1", false), HasSubstr("LISTEN_PID 'x'"));
  EXPECT_THAT(error_with("1", true), HasSubstr("descriptor 3 is not open"));
}

class NotifyTest : public testing::Test {
 protected:
  void TearDown() override {
    ::unsetenv("NOTIFY_SOCKET");
    if (!path_.empty()) ::unlink(path_.c_str());
  }
  // Hears what is said to the path, or to the abstract name.
  void listen(bool abstract) {
    const std::string name = "giliran-notify-" + std::to_string(::getpid());
    if (!path_.empty()) ::unlink(path_.c_str());
    path_ = abstract ? "" : std::filesystem::temp_directory_path() / name;
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    const std::string text = abstract ? std::string(1, '\0') + name : path_;
    std::memcpy(at.sun_path, text.data(), text.size());
    fd_ = Descriptor(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + text.size());
    ASSERT_EQ(::bind(fd_.get(), reinterpret_cast<sockaddr*>(&at), size), 0);
    ::setenv("NOTIFY_SOCKET", abstract ? ("@" + name).c_str() : path_.c_str(), 1);
  }
  std::string heard() {
    char bytes[512];
    const ssize_t n = ::recv(fd_.get(), bytes, sizeof bytes, MSG_DONTWAIT);
    return n < 0 ? std::string(std::strerror(errno)) : std::string(bytes, static_cast<size_t>(n));
  }

  Descriptor fd_;
  std::string path_;
};

TEST_F(NotifyTest, OverAPathAndAnAbstractName) {
  for (const bool abstract : {false, true}) {
    listen(abstract);
    ASSERT_TRUE(notify_supervisor("READY=1\nSTATUS=serving"));
    EXPECT_EQ(heard(), "READY=1\nSTATUS=serving");
  }
}

TEST_F(NotifyTest, NobodyIsThere) {
  EXPECT_TRUE(notify_supervisor("READY=1"));  // not set: nothing to do
  ::setenv("NOTIFY_SOCKET", "/nowhere/at/all", 1);
  const auto result = notify_supervisor("READY=1");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ENOENT);
  EXPECT_THAT(result.error().message, HasSubstr("/nowhere/at/all"));
  for (const std::string& bad : {std::string("relative"), "/" + std::string(200, 'x')}) {
    ::setenv("NOTIFY_SOCKET", bad.c_str(), 1);
    EXPECT_FALSE(notify_supervisor("READY=1"));
  }
}

TEST_F(NotifyTest, AFullQueueDoesNotBlock) {
  listen(false);
  bool refused = false;
  for (int i = 0; i < 100'000 && !refused; ++i) refused = !notify_supervisor("STATUS=x");
  EXPECT_TRUE(refused);
}

TEST(ReloadingState, TellsTheTime) {
  EXPECT_EQ(reloading_state(base::Instant(std::chrono::microseconds(12'345'678))),
            "RELOADING=1\nMONOTONIC_USEC=12345678");
}

TEST(AdoptListenSocket, RefusesWhatIsNone) {
  const auto error_of = [](int fd) {
    const auto adopted = adopt_listen_socket(fd);
    return adopted ? std::string("adopted") : adopted.error().message;
  };
  EXPECT_EQ(error_of(9999), "descriptor 9999 is not open");
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  EXPECT_THAT(error_of(ends[0]), HasSubstr("is not a socket"));
  ::close(ends[1]);
  EXPECT_THAT(error_of(::socket(AF_INET, SOCK_DGRAM, 0)), HasSubstr("is not a stream socket"));
  EXPECT_THAT(error_of(::socket(AF_INET, SOCK_STREAM, 0)), HasSubstr("does not listen"));
}

TEST(AdoptListenSocket, MakesItNonBlockingAndCloseOnExec) {
  auto opened = open_listen_socket(base::Address::loopback(0), {});
  ASSERT_TRUE(opened);
  const base::Address address = bound_address(*opened);
  const int fd = opened->fd.release();
  ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) & ~O_NONBLOCK);
  ::fcntl(fd, F_SETFD, 0);
  const auto adopted = adopt_listen_socket(fd);
  ASSERT_TRUE(adopted);
  EXPECT_EQ(adopted->address, address);
  EXPECT_EQ(adopted->socket.unix_path, "");
  EXPECT_NE(::fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
  EXPECT_NE(::fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
}

TEST(AdoptListenSocket, TheFileOfAUnixSocketIsNotOurs) {
  const std::string path =
      std::filesystem::temp_directory_path() / ("giliran-adopt-" + std::to_string(::getpid()));
  const auto address = *base::Address::parse("unix:" + path);
  auto opened = open_listen_socket(address, {});
  ASSERT_TRUE(opened);
  const auto adopted = adopt_listen_socket(opened->fd.release());
  ASSERT_TRUE(adopted);
  EXPECT_EQ(adopted->address, address);
  EXPECT_EQ(adopted->socket.unix_path, "");
  ::unlink(path.c_str());
}

}  // namespace
}  // namespace giliran::net
