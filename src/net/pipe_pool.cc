#include "net/pipe_pool.h"

#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <utility>

#include "base/assert.h"

namespace giliran::net {
namespace {

// A user who has more than pipe-user-pages-soft gets pipes of two slots: not worth the calls.
constexpr int kPipeBytesMin = 64 << 10;

Pipe open_pipe() {
  int ends[2];
  if (::pipe2(ends, O_NONBLOCK | O_CLOEXEC) != 0) return {};
  Pipe pipe{.read = Descriptor(ends[0]), .write = Descriptor(ends[1])};
  int bytes = ::fcntl(ends[1], F_SETPIPE_SZ, PipePool::kPipeBytes);
  if (bytes < 0) bytes = ::fcntl(ends[1], F_GETPIPE_SZ);
  return bytes < kPipeBytesMin ? Pipe{} : std::move(pipe);
}

}  // namespace

PipePool::PipePool(size_t pipes_max) : pipes_max_(pipes_max) {
  // splice(2) raises it where the receiver has gone, and has no flag against that. Programs that
  // watch signals ignore it already.
  ::signal(SIGPIPE, SIG_IGN);
}

Pipe PipePool::take() {
  if (lent_ >= pipes_max_) return {};
  Pipe pipe;
  if (idle_.empty()) {
    pipe = open_pipe();
    if (!pipe) return {};
  } else {
    pipe = std::move(idle_.back());
    idle_.pop_back();
  }
  ++lent_;
  return pipe;
}

void PipePool::give_back_empty(Pipe pipe) {
  GILIRAN_ASSERT(pipe && lent_ != 0);
  --lent_;
  if (idle_.size() < kIdleMax) idle_.push_back(std::move(pipe));
}

void PipePool::discard(Pipe pipe) {
  GILIRAN_ASSERT(pipe && lent_ != 0);
  --lent_;
}

}  // namespace giliran::net
