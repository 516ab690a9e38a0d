#include "control/fleet.h"

#include <spdlog/spdlog.h>

#include <utility>

namespace giliran::control {
namespace {

constexpr base::Duration kLookAgain = std::chrono::milliseconds(20);

}  // namespace

void Fleet::serve_queues(size_t worker) const {
  members_[worker].io->post([w = members_[worker].worker] { w->serve_queues(); });
}

void Fleet::publish(const News& news) {
  for (size_t i = 0; i < members_.size(); ++i) {
    members_[i].io->post([this, news, i, worker = members_[i].worker] {
      worker->publish(news.snapshot, news.options);
      for (const Opened& opened : news.opened) {
        const int fd = opened.shared ? opened.fds[0] : opened.fds[i];
        const auto listens = worker->listen_on(opened.listener, fd, opened.shared);
        if (listens) continue;
        control_.post([why = listens.error().message] { spdlog::error("{}", why); });
      }
      for (const size_t listener : news.removed) worker->stop_listening(listener);
    });
  }
}

void Fleet::when_stopped(std::vector<size_t> listeners, std::function<void(size_t)> stopped) {
  if (listeners.empty()) return;
  ask_stopped(std::make_shared<Stopping>(std::move(listeners), std::vector<size_t>(), size_t{0},
                                         std::move(stopped)));
}

void Fleet::ask_stopped(const std::shared_ptr<Stopping>& stopping) {
  stopping->busy.assign(stopping->listeners.size(), 0);
  stopping->answers = 0;
  for (const Member& member : members_) {
    member.io->post([this, stopping, worker = member.worker, listeners = stopping->listeners] {
      std::vector<size_t> busy;
      for (const size_t listener : listeners) busy.push_back(worker->listens(listener) ? 1 : 0);
      control_.post([this, stopping, busy = std::move(busy)] {
        for (size_t i = 0; i < busy.size(); ++i) stopping->busy[i] += busy[i];
        if (++stopping->answers < members_.size()) return;
        std::vector<size_t> left;
        for (size_t i = 0; i < busy.size(); ++i) {
          const size_t listener = stopping->listeners[i];
          stopping->busy[i] == 0 ? stopping->stopped(listener) : left.push_back(listener);
        }
        if (left.empty()) return;
        stopping->listeners = std::move(left);
        stopping_.push_back(stopping);
        if (!again_.armed()) control_.arm(again_, kLookAgain);
      });
    });
  }
}

void Fleet::look_again() {
  for (const auto& stopping : std::exchange(stopping_, {})) ask_stopped(stopping);
}

void Fleet::drain(std::function<void()> done) {
  done_ = std::move(done);
  draining_ = members_.size();
  for (const Member& member : members_) {
    member.io->post([this, worker = member.worker] {
      worker->drain([this] {
        control_.post([this] {
          if (--draining_ == 0) done_();
        });
      });
    });
  }
}

void Fleet::shut() {
  for (const Member& member : members_) {
    member.io->post([worker = member.worker] { worker->shut(); });
  }
}

void Fleet::on_each(std::function<void(size_t, const proxy::Worker&)> look,
                    std::function<void()> done) {
  struct Round {
    std::function<void(size_t, const proxy::Worker&)> look;
    std::function<void()> done;
    size_t left;  // control thread only
  };
  const auto round = std::make_shared<Round>(std::move(look), std::move(done), members_.size());
  for (size_t i = 0; i < members_.size(); ++i) {
    members_[i].io->post([this, round, i, worker = members_[i].worker] {
      round->look(i, *worker);
      control_.post([round] {
        if (--round->left == 0) round->done();
      });
    });
  }
}

void Fleet::ask(std::function<void(const Left&)> answer) {
  if (answer_) return;
  answer_ = std::move(answer);
  answers_ = 0;
  left_ = {};
  for (const Member& member : members_) {
    member.io->post([this, worker = member.worker] {
      const Left left{.connections = worker->open(),
                      .exchanges = worker->open_exchanges(),
                      .flows = worker->open_flows()};
      control_.post([this, left] {
        left_.connections += left.connections;
        left_.exchanges += left.exchanges;
        left_.flows += left.flows;
        if (++answers_ == members_.size()) std::exchange(answer_, nullptr)(left_);
      });
    });
  }
}

}  // namespace giliran::control
