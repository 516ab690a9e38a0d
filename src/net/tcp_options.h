// Options of TCP sockets, set in one place.
#pragma once

#include "net/io.h"

namespace giliran::net {

// Sets them on a socket that listens or has not connected yet; of other families: nothing. What the
// kernel refuses is left as it was: none of it is needed for the socket to work.
void set_tcp_options(int fd, int family, const TcpOptions& options);

}  // namespace giliran::net
