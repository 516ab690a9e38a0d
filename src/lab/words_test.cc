#include "lab/words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace giliran::lab {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

RunPlan plan(Work work, uint32_t threads, base::Duration time) {
  RunPlan made{.name = "x"};
  ServerPlan server{.threads = threads};
  if (work == Work::kComputes) server.character.work = base::Distribution::constant(time);
  if (work == Work::kBlocks) {
    server.character = {.delay = base::Distribution::constant(time), .blocking = true};
  }
  made.servers = RunPlan::equal_servers(3, server);
  return made;
}

std::string computing(uint32_t threads, const Measured& measured) {
  constexpr base::Duration kTime = std::chrono::milliseconds(1);
  return why(plan(Work::kComputes, 1, kTime), plan(Work::kComputes, threads, kTime), measured);
}

TEST(Why, WorkThatComputesIsBoundByTheCores) {
  EXPECT_EQ(computing(4, {.cores = 2, .one_rate = 1800, .many_rate = 1750}),
            "Work that computes cannot go faster than the cores: 3 servers with 1 thread each "
            "already ask for 3 of 2 cores; more threads only take turns on them.");
}

TEST(Why, WorkThatComputesFillsIdleCores) {
  EXPECT_EQ(computing(12, {.cores = 12, .one_rate = 3000, .many_rate = 11000}),
            "Work that computes needs a core for each thread: 3 threads can use only 3 of 12 "
            "cores, 36 can use 12.");
}

TEST(Why, ASurpriseIsSaidAndWhoElseWasBusy) {
  Measured measured{.cores = 2, .one_rate = 1000, .many_rate = 1600};
  EXPECT_THAT(computing(4, measured), EndsWith(" That explains about 1.0x, not 1.6x."));
  measured.others_busy = 1.2;
  EXPECT_THAT(computing(4, measured),
              EndsWith("Other programs kept 1.2 of 2 cores busy meanwhile."));
  measured.many_rate = 1200;
  EXPECT_THAT(computing(4, measured), Not(HasSubstr("Other")));
}

std::string blocking(const Measured& measured) {
  constexpr base::Duration kTime = std::chrono::milliseconds(5);
  return why(plan(Work::kBlocks, 1, kTime), plan(Work::kBlocks, 16, kTime), measured);
}

TEST(Why, WorkThatWaitsIsBoundByThreads) {
  EXPECT_EQ(blocking({.cores = 2, .one_rate = 590, .many_rate = 9200}),
            "Work that waits holds a thread but no core: 3 servers with 1 thread each, 5ms a "
            "request, can answer 600/s at most, whatever the cores; with 16 threads each 9,600/s.");
}

TEST(Why, TheCoresMayEndItFirst) {
  const Measured measured{.cores = 1, .one_rate = 590, .many_rate = 5000, .many_busy = 0.97};
  EXPECT_THAT(blocking(measured), EndsWith("Here the cores were the limit before that: 1.0 of 1 "
                                           "cores were busy."));
}

TEST(Why, NoMoreThreadsWaitThanClientsAsk) {
  RunPlan one = plan(Work::kBlocks, 1, std::chrono::milliseconds(10));
  RunPlan many = plan(Work::kBlocks, 16, std::chrono::milliseconds(10));
  one.client.connections = many.client.connections = 20;
  EXPECT_THAT(why(one, many, {.cores = 2, .one_rate = 300, .many_rate = 2000}),
              AllOf(HasSubstr("300/s at most"), EndsWith("with 16 threads each 2,000/s.")));
}

std::string plain(const Measured& measured) {
  RunPlan one{.name = "one"}, two{.name = "two"};
  one.coordinator.threads = 1;
  two.coordinator.threads = 2;
  return why(one, two, measured);
}

TEST(Why, ACoordinatorThatIsNotTheLimit) {
  EXPECT_THAT(plain({.cores = 2,
                     .one_rate = 20000,
                     .many_rate = 20500,
                     .one_busy = 1.9,
                     .one_coordinator_busy = 0.7}),
              EndsWith("With 1 thread the coordinator used 0.70 of a core, so that it was not what "
                       "limited: all tiers together had 1.9 of 2 cores busy."));
}

TEST(Why, ACoordinatorThatIsTheLimit) {
  Measured measured{.cores = 8,
                    .one_rate = 30000,
                    .many_rate = 55000,
                    .one_busy = 3,
                    .one_coordinator_busy = 0.95};
  EXPECT_THAT(plain(measured), EndsWith("as much as it can; 2 threads use cores that were idle."));
  measured.cores = 3;
  EXPECT_THAT(plain(measured), EndsWith("no core is left for 2 threads."));
}

}  // namespace
}  // namespace giliran::lab
