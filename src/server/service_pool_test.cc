#include "server/service_pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>

#include "net/engine.h"
#include "net/test_loop.h"

namespace giliran::server {
namespace {

using std::chrono::milliseconds;

struct TestJob final : Job {
  void on_served(base::Instant at, bool was_cut) override {
    ++returns;
    done = at;
    cut = was_cut;
  }
  int returns = 0;
  bool cut = false;
  base::Instant done{};
};

class ServicePoolTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto made = net::make_epoll_io(clock_);
    ASSERT_TRUE(made);
    io_ = std::move(*made);
  }
  // Until every job has come back, and whatever was posted after that has run too.
  bool all_back() {
    const bool back = net::run_until(*io_, [this] {
      return std::ranges::all_of(jobs_, [](const TestJob& job) { return job.returns > 0; });
    });
    bool later = false;
    io_->post([&later] { later = true; });
    return net::run_until(*io_, [&later] { return later; }) && back;
  }

  base::SystemClock clock_;
  std::unique_ptr<net::Io> io_;
  std::deque<TestJob> jobs_;
};

TEST_F(ServicePoolTest, OneThreadServesInOrderOneAtATime) {
  jobs_.resize(5);
  ServicePool pool(1, clock_);
  for (TestJob& job : jobs_) pool.submit(job, *io_, milliseconds(2), milliseconds(2));
  ASSERT_TRUE(all_back());
  for (size_t i = 0; i < jobs_.size(); ++i) {
    EXPECT_EQ(jobs_[i].returns, 1);
    EXPECT_FALSE(jobs_[i].cut);
    EXPECT_GE(jobs_[i].done - jobs_[i].began(), milliseconds(4));
    if (i > 0) {
      EXPECT_GE(jobs_[i].began(), jobs_[i - 1].done);
    }
  }
}

TEST_F(ServicePoolTest, CancelCutsWhatIsUnderWayAndWhatWaits) {
  jobs_.resize(3);
  ServicePool pool(1, clock_);
  pool.submit(jobs_[0], *io_, std::chrono::minutes(10), {});
  pool.submit(jobs_[1], *io_, {}, std::chrono::minutes(10));
  pool.submit(jobs_[2], *io_, {}, {});
  pool.cancel();
  ASSERT_TRUE(all_back());
  for (const TestJob& job : jobs_) {
    EXPECT_EQ(job.returns, 1);
    EXPECT_TRUE(job.cut);
  }
}

// A thread that cuts a job while its submit() is still returning must not make it come back twice.
// The window is small: it takes the thread sanitizer to see a race there every time.
TEST_F(ServicePoolTest, AfterCancelEachComesBackOnce) {
  jobs_.resize(20'000);
  ServicePool pool(2, clock_);
  ASSERT_TRUE(pool.start());
  pool.cancel();
  for (TestJob& job : jobs_) pool.submit(job, *io_, milliseconds(1), {});
  ASSERT_TRUE(all_back());
  for (const TestJob& job : jobs_) ASSERT_EQ(job.returns, 1);
}

}  // namespace
}  // namespace giliran::server
