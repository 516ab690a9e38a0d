// Makes the loop of this platform.
#pragma once

#include <memory>

#include "net/io.h"

namespace giliran::net {

// A new epoll loop. clock is borrowed and must outlive it. An error where the kernel has no
// descriptors left.
base::Result<std::unique_ptr<Io>> make_epoll_io(base::Clock& clock);

}  // namespace giliran::net
