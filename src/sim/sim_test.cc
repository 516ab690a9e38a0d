// Runs worlds by the hundred. GILIRAN_SEED=N runs one, GILIRAN_SEEDS=N that many from
// GILIRAN_FIRST_SEED on.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <map>

#include "base/parse.h"
#include "sim/content.h"
#include "sim/world.h"

namespace giliran::sim {
namespace {

TEST(Content, DependsOnBodyAndPlace) {
  std::string all;
  append_content(all, 7, 0, 100);
  std::string part;
  append_content(part, 7, 13, 50);
  EXPECT_EQ(part, all.substr(13, 50));
  EXPECT_TRUE(is_content(std::string_view(all).substr(3), 7, 3));
  EXPECT_FALSE(is_content(std::string_view(all).substr(3), 7, 4));
  EXPECT_FALSE(is_content(all, 8, 0));
}

uint64_t from_environment(const char* name, uint64_t otherwise) {
  const char* const text = std::getenv(name);
  if (text == nullptr) return otherwise;
  const auto number = base::parse_uint(text);
  EXPECT_TRUE(number) << name << "=" << text;
  return number ? *number : otherwise;
}

// What worlds came to together, so that a harness that does nothing is noticed.
struct Sum {
  uint64_t worlds = 0, calm = 0, requests = 0, complete = 0, flows = 0, records = 0, retries = 0;
  uint64_t splices = 0;
};

void run_world(const Scenario& scenario, Sum& sum) {
  const Outcome outcome = World(scenario).run();
  ++sum.worlds;
  sum.calm += scenario.calm ? 1 : 0;
  sum.requests += outcome.requests;
  sum.complete += outcome.complete;
  sum.flows += outcome.flows;
  sum.records += outcome.records;
  sum.retries += outcome.retries;
  sum.splices += outcome.splices;
  if (outcome.wrong_count == 0) return;
  std::string text;
  for (const std::string& wrong : outcome.wrongs) text += "  " + wrong + "\n";
  ADD_FAILURE() << scenario.text() << "\n"
                << outcome.wrong_count << " things do not add up, such as\n"
                << text << "replay: GILIRAN_SEED=" << scenario.seed << " build/release/sim_test";
}

TEST(Sim, EverythingAddsUpWhateverHappens) {
  Sum sum;
  if (const uint64_t seed = from_environment("GILIRAN_SEED", 0); seed != 0) {
    run_world(Scenario::from_seed(seed), sum);
    return;
  }
  const uint64_t seeds = from_environment("GILIRAN_SEEDS", 500);
  const uint64_t first = from_environment("GILIRAN_FIRST_SEED", 1);
  for (uint64_t seed = first; seed < first + seeds; ++seed) {
    run_world(Scenario::from_seed(seed), sum);
    if (testing::Test::HasFailure()) break;
  }
  std::printf(
      "%llu worlds, %llu of them calm: %llu requests, %llu answered, %llu flows, %llu "
      "records, %llu retries, %llu splices\n",
      static_cast<unsigned long long>(sum.worlds), static_cast<unsigned long long>(sum.calm),
      static_cast<unsigned long long>(sum.requests), static_cast<unsigned long long>(sum.complete),
      static_cast<unsigned long long>(sum.flows), static_cast<unsigned long long>(sum.records),
      static_cast<unsigned long long>(sum.retries), static_cast<unsigned long long>(sum.splices));
  if (testing::Test::HasFailure() || seeds < 100) return;
  EXPECT_GT(sum.calm, seeds / 10);
  EXPECT_GT(sum.complete, sum.requests / 2);
  EXPECT_GT(sum.records, sum.complete);
  EXPECT_GT(sum.flows, seeds);
  EXPECT_GT(sum.retries, seeds / 10);
  EXPECT_GT(sum.splices, seeds);
}

// Worlds that found a bug once. 1207: the wait of an answer that came before the request was over.
// 22350: a drain that closed on a request under way, so that the answer before it was lost.
TEST(Sim, WhatOnceFailed) {
  Sum sum;
  run_world(Scenario::basic(1207), sum);
  run_world(Scenario::from_seed(22350), sum);
}

// Every way to end comes about, so that the checks above are of all of them.
TEST(Sim, EveryEndComesAbout) {
  std::map<telemetry::End, uint64_t> ends;
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    for (const auto& [end, count] : World(Scenario::from_seed(seed)).run().ends) ends[end] += count;
  }
  using telemetry::End;
  for (const End end :
       {End::kOk, End::kClientClosed, End::kClientTimeout, End::kNoServer, End::kConnectRefused,
        End::kConnectTimeout, End::kServerClosed, End::kServerTimeout, End::kBadResponse,
        End::kIdleTimeout, End::kShutdown, End::kQueueTimeout, End::kQueueFull, End::kTotalTimeout,
        End::kBodyTooLarge, End::kLimit, End::kRateLimited, End::kDenied}) {
    EXPECT_GT(ends[end], 0U) << telemetry::name(end);
  }
  EXPECT_EQ(ends[End::kInternal], 0U);
}

TEST(Sim, TheSameSeedGivesTheSameRun) {
  for (const uint64_t seed : {3U, 4U, 5U}) {
    const Outcome one = World(Scenario::from_seed(seed)).run();
    const Outcome two = World(Scenario::from_seed(seed)).run();
    EXPECT_EQ(one.took, two.took);
    EXPECT_EQ(one.records, two.records);
    EXPECT_EQ(one.complete, two.complete);
  }
}

}  // namespace
}  // namespace giliran::sim
