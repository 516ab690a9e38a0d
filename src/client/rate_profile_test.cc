#include "client/rate_profile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/rng.h"

namespace giliran::client {
namespace {

using base::Duration;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;

std::vector<Stage> stages(std::string_view text) {
  auto parsed = parse_stages(text);
  EXPECT_TRUE(parsed) << (parsed ? "" : parsed.error().message);
  return parsed ? *parsed : std::vector<Stage>();
}

TEST(Stages, AreTimesAndRates) {
  EXPECT_EQ(stages("10s:1k, 1m:50/1s,250ms:=0"),
            (std::vector<Stage>{{.length = seconds(10), .rate = 1000},
                                {.length = seconds(60), .rate = 50},
                                {.length = milliseconds(250), .rate = 0, .jump = true}}));
}

TEST(Stages, SayWhatIsWrong) {
  for (const char* const bad : {"", "10s", "10s:", ":5", "10s:5,", "0:5", "10s:-5", "10s:==5",
                                "10s:5:6", "ten:5", "10s:5k/0s"}) {
    const auto parsed = parse_stages(bad);
    ASSERT_FALSE(parsed) << bad;
    EXPECT_FALSE(parsed.error().message.empty());
  }
  EXPECT_THAT(parse_stages("10s").error().message, HasSubstr("TIME:RATE"));
}

TEST(RateProfile, AConstantRateHasItsTimesToTheNanosecond) {
  const RateProfile profile = RateProfile::constant(20'000);
  EXPECT_EQ(profile.length(), RateProfile::kNever);
  for (const uint64_t k : {0ull, 1ull, 199'999ull, 20'000ull * 3600 * 24 * 30}) {
    EXPECT_EQ(profile.time_of(static_cast<double>(k)).count(), static_cast<int64_t>(k * 50'000));
  }
  EXPECT_EQ(profile.count_before(milliseconds(300)), 6000.0);
  const RateProfile thirds = RateProfile::constant(3);
  EXPECT_EQ(thirds.time_of(1).count(), 333'333'333);
  EXPECT_EQ(thirds.time_of(3'000'000'000).count(), 1'000'000'000'000'000'000);
}

TEST(RateProfile, ARampIsTheIntegralOfItsRate) {
  // From 0 to 1000 a second within 10 s: t^2 * 50 requests.
  const RateProfile profile = RateProfile::stages(0, {}, stages("10s:1k"));
  EXPECT_EQ(profile.count_before(seconds(10)), 5000);
  EXPECT_EQ(profile.count_before(seconds(5)), 1250);
  EXPECT_EQ(profile.count_before(seconds(99)), 5000);
  EXPECT_EQ(profile.rate_at(seconds(5)), 500);
  EXPECT_EQ(profile.rate_at(seconds(10)), 0);
  EXPECT_EQ(profile.time_of(0), Duration(0));
  EXPECT_EQ(profile.time_of(1250), seconds(5));
  EXPECT_EQ(profile.time_of(5000), RateProfile::kNever);
  EXPECT_EQ(profile.mean({}, seconds(10)), 500);
}

TEST(RateProfile, RampsDownAndPausesAndJumps) {
  const RateProfile profile = RateProfile::stages(100, seconds(1), stages("2s:0,5s:=0,1s:=10"));
  EXPECT_EQ(profile.length(), seconds(9));
  EXPECT_EQ(profile.count_before(seconds(1)), 100);
  EXPECT_EQ(profile.count_before(seconds(3)), 200);
  EXPECT_EQ(profile.count_before(seconds(8)), 200);
  EXPECT_EQ(profile.count_before(seconds(9)), 210);
  EXPECT_EQ(profile.time_of(200), seconds(8));  // not in the pause
  EXPECT_EQ(profile.time_of(205), milliseconds(8500));
  EXPECT_EQ(profile.rate_at(seconds(2)), 50);
  EXPECT_EQ(profile.rate_at(seconds(4)), 0);
}

TEST(RateProfile, TimesAndCountsAreInversesOfEachOther) {
  base::Rng rng(7);
  for (int world = 0; world < 200; ++world) {
    std::vector<Stage> list;
    for (uint64_t n = 1 + rng.below(5); n > 0; --n) {
      list.push_back({.length = milliseconds(1 + static_cast<int64_t>(rng.below(20'000))),
                      .rate = rng.below(4) == 0 ? 0 : static_cast<double>(rng.below(50'000)),
                      .jump = rng.below(2) == 0});
    }
    const RateProfile profile = RateProfile::stages(static_cast<double>(rng.below(1000)),
                                                    milliseconds(rng.below(500)), list);
    const double total = profile.count_before(profile.length());
    Duration before{};
    for (int i = 0; i < 100; ++i) {
      const double count = std::floor(total * i / 100);
      const Duration at = profile.time_of(count);
      if (count >= total) break;
      ASSERT_NE(at, RateProfile::kNever);
      ASSERT_GE(at, before);
      ASSERT_LE(at, profile.length());
      // A nanosecond is 50,000 / s * 1 ns of a request.
      ASSERT_NEAR(profile.count_before(at), count, 1e-3 + 1e-9 * count);
      before = at;
    }
    ASSERT_EQ(profile.time_of(total), RateProfile::kNever);
  }
}

}  // namespace
}  // namespace giliran::client
