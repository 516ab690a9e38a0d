// Child processes, for the lab: started, watched on a loop, never left behind.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "net/io.h"

namespace giliran::net {

struct ChildOptions {
  std::vector<std::string> argv{};  // argv[0] is the path of the program
  std::string directory{};          // working directory; empty: inherited
  bool capture_output = true;       // stdout and stderr by line through ChildEvents; else inherited
};

struct ChildExit {
  int status = 0;         // exit status, or 128 + signal
  int signal = 0;         // 0 where it exited
  base::Duration user{};  // CPU time
  base::Duration system{};
  // Peak resident, or what the parent had when it was started, where that is more.
  uint64_t memory_max_bytes = 0;
};

class Child;
class ChildEvents {
 public:
  virtual void on_output(Child& child, std::string_view line, bool is_stderr) = 0;
  virtual void on_exit(Child& child, const ChildExit& exit) = 0;

 protected:
  ~ChildEvents() = default;
};

// Dies with its parent (PR_SET_PDEATHSIG), in a process group of its own; destroying a Child that
// still runs kills it and waits.
class Child {
 public:
  static base::Result<std::unique_ptr<Child>> start(Io& io, const ChildOptions& options,
                                                    ChildEvents& events);
  virtual ~Child() = default;
  virtual pid_t pid() const = 0;
  virtual bool running() const = 0;
  virtual void signal(int number) = 0;
  // CPU used so far (from /proc), zero after exit.
  virtual base::Duration cpu_time() const = 0;
  // Peak resident memory so far (from /proc), zero after exit. Unlike that of ChildExit it has
  // nothing of what its parent had when it was started.
  virtual uint64_t memory_max_bytes() const = 0;
};

}  // namespace giliran::net
