#include "net/pipe_pool.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

namespace giliran::net {
namespace {

TEST(PipePool, LendsTheSameAgainAndNoMoreThanItMay) {
  PipePool pool(2);
  Pipe first = pool.take();
  ASSERT_TRUE(first);
  const int fd = first.read.get();
  EXPECT_GE(::fcntl(fd, F_GETPIPE_SZ), 65536);
  EXPECT_EQ(::fcntl(fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
  EXPECT_EQ(::fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
  Pipe second = pool.take();
  ASSERT_TRUE(second);
  EXPECT_FALSE(pool.take());
  EXPECT_EQ(pool.lent(), 2u);
  pool.give_back_empty(std::move(first));
  EXPECT_EQ(pool.idle(), 1u);
  first = pool.take();
  EXPECT_EQ(first.read.get(), fd);
  pool.give_back_empty(std::move(first));
  pool.give_back_empty(std::move(second));
  EXPECT_EQ(pool.lent(), 0u);
}

TEST(PipePool, OneWithBytesIsClosed) {
  PipePool pool(2);
  Pipe pipe = pool.take();
  const int fd = pipe.read.get();
  ASSERT_EQ(::write(pipe.write.get(), "secret", 6), 6);
  pool.discard(std::move(pipe));
  EXPECT_EQ(pool.lent(), 0u);
  EXPECT_EQ(pool.idle(), 0u);
  EXPECT_LT(::fcntl(fd, F_GETFD), 0);
  Pipe next = pool.take();
  int bytes = -1;
  ASSERT_EQ(::ioctl(next.read.get(), FIONREAD, &bytes), 0);
  EXPECT_EQ(bytes, 0);
  pool.discard(std::move(next));
}

TEST(PipePool, HasNoneWithoutDescriptors) {
  PipePool pool(2);
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  rlimit low = before;
  {
    const Descriptor first(::dup(0));
    low.rlim_cur = static_cast<rlim_t>(first.get()) + 1;  // one is left, a pipe needs two
  }
  ::setrlimit(RLIMIT_NOFILE, &low);
  const bool got = static_cast<bool>(pool.take());
  ::setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_FALSE(got);
  EXPECT_EQ(pool.lent(), 0u);
  Pipe pipe = pool.take();
  EXPECT_TRUE(pipe);
  pool.give_back_empty(std::move(pipe));
}

TEST(PipePool, KeepsFewIdle) {
  PipePool pool(100);
  std::vector<Pipe> pipes;
  for (int i = 0; i < 20; ++i) pipes.push_back(pool.take());
  for (Pipe& pipe : pipes) pool.give_back_empty(std::move(pipe));
  EXPECT_EQ(pool.idle(), PipePool::kIdleMax);
}

}  // namespace
}  // namespace giliran::net
