// One worker against a scripted server on the in-memory network: real code, virtual time.
#pragma once

#include <gtest/gtest.h>

#include <memory>

#include "client/test_server.h"
#include "client/worker.h"
#include "net/memory.h"
#include "net/test_loop.h"

namespace giliran::client {

class WorkerTest : public testing::Test {
 protected:
  static inline const base::Address kServer = base::Address::loopback(80);

  WorkerTest() : server_io_(world_.add_io()), client_io_(world_.add_io()) {
    plan_.addresses = {kServer};
    plan_.targets = {test_target()};
    plan_.line = "hello\n";
    plan_.connections = 4;
    plan_.threads = 1;
    plan_.seed = 1;
  }

  void serve(TestServerOptions options = {}) {
    server_ = std::make_unique<TestServer>(server_io_, std::move(options));
    server_->listen(kServer);
  }
  // planned: when an open loop starts; that: when the worker does.
  void start(base::Instant planned = base::kNoDeadline) {
    run_ = std::make_unique<client::Run>(plan_);
    run_->started = planned;
    worker_ = std::make_unique<Worker>(
        *run_, client_io_,
        WorkerOptions{.sessions = plan_.connections, .sink = &sink_, .seed = 1, .live = true},
        [this] { done_ = true; });
    client_io_.post([this] { worker_->start(); });
  }
  bool ends() {
    return net::run_until(world_, [this] { return done_; }, std::chrono::hours(1));
  }
  const Recorder& recorder() const { return worker_->recorder(); }
  const Counts& counts() const { return recorder().counts(); }

  net::MemoryWorld world_{1};
  net::Io& server_io_;
  net::Io& client_io_;
  Plan plan_;
  TestSink sink_;
  std::unique_ptr<TestServer> server_;
  std::unique_ptr<client::Run> run_;
  std::unique_ptr<Worker> worker_;
  bool done_ = false;
};

}  // namespace giliran::client
