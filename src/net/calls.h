// The system calls of every exchange, without glibc's wrappers: these are cancellation points,
// which in a process of several threads costs two atomic exchanges a call, and nobody cancels
// threads here. Results and errno are the wrappers'.
#pragma once

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include <cstddef>
#include <ctime>

namespace giliran::net {

inline ssize_t call_send(int fd, const void* data, size_t size) {
  return ::syscall(SYS_sendto, fd, data, size, MSG_NOSIGNAL, nullptr, 0);
}

inline ssize_t call_send_parts(int fd, iovec* parts, size_t count) {
  msghdr message{};
  message.msg_iov = parts;
  message.msg_iovlen = count;
  return ::syscall(SYS_sendmsg, fd, &message, MSG_NOSIGNAL);
}

inline ssize_t call_receive(int fd, void* data, size_t room) {
  return ::syscall(SYS_recvfrom, fd, data, room, 0, nullptr, nullptr);
}

// timeout null: for ever. ENOSYS before Linux 5.11.
inline int call_wait(int epoll_fd, epoll_event* events, int events_max, const timespec* timeout) {
  return static_cast<int>(
      ::syscall(SYS_epoll_pwait2, epoll_fd, events, events_max, timeout, nullptr, 0));
}

}  // namespace giliran::net
