// The workers of the process, as the control thread sees them: everything said to them goes by the
// mailboxes of their loops, and so does what they answer. Control thread only.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "net/io.h"
#include "proxy/worker.h"

namespace giliran::control {

// What workers still have under way.
struct Left {
  uint64_t connections = 0, exchanges = 0, flows = 0;
};

class Fleet {
 public:
  // control: the loop of the control thread, on which answers arrive.
  explicit Fleet(net::Io& control) : control_(control) {}

  // A worker of that loop; both outlive the fleet's use of them.
  void add(net::Io& io, proxy::Worker& worker) { members_.push_back({&io, &worker}); }
  // Has that worker look at its queues. Any thread, once all are added.
  void serve_queues(size_t worker) const;

  // A listener's sockets: one for each worker, or one for all.
  struct Opened {
    size_t listener;
    std::vector<int> fds;
    bool shared;
  };
  struct News {
    std::shared_ptr<const cluster::Snapshot> snapshot;
    proxy::Options options;
    std::vector<Opened> opened;
    std::vector<size_t> removed;  // listeners
  };
  // Each worker goes by it from its next turn on.
  void publish(const News& news);
  // Calls back for each of the listeners once no worker listens for it any more.
  void when_stopped(std::vector<size_t> listeners, std::function<void(size_t)> stopped);

  // `done` once every worker has nothing left.
  void drain(std::function<void()> done);
  // Cuts what is left; drain's `done` follows.
  void shut();
  // Calls `look` with each worker's number on that worker's thread, then `done`.
  void on_each(std::function<void(size_t, const proxy::Worker&)> look, std::function<void()> done);
  // Asks every worker, and calls back once all have answered. A question while one is out is
  // dropped.
  void ask(std::function<void(const Left&)> answer);
  size_t draining() const { return draining_; }  // workers that have something left

 private:
  struct Member {
    net::Io* io;
    proxy::Worker* worker;
  };
  struct Stopping {
    std::vector<size_t> listeners;
    std::vector<size_t> busy;  // of each: workers that still listen
    size_t answers = 0;
    std::function<void(size_t)> stopped;
  };

  void ask_stopped(const std::shared_ptr<Stopping>& stopping);
  void look_again();

  net::Io& control_;
  std::vector<Member> members_;
  size_t draining_ = 0;
  std::function<void()> done_;
  std::function<void(const Left&)> answer_;
  size_t answers_ = 0;
  Left left_;
  std::vector<std::shared_ptr<Stopping>> stopping_;
  net::MemberTimer<Fleet, &Fleet::look_again> again_{*this};
};

}  // namespace giliran::control
