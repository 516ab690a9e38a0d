// What a supervisor (systemd, or whoever follows its protocol) hands over at the start, and what it
// is told. No libsystemd. Before the start and on the control thread only: they read and change the
// environment.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time.h"

namespace giliran::net {

struct InheritedSocket {
  int fd;            // close-on-exec from now on; see adopt_listen_socket (net/listen_socket.h)
  std::string name;  // of LISTEN_FDNAMES; "unknown" where there is none
};

// The descriptors passed by socket activation, from 3 on (sd_listen_fds(3)); none where LISTEN_PID
// is not this process. The variables are removed, so that children do not take them for theirs. An
// error where they cannot be read, or a descriptor is not open.
base::Result<std::vector<InheritedSocket>> inherited_listen_sockets();

// Sends a state to the supervisor (sd_notify(3)): "READY=1", "STOPPING=1", "STATUS=draining",
// several with '\n' between. Nothing happens where NOTIFY_SOCKET is not set. Never blocks.
base::Result<void> notify_supervisor(std::string_view state);

// The state that announces a reload; `now` of the system's clock. READY=1 follows when it is done.
std::string reloading_state(base::Instant now);

}  // namespace giliran::net
