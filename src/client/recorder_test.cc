#include "client/recorder.h"

#include <gtest/gtest.h>

namespace giliran::client {
namespace {

using telemetry::End;

TEST(Recorder, SortsEndingsIntoAnsweredAndFailed) {
  Recorder recorder;
  for (int i = 0; i < 4; ++i) recorder.issued({});
  recorder.ended({.status = 200, .service = std::chrono::milliseconds(1), .body_bytes = 3});
  recorder.ended({.status = 404, .service = std::chrono::milliseconds(2)});
  recorder.ended({.end = End::kServerTimeout, .bytes_out = 10});
  recorder.ended({.end = End::kOk, .service = std::chrono::milliseconds(3)});
  const Counts& counts = recorder.counts();
  EXPECT_EQ(counts.answered, 3u);
  EXPECT_EQ(counts.bad_status, 1u);
  EXPECT_EQ(counts.failed, 1u);
  EXPECT_EQ(counts.good(), 2u);
  EXPECT_EQ(counts.errors(), 2u);
  EXPECT_EQ(counts.status_classes[2], 1u);
  EXPECT_EQ(counts.status_classes[4], 1u);
  EXPECT_EQ(counts.bytes_out, 10u);
  EXPECT_EQ(recorder.service_time().count(), 3u);
  EXPECT_EQ(recorder.service_time().max(), 3'000'000u);
}

TEST(Recorder, BoundsTheNumberOfNames) {
  Recorder recorder;
  for (size_t i = 0; i < kServersMax + 50; ++i) {
    const uint32_t server = recorder.server("s" + std::to_string(i));
    recorder.ended({.status = 200, .server = server});
  }
  EXPECT_EQ(recorder.servers().size(), kServersMax + 1);
  EXPECT_EQ(recorder.server_name(recorder.server("yet another")), kOtherServers);
  EXPECT_EQ(recorder.servers().back().answers, 50u);
}

TEST(Recorder, MergesByName) {
  Recorder a, b, sum;
  a.ended({.status = 200, .server = a.server("x"), .service = base::Duration(1000)});
  b.ended({.status = 200, .server = b.server("y"), .service = base::Duration(2000)});
  b.ended({.status = 500, .server = b.server("x"), .service = base::Duration(3000)});
  sum.add(a);
  sum.add(b);
  EXPECT_EQ(sum.counts().answered, 3u);
  const auto servers = sum.servers_by_name();
  ASSERT_EQ(servers.size(), 2u);
  EXPECT_EQ(servers[0]->name, "x");
  EXPECT_EQ(servers[0]->answers, 2u);
  EXPECT_EQ(servers[0]->bad_status, 1u);
  EXPECT_EQ(sum.service_time().count(), 3u);
}

TEST(Recorder, WhatCameAfterTheWarmUpCountsForTheRateWheneverItWasAskedFor) {
  Recorder recorder, sum;
  const base::Instant warm = base::Instant{} + std::chrono::seconds(5);
  recorder.measure_since(warm);
  recorder.ended({.status = 200, .at = warm - base::Duration(1), .measured = false});
  recorder.ended({.status = 200, .at = warm, .measured = false});
  recorder.ended({.status = 200, .at = warm + base::Duration(9)});
  recorder.ended({.end = End::kServerTimeout, .at = warm + base::Duration(9)});
  EXPECT_EQ(recorder.counts().answered, 1u);
  EXPECT_EQ(recorder.answered_measuring(), 2u);
  sum.add(recorder);
  sum.add(recorder);
  EXPECT_EQ(sum.answered_measuring(), 4u);
}

Ending answered(base::Instant at, int64_t us, uint32_t server = kNoServer) {
  return {.status = 200,
          .server = server,
          .at = at,
          .service = std::chrono::microseconds(us),
          .response = std::chrono::microseconds(us + 10)};
}

constexpr base::Instant kStart{std::chrono::seconds(100)};

base::Instant after(double s) {
  return kStart + base::from_seconds(s);
}

TEST(Slices, AreByTimeOfTheAnswer) {
  Recorder recorder;
  recorder.begin_slices(kStart, std::chrono::milliseconds(100));
  const uint32_t a = recorder.server("a");
  for (int i = 0; i < 3; ++i) recorder.issued(after(0.05));
  recorder.ended(answered(after(0.06), 100, a));
  recorder.ended(answered(after(0.25), 200, a));
  recorder.ended({.end = End::kServerTimeout, .at = after(0.31)});
  const auto& slices = recorder.slices();
  ASSERT_EQ(slices.size(), 4u);
  EXPECT_EQ(slices[0].issued, 3u);
  EXPECT_EQ(slices[0].due, 3u);
  EXPECT_EQ(slices[0].in_flight_max, 3u);
  EXPECT_EQ(slices[0].answered, 1u);
  EXPECT_EQ(slices[0].answers_by_server.at(a), 1u);
  EXPECT_EQ(slices[1].answered, 0u);
  EXPECT_EQ(slices[1].in_flight_max, 2u);  // nothing happened, but two were under way
  EXPECT_EQ(slices[2].response.max(), 210'000u);
  EXPECT_EQ(slices[2].service.max(), 200'000u);
  EXPECT_EQ(slices[3].failed, 1u);
}

TEST(Slices, WhatIsDueIsCountedWhereItWasDueHoweverLate) {
  Recorder recorder(false, true);
  recorder.begin_slices(kStart, std::chrono::milliseconds(100));
  recorder.due(after(0.02), after(0.37), true);
  recorder.due(after(0.36), after(0.37), true);
  recorder.backlog(2);
  ASSERT_EQ(recorder.slices().size(), 4u);
  EXPECT_EQ(recorder.slices()[0].due, 1u);
  EXPECT_EQ(recorder.slices()[3].due, 1u);
  EXPECT_EQ(recorder.slices()[3].lag_max, std::chrono::milliseconds(350));
  EXPECT_EQ(recorder.slices()[3].backlog_max, 2u);
  EXPECT_EQ(recorder.lag().max(), 350'000'000u);
  EXPECT_EQ(recorder.counts().due, 2u);
  EXPECT_EQ(recorder.counts().unissued(), 2u);
}

TEST(Slices, NeverTooManyAndNothingIsLost) {
  Recorder recorder;
  recorder.begin_slices(kStart, std::chrono::seconds(1));
  for (int i = 0; i < 10'000; ++i) {
    recorder.issued(after(i));
    recorder.ended(answered(after(i + 0.5), i));
  }
  EXPECT_LE(recorder.slices().size(), kSlicesMax);
  EXPECT_EQ(recorder.interval(), std::chrono::seconds(4));
  uint64_t answered = 0;
  for (const Slice& slice : recorder.slices()) {
    answered += slice.service.count();
    EXPECT_EQ(slice.answered, slice.service.count());
  }
  EXPECT_EQ(answered, 10'000u);
  EXPECT_EQ(recorder.slices()[100].answered, 4u);
  EXPECT_EQ(recorder.slices()[100].service.max(), 403'000u);
}

TEST(Slices, OfThreadsAreAddedByTheirPlaceAndByName) {
  Recorder a, b, sum;
  a.begin_slices(kStart, std::chrono::seconds(1));
  b.begin_slices(kStart, std::chrono::seconds(1));
  TierTimes told;
  told.add(a.tier("db"), 7);
  Ending one = answered(after(0.5), 100, a.server("x"));
  one.tiers = &told;
  a.issued(after(0.1));
  a.ended(one);
  b.tier("cache");
  b.server("y");
  TierTimes other;
  other.add(b.tier("db"), 9);
  Ending two = answered(after(2.5), 300, b.server("x"));
  two.tiers = &other;
  b.issued(after(2.1));
  b.ended(two);
  // Once more in the first interval, from a thread whose intervals are longer by now.
  Recorder c;
  c.begin_slices(kStart, std::chrono::seconds(1));
  c.issued(after(0.2));
  c.ended(answered(after(0.3), 50));
  c.issued(after(4000));
  c.ended(answered(after(4000), 60));
  ASSERT_EQ(c.interval(), std::chrono::seconds(2));
  sum.add(a);
  sum.add(b);
  ASSERT_EQ(sum.slices().size(), 3u);
  EXPECT_EQ(sum.slices()[0].answers_by_server.at(sum.server("x")), 1u);
  EXPECT_EQ(sum.slices()[2].answers_by_server.at(sum.server("x")), 1u);
  EXPECT_EQ(sum.slices()[0].tiers.at(sum.tier("db")).sum_ns, 7u);
  EXPECT_EQ(sum.slices()[2].tiers.at(sum.tier("db")).sum_ns, 9u);
  EXPECT_EQ(sum.tiers()[sum.tier("db")].took.count(), 2u);
  sum.add(c);
  EXPECT_EQ(sum.interval(), std::chrono::seconds(2));
  EXPECT_EQ(sum.slices()[0].answered, 2u);
  EXPECT_EQ(sum.slices()[1].answered, 1u);
  Recorder reversed;
  reversed.add(c);
  reversed.add(b);
  reversed.add(a);
  EXPECT_EQ(reversed.slices()[0].answered, 2u);
  EXPECT_EQ(reversed.slices()[1].answered, 1u);
  EXPECT_EQ(reversed.slices().size(), sum.slices().size());
}

TEST(Recorder, TheWarmUpIsShownButNotCounted) {
  Recorder recorder(true);
  recorder.issued({}, false);
  recorder.ended({.status = 200, .measured = false});
  recorder.issued({}, true);
  recorder.ended({.status = 200});
  EXPECT_EQ(recorder.counts().issued, 1u);
  EXPECT_EQ(recorder.counts().answered, 1u);
  EXPECT_EQ(recorder.response_time().count(), 1u);
  const Live live = recorder.take_live();
  EXPECT_EQ(live.counts.answered, 2u);
  EXPECT_EQ(live.interval.count(), 2u);
}

TEST(Recorder, TiersAreBoundedInNumberAndLength) {
  Recorder recorder;
  for (size_t i = 0; i < kTiersMax; ++i) {
    EXPECT_EQ(recorder.tier("t" + std::to_string(i)), i);
  }
  EXPECT_EQ(recorder.tier("one more"), kNoTier);
  EXPECT_EQ(recorder.tier("t3"), 3u);
  EXPECT_EQ(Recorder().tier(std::string(kTierNameMax + 1, 'x')), kNoTier);
  EXPECT_EQ(Recorder().tier(""), kNoTier);
}

}  // namespace
}  // namespace giliran::client
