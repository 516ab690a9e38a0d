// The simulation on a proxy that makes a mistake on purpose: a check that notices none of them
// would be worth nothing. Built with GILIRAN_CANARY.
#include <gtest/gtest.h>

#include <cstdio>
#include <string>

#include "proxy/canary.h"
#include "sim/world.h"

namespace giliran::sim {
namespace {

using proxy::Mistake;

constexpr uint64_t kSeeds = 400;

struct Case {
  const char* name;
  Mistake mistake;
};

class Canary : public testing::TestWithParam<Case> {
 protected:
  ~Canary() override { proxy::mistake = Mistake::kNone; }
};

TEST_P(Canary, IsNoticed) {
  proxy::mistake = GetParam().mistake;
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const Outcome outcome = World(Scenario::from_seed(seed)).run();
    if (outcome.wrong_count == 0) continue;
    std::printf("%s: seed %llu: %s\n", GetParam().name, static_cast<unsigned long long>(seed),
                outcome.wrongs[0].c_str());
    return;
  }
  ADD_FAILURE() << "nothing was noticed in " << kSeeds << " worlds";
}

INSTANTIATE_TEST_SUITE_P(Sim, Canary,
                         testing::Values(Case{"SpoilBytes", Mistake::kSpoilBytes},
                                         Case{"LoseBytes", Mistake::kLoseBytes},
                                         Case{"ReleaseTwice", Mistake::kReleaseTwice},
                                         Case{"KeepSlot", Mistake::kKeepSlot},
                                         Case{"RepeatUnsafe", Mistake::kRepeatUnsafe},
                                         Case{"NoBudget", Mistake::kNoBudget},
                                         Case{"LoseRecord", Mistake::kLoseRecord},
                                         Case{"RecordTwice", Mistake::kRecordTwice},
                                         Case{"NoQueueTimeout", Mistake::kNoQueueTimeout},
                                         Case{"LongQueue", Mistake::kLongQueue},
                                         Case{"NoTotalTimeout", Mistake::kNoTotalTimeout}),
                         [](const auto& chosen) { return std::string(chosen.param.name); });

// Where it makes none, the same build is right.
TEST(CanaryAtRest, WithoutAMistakeNothingIsWrong) {
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    EXPECT_EQ(World(Scenario::from_seed(seed)).run().wrong_count, 0U) << seed;
  }
}

}  // namespace
}  // namespace giliran::sim
