#include "control/reloader.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>

#include "base/clock.h"
#include "net/engine.h"
#include "net/test_loop.h"

namespace giliran::control {
namespace {

class ReloaderTest : public testing::Test {
 protected:
  base::SystemClock clock_;
  std::unique_ptr<net::Io> io_ = net::make_epoll_io(clock_).value();
  std::vector<std::string> done_;  // what came of each: the log path, or the error

  void note(base::Result<Plan> plan) {
    done_.push_back(plan ? plan->config.log.path : plan.error().message);
  }
};

TEST_F(ReloaderTest, WhatIsAskedMeanwhileIsDoneOnceAfterIt) {
  std::promise<void> go;
  std::atomic<int> reads = 0;
  Reloader reloader(
      *io_,
      [&, gate = go.get_future().share()]() -> base::Result<Plan> {
        const int number = ++reads;
        if (number == 1) gate.wait();
        Plan plan;
        plan.config.log.path = std::to_string(number);
        return plan;
      },
      [this](base::Result<Plan> plan) { note(std::move(plan)); });
  for (int i = 0; i < 5; ++i) reloader.ask();
  EXPECT_TRUE(done_.empty()) << "the loop is not held up";
  go.set_value();
  ASSERT_TRUE(net::run_until(*io_, [&] { return done_.size() == 2; }));
  EXPECT_EQ(done_, (std::vector<std::string>{"1", "2"}));
  EXPECT_FALSE(reloader.busy());
  EXPECT_EQ(reads, 2);
}

TEST_F(ReloaderTest, AnErrorArrivesAsOneAndTheNextIsRead) {
  int reads = 0;
  Reloader reloader(
      *io_,
      [&]() -> base::Result<Plan> {
        if (++reads == 1) return base::fail("a.toml:1:1: bad");
        return Plan();
      },
      [this](base::Result<Plan> plan) { note(std::move(plan)); });
  reloader.ask();
  ASSERT_TRUE(net::run_until(*io_, [&] { return done_.size() == 1; }));
  EXPECT_EQ(done_[0], "a.toml:1:1: bad");
  reloader.ask();
  ASSERT_TRUE(net::run_until(*io_, [&] { return done_.size() == 2; }));
  EXPECT_EQ(done_[1], "");
}

TEST_F(ReloaderTest, EndsWhileSomethingIsRead) {
  std::promise<void> go;
  std::thread later;
  {
    Reloader reloader(
        *io_,
        [gate = go.get_future().share()]() -> base::Result<Plan> {
          gate.wait();
          return Plan();
        },
        [this](base::Result<Plan> plan) { note(std::move(plan)); });
    reloader.ask();
    later = std::thread([&] { go.set_value(); });
  }
  later.join();
  EXPECT_TRUE(done_.empty());
}

}  // namespace
}  // namespace giliran::control
