// Makes the loop of this platform.
#pragma once

#include <memory>

#include "net/io.h"

namespace giliran::net {

struct EpollOptions {
  // Pipes at a time, each two descriptors, for splices whose receiver is full.
  size_t pipes_max = 32;
};

// A new epoll loop. clock is borrowed and must outlive it. An error where the kernel has no
// descriptors left.
base::Result<std::unique_ptr<Io>> make_epoll_io(base::Clock& clock,
                                                const EpollOptions& options = {});

}  // namespace giliran::net
