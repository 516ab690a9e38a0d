#include "proxy/choose.h"

#include <gtest/gtest.h>

#include <map>
#include <optional>

namespace giliran::proxy {
namespace {

using std::chrono::seconds;

class Choose : public testing::Test {
 protected:
  explicit Choose(size_t size = 3) {
    std::vector<cluster::Member> members;
    for (size_t i = 0; i < size; ++i) {
      const auto port = static_cast<uint16_t>(9000 + i);
      members.push_back({.name = std::to_string(i), .address = base::Address::loopback(port)});
    }
    pool_ = *cluster::make_pool({.name = "p"}, members);
  }
  std::optional<uint32_t> next(const Tried& tried = {}) {
    const Choice choice = choose(*pool_, {.tried = tried}, now_, seconds(10), random_);
    if (choice.kind != Choice::Kind::kOne) return std::nullopt;
    release_slot(*pool_->endpoints[choice.index]);
    return choice.index;
  }
  void fail(uint32_t i) {
    pool_->endpoints[i]->backoff.connect_failed(now_, {.jitter = 0}, random_);
  }

  std::shared_ptr<const cluster::Pool> pool_;
  base::Instant now_{seconds(100)};
  base::Rng random_{1};
};

TEST_F(Choose, GivesTurns) {
  std::map<uint32_t, int> turns;
  for (int i = 0; i < 30; ++i) ++turns[*next()];
  EXPECT_EQ(turns[0], 10);
  EXPECT_EQ(turns[1], 10);
  EXPECT_EQ(turns[2], 10);
}

TEST_F(Choose, PassesOverWhatWasTried) {
  Tried tried;
  for (uint32_t i = 0; i < 3; ++i) {
    const auto index = next(tried);
    ASSERT_TRUE(index);
    EXPECT_FALSE(tried.has(*index));
    tried.add(*index);
  }
  EXPECT_FALSE(next(tried));
}

TEST_F(Choose, LeavesOutWhatIsDown) {
  fail(1);
  for (int i = 0; i < 10; ++i) EXPECT_NE(*next(), 1U);
  fail(0);
  fail(2);
  EXPECT_FALSE(next());
}

TEST_F(Choose, OneTrialWhenTheWhileIsOver) {
  for (uint32_t i = 0; i < 3; ++i) fail(i);
  now_ += seconds(2);
  Tried none;
  std::map<uint32_t, int> trials;
  for (int i = 0; i < 3; ++i) ++trials[*next()];
  EXPECT_EQ(trials.size(), 3U);  // each of them once
  EXPECT_FALSE(next());
  now_ += seconds(11);  // no outcome came: another may try
  EXPECT_TRUE(next());
  pool_->endpoints[0]->backoff.connected();
  now_ += base::Duration(1);
  int taken = 0;
  while (taken < 10 && next()) ++taken;
  EXPECT_EQ(taken, 10);  // 0 is up again
}

TEST_F(Choose, AnExchangeTriesSixteenAtMost) {
  Tried tried;
  for (uint32_t i = 0; i < Tried::kMax; ++i) {
    EXPECT_FALSE(tried.full());
    tried.add(100 + i);
  }
  EXPECT_TRUE(tried.full());
  EXPECT_FALSE(next(tried));
}

class ChooseOfMany : public Choose {
 protected:
  ChooseOfMany() : Choose(100) {}
};

TEST_F(ChooseOfMany, WalksPastMoreThanSixteenThatAreDown) {
  for (uint32_t i = 0; i < 99; ++i) fail(i);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(next(), 99U);
}

}  // namespace
}  // namespace giliran::proxy
