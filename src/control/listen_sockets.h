// The listening sockets of the process: what is open for which listener, what a change needs to
// open, what came from a supervisor. Control thread only.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "control/plan.h"
#include "net/listen_socket.h"

namespace giliran::control {

// A socket on which all workers accept: a Unix one, or one that was inherited. Closed with the last
// reference, which must outlive its use by the workers; the file of a Unix one of our own goes too.
struct SharedSocket {
  net::ListenSocket socket;
  explicit SharedSocket(net::ListenSocket s) : socket(std::move(s)) {}
  // Nobody finds it any more; who has connected is still accepted.
  void remove_file();
  SharedSocket(const SharedSocket&) = delete;
  SharedSocket& operator=(const SharedSocket&) = delete;
  ~SharedSocket();
};

struct Inherited {
  int number = -1;   // its descriptor
  std::string name;  // as the supervisor calls it
  base::Address address;
  std::shared_ptr<SharedSocket> socket;
};

// Everything passed by a supervisor, and what listeners name by number (fd@N). Before any
// descriptor is opened. What cannot be used is a warning; where a listener names it, an error.
base::Result<std::vector<Inherited>> take_inherited(const config::Coordinator& config,
                                                    std::vector<std::string>& warnings);

// One address the process listens on.
struct Listening {
  config::Scheme scheme = config::Scheme::kHttp;
  base::Address wanted;  // as configured; the port may be 0
  base::Address bound;
  int descriptor = -1;                   // asked for by its number
  std::shared_ptr<SharedSocket> shared;  // null where each worker has one of its own:
  std::vector<net::Descriptor> own;      // until the workers have taken them
  std::vector<int> fds;                  // theirs, as long as this listens
  bool inherited = false;
  size_t number = SIZE_MAX;  // of the listener in the snapshot, once there is one
};

class ListenSockets {
 public:
  ListenSockets(uint32_t workers, std::vector<Inherited> inherited)
      : workers_(workers), inherited_(std::move(inherited)) {}

  // What would be listened on with a plan, and what not any more. Changes nothing until committed;
  // what was opened for it is closed with it.
  struct Change {
    std::vector<std::unique_ptr<Listening>> opened;
    std::vector<Listening*> all;  // of each place of the plan: open already, or opened
    std::vector<Listening*> removed;
  };
  // All or nothing. An error names the listener, and says how to mend it.
  base::Result<Change> prepare(const Plan& plan, const net::TcpOptions& tcp) const;
  // Takes the change over. What was removed is kept until its stopped() comes: workers use it yet.
  void commit(Change& change);
  // No worker listens any more for that number of a listener.
  void stopped(size_t number);

  // Options for the sockets accepted from now on.
  void set_tcp(const net::TcpOptions& tcp) const;
  const std::vector<std::unique_ptr<Listening>>& listening() const { return listening_; }
  std::vector<std::pair<int, base::Address>> inherited() const;
  // "fd@3 (0.0.0.0:80)": inherited sockets that nothing listens on; clients that connect there
  // wait.
  std::vector<std::string> unused() const;

 private:
  Listening* find(const Plan& plan, const Place& place, const Change& change) const;
  base::Result<std::unique_ptr<Listening>> open(const Plan& plan, const Place& place,
                                                const net::TcpOptions& tcp) const;
  base::Result<void> open_shared(Listening& listening, const net::TcpOptions& tcp) const;
  base::Result<void> open_own(Listening& listening, const net::TcpOptions& tcp) const;
  bool is_ours(const base::Address& address) const;

  uint32_t workers_;
  std::vector<Inherited> inherited_;
  std::vector<std::unique_ptr<Listening>> listening_;
  std::vector<std::unique_ptr<Listening>> stopping_;
};

}  // namespace giliran::control
