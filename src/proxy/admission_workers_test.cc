// The queue shared by several workers: every interleaving of their events that chance makes, and
// real threads.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "base/rng.h"
#include "proxy/admission.h"
#include "proxy/test_admission.h"

namespace giliran::proxy {
namespace {

using testing::ElementsAre;
using Outcome = Admission::Outcome;

// --- several workers, every interleaving of their events that chance makes ---

// Wakes are kept, and delivered when the seed says so.
struct Workers {
  explicit Workers(size_t count, bool with_pump) : pumps(with_pump) {
    for (uint32_t w = 0; w < count; ++w) {
      admissions.push_back(
          std::make_unique<Admission>(w, [this](uint32_t to) { wakes.push_back(to); }));
    }
  }
  ~Workers() {
    for (auto& job : jobs) admissions[job->worker]->leave(*job);
  }

  void arrive(base::Rng& rng, uint32_t queue_max, bool choosy) {
    jobs.push_back(std::make_unique<Job>(pool));
    Job& one = *jobs.back();
    one.worker = rng.below(admissions.size());
    one.number = ++arrivals;
    if (choosy) one.not_this = static_cast<uint32_t>(rng.below(pool.in_flight.size()));
    one.then = [this, &one](Turn turn) {
      ASSERT_EQ(turn, Turn::kTaken);
      on_served(one);
    };
    const uint32_t before = pool.queue.waiting;
    switch (admissions[one.worker]->admit(pool.queue, queue_max, choosy, one)) {
      case Outcome::kGranted:
        // Nobody without a choice was waiting before it.
        on_served(one);
        break;
      case Outcome::kQueued:
        ASSERT_LE(pool.queue.waiting, queue_max);
        break;
      case Outcome::kQueueFull:
        ASSERT_EQ(before, queue_max);
        jobs.pop_back();
        break;
      case Outcome::kNone:
        FAIL();
    }
  }

  // First come, first served over all workers: those before it still wait only if they are choosy.
  void on_served(Job& one) {
    holding.push_back(&one);
    if (one.not_this != kNoEndpoint) return;
    for (const auto& other : jobs) {
      if (other->waits() && other->number < one.number && other->not_this == kNoEndpoint)
        ++overtaken;
    }
  }

  void release(base::Rng& rng) {
    if (holding.empty()) return;
    const size_t i = rng.below(holding.size());
    Job& one = *holding[i];
    holding.erase(holding.begin() + static_cast<ptrdiff_t>(i));
    pool.in_flight[one.endpoint].fetch_sub(1);
    admissions[one.worker]->release(pool.queue);
    erase(one);
  }

  void leave(base::Rng& rng) {
    std::vector<Job*> waiting;
    for (auto& job : jobs) {
      if (job->waits()) waiting.push_back(job.get());
    }
    if (waiting.empty()) return;
    Job& one = *waiting[rng.below(waiting.size())];
    admissions[one.worker]->leave(one);
    erase(one);
  }

  void deliver(base::Rng& rng) {
    if (wakes.empty()) return;
    const size_t i = rng.below(wakes.size());
    const uint32_t worker = wakes[i];
    wakes.erase(wakes.begin() + static_cast<ptrdiff_t>(i));
    admissions[worker]->serve();
  }

  void erase(Job& one) {
    std::erase_if(jobs, [&](const auto& job) { return job.get() == &one; });
  }
  // Until nothing is on its way.
  void settle(base::Rng& rng) {
    for (int i = 0; i < 100'000 && !wakes.empty(); ++i) deliver(rng);
    ASSERT_TRUE(wakes.empty()) << "turns go round for ever";
    if (!pumps) return;
    for (auto& one : admissions) one->pump();
    for (int i = 0; i < 100'000 && !wakes.empty(); ++i) deliver(rng);
    ASSERT_TRUE(wakes.empty());
  }
  // Somebody waits although he could be served.
  void expect_nobody_forgotten(uint64_t seed) {
    for (const auto& job : jobs) {
      if (!job->waits()) continue;
      ASSERT_EQ(job->take(), Turn::kFull) << "seed " << seed << ": " << job->number;
    }
  }

  TestPool pool{3, 2};
  std::deque<uint32_t> wakes;
  std::vector<std::unique_ptr<Admission>> admissions;
  std::vector<std::unique_ptr<Job>> jobs;
  std::vector<Job*> holding;
  uint64_t arrivals = 0;
  int overtaken = 0;
  bool pumps;
};

void run(uint64_t seed, uint64_t choosy_percent, bool with_pump) {
  base::Rng rng(seed);
  Workers world(1 + rng.below(5), with_pump);
  const auto queue_max = static_cast<uint32_t>(1 + rng.below(20));
  const uint64_t leaves = rng.below(10);
  for (int i = 0; i < 400 && !testing::Test::HasFatalFailure(); ++i) {
    switch (rng.below(10)) {
      case 0:
      case 1:
      case 2:
        world.arrive(rng, queue_max, rng.below(100) < choosy_percent);
        break;
      case 3:
      case 4:
      case 5:
        world.release(rng);
        break;
      case 6:
        if (rng.below(10) < leaves) world.leave(rng);
        break;
      default:
        world.deliver(rng);
    }
    ASSERT_LE(world.pool.highest, world.pool.limit);
    ASSERT_EQ(world.pool.taken(), world.holding.size());
    if (i % 50 == 0) {
      world.settle(rng);
      world.expect_nobody_forgotten(seed);
    }
  }
  // A choosy one lets others pass, also some who came later than others yet.
  if (choosy_percent == 0) {
    EXPECT_EQ(world.overtaken, 0) << "seed " << seed;
  }
  // All end: no slot and nobody is left.
  while (!world.holding.empty() || world.pool.queue.waiting != 0) {
    world.release(rng);
    world.settle(rng);
    ASSERT_TRUE(!world.holding.empty() || world.pool.queue.waiting == 0) << "seed " << seed;
  }
  EXPECT_EQ(world.pool.taken(), 0U);
  EXPECT_EQ(world.pool.queue.choosy, 0U);
}

TEST(SeveralWorkers, FirstComeFirstServedWithoutAnyPump) {
  for (uint64_t seed = 1; seed <= 1500 && !testing::Test::HasFailure(); ++seed) {
    run(seed, 0, false);
  }
}

TEST(SeveralWorkers, ChoosyOnesHoldNobodyUp) {
  for (uint64_t seed = 1; seed <= 1500 && !testing::Test::HasFailure(); ++seed) {
    run(seed, 30, true);
  }
}

TEST(SeveralWorkers, TheOldestOfAllIsServedWhoeverReleases) {
  Workers world(3, false);
  base::Rng rng(1);
  std::vector<uint64_t> order;
  std::vector<std::unique_ptr<Job>> jobs;
  for (size_t i = 0; i < 6 + 6; ++i) {
    jobs.push_back(std::make_unique<Job>(world.pool));
    jobs[i]->number = i;
    jobs[i]->worker = i % 3;
    jobs[i]->then = [&order, i](Turn) { order.push_back(i); };
    world.admissions[i % 3]->admit(world.pool.queue, 100, false, *jobs[i]);
  }
  for (size_t i = 0; i < 6; ++i) {
    world.pool.in_flight[jobs[i]->endpoint].fetch_sub(1);
    world.admissions[2]->release(world.pool.queue);  // all by the same
    world.settle(rng);
  }
  EXPECT_THAT(order, ElementsAre(6, 7, 8, 9, 10, 11));
}

// --- real threads ---

struct Mail {
  std::mutex mutex;
  bool woken = false;
  bool take() {
    const std::scoped_lock lock(mutex);
    return std::exchange(woken, false);
  }
};

struct ThreadFacts {
  uint64_t done = 0;
  uint64_t refused = 0;
  uint64_t pumped = 0;  // served only by a pump
};

// A loop of its own: arrivals, releases, wakes, in the order that chance and the other loops make.
void work(TestPool& pool, Admission& admission, Mail& mail, uint64_t seed, uint64_t jobs_in_all,
          uint32_t queue_max, ThreadFacts& facts) {
  base::Rng rng(seed);
  std::vector<std::unique_ptr<Job>> jobs;
  std::vector<Job*> holding;
  uint64_t begun = 0;
  uint64_t idle = 0;
  bool in_pump = false;
  while (facts.done + facts.refused < jobs_in_all) {
    if (mail.take()) admission.serve();
    const bool more = begun < jobs_in_all;
    if (more && jobs.size() < 40 && rng.below(2) == 0) {
      ++begun;
      jobs.push_back(std::make_unique<Job>(pool));
      Job& one = *jobs.back();
      const bool choosy = rng.below(10) == 0;
      if (choosy) one.not_this = static_cast<uint32_t>(rng.below(pool.in_flight.size()));
      one.then = [&](Turn) {
        facts.pumped += in_pump ? 1 : 0;
        holding.push_back(&one);
      };
      const Outcome outcome = admission.admit(pool.queue, queue_max, choosy, one);
      if (outcome == Outcome::kGranted) holding.push_back(&one);
      if (outcome == Outcome::kQueueFull) {
        ++facts.refused;
        jobs.pop_back();
      }
      idle = 0;
    } else if (!holding.empty()) {
      Job* one = holding.back();
      holding.pop_back();
      pool.in_flight[one->endpoint].fetch_sub(1, std::memory_order_release);
      admission.release(pool.queue);
      std::erase_if(jobs, [&](const auto& job) { return job.get() == one; });
      ++facts.done;
      idle = 0;
    } else if (++idle % 1000 == 0) {
      in_pump = true;
      admission.pump();
      in_pump = false;
      std::this_thread::yield();
    }
  }
}

void run_threads(uint32_t threads, uint64_t jobs_of_each, uint32_t queue_max) {
  TestPool pool(3, 2);
  std::vector<Mail> mails(threads);
  std::vector<std::unique_ptr<Admission>> admissions;
  for (uint32_t t = 0; t < threads; ++t) {
    admissions.push_back(std::make_unique<Admission>(t, [&mails](uint32_t to) {
      const std::scoped_lock lock(mails[to].mutex);
      mails[to].woken = true;
    }));
  }
  std::vector<ThreadFacts> facts(threads);
  {
    std::vector<std::jthread> all;
    for (uint32_t t = 0; t < threads; ++t) {
      all.emplace_back([&, t] {
        work(pool, *admissions[t], mails[t], t + 1, jobs_of_each, queue_max, facts[t]);
      });
    }
  }
  EXPECT_EQ(pool.highest, pool.limit);  // reached, never passed
  EXPECT_EQ(pool.taken(), 0U);
  EXPECT_EQ(pool.queue.waiting, 0U);
  EXPECT_EQ(pool.queue.choosy, 0U);
  for (uint32_t t = 0; t < threads; ++t) {
    EXPECT_EQ(facts[t].done + facts[t].refused,
              jobs_of_each);  // nobody starves: all came to an end
    if (queue_max > 1000) {
      EXPECT_EQ(facts[t].refused, 0U);
    }
  }
}

TEST(AdmissionThreads, NobodyStarvesAndNoSlotLeaks) {
  run_threads(4, 20'000, 100'000);
}

TEST(AdmissionThreads, WithAShortQueue) {
  run_threads(4, 20'000, 10);
}

// Each thread wants one slot at a time of one: nothing but wake-ups moves it on.
TEST(AdmissionThreads, AQueueIsNeverLongerThanItsBound) {
  constexpr uint32_t kThreads = 8;
  constexpr uint32_t kMax = 50;
  TestPool pool(1, 1);
  Job holds(pool);
  Admission mine(kThreads, [](uint32_t) {});
  ASSERT_EQ(mine.admit(pool.queue, kMax, false, holds), Outcome::kGranted);
  std::atomic<uint32_t> queued{0};
  std::atomic<uint32_t> full{0};
  std::vector<std::jthread> all;
  for (uint32_t t = 0; t < kThreads; ++t) {
    all.emplace_back([&, t] {
      Admission admission(t, [](uint32_t) {});
      std::deque<Job> jobs;
      for (int i = 0; i < 100; ++i) {
        Job& one = jobs.emplace_back(pool);
        const bool in = admission.admit(pool.queue, kMax, false, one) == Outcome::kQueued;
        ++(in ? queued : full);
      }
      while (queued + full < kThreads * 100) std::this_thread::yield();
      for (Job& one : jobs) admission.leave(one);
    });
  }
  all.clear();
  EXPECT_EQ(queued, kMax);
  EXPECT_EQ(full, kThreads * 100 - kMax);
  EXPECT_EQ(pool.queue.waiting, 0U);
}

}  // namespace
}  // namespace giliran::proxy
