#include "report/conservation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "report/sample_run.h"
#include "telemetry/json.h"

namespace giliran::report {
namespace {

using telemetry::By;
using telemetry::End;
using telemetry::Kind;
using telemetry::Phase;
using telemetry::Record;
using telemetry::Tier;

void fail(Record& r, End end, By by, Phase phase) {
  r.end = end;
  r.by = by;
  r.phase = phase;
}

struct Case {
  SampleRun run;
  std::string extra{};  // at the end of the last log
  ConservationOptions options = {};
};

Conservation check(const Case& c) {
  const SampleFolder folder;
  auto paths = folder.write(c.run);
  folder.write("server.log", {}, c.extra);
  std::reverse(paths.begin(), paths.end());  // the order means nothing
  auto result = conservation(paths, c.options);
  EXPECT_TRUE(result.has_value()) << result.error().message;
  return std::move(*result);
}

// "name/detail/count" of everything that differs, in order.
std::vector<std::string> named(const Conservation& result) {
  std::vector<std::string> all;
  for (const Comparison& c : result.comparisons) {
    for (const Named& n : c.named) {
      all.push_back(n.name + "/" + n.detail + "/" + std::to_string(n.count) +
                    (n.accounted ? "" : "!"));
      EXPECT_TRUE(c.kind == Kind::kMessage || n.example.find(".log:") != std::string::npos);
    }
  }
  return all;
}

TEST(Conservation, AGoodRunNeedsOnePass) {
  const Conservation result = check({.run = SampleRun::exchanges(1000)});
  EXPECT_TRUE(result.conserved());
  ASSERT_EQ(result.comparisons.size(), 2);
  for (const Comparison& c : result.comparisons) {
    EXPECT_FALSE(c.exact);
    EXPECT_EQ(c.left_count, 1000);
    EXPECT_EQ(c.right_count, 1000);
    EXPECT_EQ(c.left_out, c.right_in);
    EXPECT_EQ(c.left_in, c.right_out);
    EXPECT_TRUE(c.named.empty());
  }
}

TEST(Conservation, AServerRecordThatIsMissingIsADifference) {
  SampleRun run = SampleRun::exchanges(100);
  run.server.erase(run.server.begin() + 42);
  const Conservation result = check({.run = run});
  EXPECT_FALSE(result.conserved());
  EXPECT_THAT(named(result), testing::ElementsAre("answered but not recorded/no server record/1!"));
  EXPECT_THAT(result.comparisons[1].named[0].example,
              testing::EndsWith("coordinator.log:43 span 200000000000002a"));
}

TEST(Conservation, ACoordinatorRecordThatIsMissingIsADifference) {
  SampleRun run = SampleRun::exchanges(100);
  run.coordinator.erase(run.coordinator.begin() + 7);
  const Conservation result = check({.run = run});
  EXPECT_FALSE(result.conserved());
  EXPECT_THAT(named(result),
              testing::ElementsAre("answered but not recorded/no coordinator record/1!"));
  EXPECT_EQ(result.comparisons[1].foreign, 1);
}

TEST(Conservation, OneRecordInPlaceOfAnotherIsSeenThoughNumbersAreEqual) {
  SampleRun run = SampleRun::exchanges(100);
  run.server[42] = run.server[41];
  const Conservation result = check({.run = run});
  EXPECT_FALSE(result.conserved());
  EXPECT_THAT(named(result),
              testing::UnorderedElementsAre("executed twice//1",
                                            "answered but not recorded/no server record/1!"));
}

TEST(Conservation, ByteDifferencesAreFoundThoughSumsAreEqual) {
  SampleRun run = SampleRun::exchanges(100);
  run.server[3].down_in += 5;
  run.server[4].down_in -= 5;
  // Sums are equal and every record is ok: the first pass sees nothing. One failure elsewhere makes
  // it look record by record.
  fail(run.client[50], End::kClientTimeout, By::kClient, Phase::kData);
  fail(run.coordinator[60], End::kClientClosed, By::kClient, Phase::kData);
  const Conservation result = check({.run = run});
  EXPECT_FALSE(result.conserved());
  EXPECT_EQ(result.comparisons[1].named.back().name, "bytes differ");
  EXPECT_EQ(result.comparisons[1].named.back().count, 2);
}

TEST(Conservation, ByteSumsThatDifferAreADifference) {
  SampleRun run = SampleRun::exchanges(100);
  run.coordinator[3].down_out += 1;
  const Conservation result = check({.run = run});
  EXPECT_FALSE(result.conserved());
  EXPECT_EQ(result.comparisons[0].named[0].name, "bytes differ");
}

// What a coordinator writes of a request whose head it could not read: no parent.
Record refused_unread(const Record& of, uint16_t port, uint16_t status) {
  Record r = of;
  fail(r, End::kBadRequest, By::kClient, Phase::kRequest);
  r.parent = {};
  r.peer = base::Address::loopback(port);
  r.server = {};
  r.upstream = {};
  r.attempts = 0;
  r.status = status;
  return r;
}

TEST(Conservation, WhatTheCoordinatorCouldNotReadIsFoundByItsConnection) {
  SampleRun run = SampleRun::exchanges(100);
  for (size_t i = 10; i < 13; ++i) {
    const auto port = static_cast<uint16_t>(40'000 + i);
    run.client[i].local = base::Address::loopback(port);
    run.client[i].status = 414;
    run.client[i].server = {};
    run.coordinator[i] = refused_unread(run.coordinator[i], port, 414);
  }
  run.server.erase(run.server.begin() + 10, run.server.begin() + 13);
  const Conservation result = check({.run = run});
  EXPECT_TRUE(result.conserved());
  EXPECT_THAT(named(result), testing::ElementsAre("refused before it could be read/bad-request/3",
                                                  "lost before hand-off/bad-request/3"));
  EXPECT_EQ(result.comparisons[0].right_count, 100);
  const Conservation often = check({.run = run, .extra = "", .options = {.items_max = 50}});
  EXPECT_EQ(named(often), named(result));
}

TEST(Conservation, ARefusalExplainsNoAnswerOfAnotherConnectionOrStatus) {
  SampleRun run = SampleRun::exchanges(100);
  for (const size_t i : {10u, 20u, 30u, 40u}) {
    run.client[i].local = base::Address::loopback(40'000);
    run.client[i].status = 414;
  }
  run.client[30].status = 431;
  run.client[40].status = 200;  // a 200 is no refusal
  // Two of the port are refused with 414 (it was used again); another port's is somebody else's.
  run.coordinator[10] = refused_unread(run.coordinator[10], 40'000, 414);
  run.coordinator[20] = refused_unread(run.coordinator[20], 40'001, 414);
  run.coordinator[30] = refused_unread(run.coordinator[30], 40'000, 414);
  run.coordinator[40] = refused_unread(run.coordinator[40], 40'000, 200);
  const Conservation result = check({.run = run});
  EXPECT_FALSE(result.conserved());
  const std::vector<Named>& all = result.comparisons[0].named;
  ASSERT_EQ(all.size(), 2);
  EXPECT_EQ(all[0].name, "answered but not recorded");
  EXPECT_EQ(all[0].count, 2);
  EXPECT_EQ(all[1].name, "refused before it could be read");
  EXPECT_EQ(all[1].count, 2);
}

TEST(Conservation, WhatHappenedAndIsRecordedIsAccountedFor) {
  SampleRun run = SampleRun::exchanges(100);
  // Never connected: the client alone knows.
  fail(run.client[0], End::kConnectRefused, By::kCoordinator, Phase::kConnect);
  // No endpoint: the coordinator answered 503, which the client got whole.
  fail(run.coordinator[1], End::kNoServer, By::kCoordinator, Phase::kQueue);
  run.coordinator[1].attempts = 0;
  // All attempts refused.
  fail(run.coordinator[2], End::kConnectRefused, By::kServer, Phase::kConnect);
  // Handed over to a server that died.
  fail(run.coordinator[3], End::kServerClosed, By::kServer, Phase::kWait);
  // Tried on two servers that both did it.
  run.coordinator[4].attempts = 2;
  run.server.push_back(run.server[4]);
  // The server answered after the coordinator's patience.
  fail(run.coordinator[5], End::kServerTimeout, By::kServer, Phase::kWait);
  // The client had gone.
  fail(run.client[6], End::kClientTimeout, By::kClient, Phase::kWait);
  for (const size_t i : {3u, 2u, 1u, 0u}) {
    run.server.erase(run.server.begin() + static_cast<std::ptrdiff_t>(i));
  }
  run.coordinator.erase(run.coordinator.begin());
  const Conservation result = check({.run = run});
  EXPECT_TRUE(result.conserved());
  EXPECT_THAT(named(result),
              testing::UnorderedElementsAre(
                  "lost before hand-off/connect-refused/1", "answered too late/client-timeout/1",
                  "lost before hand-off/no-server/1", "lost before hand-off/connect-refused/1",
                  "lost after hand-off/server-closed/1", "executed twice//1",
                  "answered too late/server-timeout/1"));
}

TEST(Conservation, RecordsFromElsewhereDoNotCount) {
  SampleRun run = SampleRun::exchanges(100);
  Record curl = run.coordinator[0];  // another client, without a traceparent
  curl.parent = {};
  curl.span = {77};
  Record its = run.server[0];
  its.parent = {77};
  Record nested = run.server[1];  // a server asked by another server
  nested.parent = run.server[2].span;
  run.coordinator.push_back(curl);
  run.server.push_back(its);
  run.server.push_back(nested);
  const Conservation result = check({.run = run});
  EXPECT_TRUE(result.conserved());
  EXPECT_TRUE(named(result).empty());
  EXPECT_EQ(result.comparisons[0].left_count, 100);
  EXPECT_EQ(result.comparisons[0].right_count, 100);
  EXPECT_EQ(result.comparisons[1].left_count, 101);
  EXPECT_EQ(result.comparisons[1].right_count, 101);
  EXPECT_EQ(result.comparisons[1].foreign, 1);
}

TEST(Conservation, DroppedRecordsAreNamedUpToTheirNumber) {
  SampleRun run = SampleRun::exchanges(100);
  run.server.erase(run.server.begin(), run.server.begin() + 3);
  std::string dropped;
  telemetry::append_dropped_json(Tier::kServer, 2, base::WallTime{0}, dropped);
  const Conservation two = check({.run = run, .extra = dropped});
  EXPECT_FALSE(two.conserved());
  EXPECT_THAT(named(two), testing::ElementsAre("dropped records/server/2",
                                               "answered but not recorded/no server record/1!"));
  telemetry::append_dropped_json(Tier::kServer, 1, base::WallTime{0}, dropped);
  const Conservation three = check({.run = run, .extra = dropped});
  EXPECT_TRUE(three.conserved());
  EXPECT_THAT(named(three), testing::ElementsAre("dropped records/server/3"));
  EXPECT_EQ(three.dropped[2], 3);
}

TEST(Conservation, WhatAKilledServerTookAlongHasItsName) {
  SampleRun run = SampleRun::exchanges(100);
  run.server.resize(95);
  std::string begin;
  telemetry::append_mark_json(Tier::kServer, telemetry::Mark::kBegin, 7, base::WallTime{0}, begin);
  const Conservation killed = check({.run = run, .extra = begin});
  EXPECT_TRUE(killed.conserved());
  EXPECT_THAT(named(killed), testing::ElementsAre("log without its end mark/server/5"));
  EXPECT_EQ(killed.unended[2], 1);
  std::string ended = begin;
  telemetry::append_mark_json(Tier::kServer, telemetry::Mark::kEnd, 7, base::WallTime{0}, ended);
  const Conservation whole = check({.run = run, .extra = ended});
  EXPECT_THAT(named(whole), testing::ElementsAre("answered but not recorded/no server record/5!"));
}

TEST(Conservation, AClientThatTalksToServersDirectly) {
  SampleRun run = SampleRun::exchanges(50);
  run.coordinator.clear();
  for (size_t i = 0; i < 50; ++i) {
    run.server[i].parent = run.client[i].span;
    run.server[i].down_in = run.client[i].up_out;
    run.server[i].down_out = run.client[i].up_in;
  }
  const Conservation result = check({.run = run});
  ASSERT_EQ(result.comparisons.size(), 1);
  EXPECT_EQ(result.comparisons[0].left, Tier::kClient);
  EXPECT_EQ(result.comparisons[0].right, Tier::kServer);
  EXPECT_TRUE(result.conserved());
}

TEST(Conservation, NothingOnTheRightIsComparedWhereAllLogsAreGiven) {
  SampleRun run = SampleRun::exchanges(5);
  run.server.clear();
  EXPECT_EQ(check({.run = run}).comparisons.size(), 1);
  const Conservation all = check({.run = run, .extra = "", .options = {.complete = true}});
  EXPECT_EQ(all.comparisons.size(), 2);
  EXPECT_FALSE(all.conserved());
}

TEST(Conservation, FlowsJoinByAddressAlsoWherePortsAreReused) {
  SampleRun run = SampleRun::flows(100);
  EXPECT_TRUE(check({.run = run}).conserved());
  // One that no server would take, on a port used twelve times.
  fail(run.coordinator[40], End::kConnectRefused, By::kServer, Phase::kConnect);
  run.coordinator[40].down_out = run.coordinator[40].up_out = 0;
  fail(run.client[40], End::kServerClosed, By::kCoordinator, Phase::kData);
  run.client[40].messages = 0;
  run.server.erase(run.server.begin() + 40);
  const Conservation named_one = check({.run = run});
  EXPECT_TRUE(named_one.conserved());
  EXPECT_THAT(named(named_one), testing::ElementsAre("lost before hand-off/connect-refused/1"));
  // Without a record of its failure it is a difference, with the right example.
  run.coordinator[40] = SampleRun::flows(41).coordinator[40];
  const Conservation lost = check({.run = run});
  EXPECT_FALSE(lost.conserved());
  const Named& missing = lost.comparisons[1].named[0];
  EXPECT_EQ(missing.name, "answered but not recorded");
  EXPECT_THAT(missing.example, testing::EndsWith("coordinator.log:41"));
}

TEST(Conservation, MessagesAreCountedBetweenClientAndServer) {
  SampleRun run = SampleRun::flows(10);
  const auto messages = [](const Conservation& result) { return result.comparisons.back(); };
  EXPECT_EQ(messages(check({.run = run})).left_count, 100);
  EXPECT_TRUE(check({.run = run}).conserved());
  run.server[3].messages -= 2;
  const Conservation lost = check({.run = run});
  EXPECT_FALSE(lost.conserved());
  EXPECT_EQ(messages(lost).named[0].count, 2);
}

// With memory for a fraction of the records the answer is the same.
TEST(Conservation, ManyPassesAreAsExactAsOne) {
  SampleRun run = SampleRun::exchanges(3'000);
  fail(run.client[5], End::kClientTimeout, By::kClient, Phase::kWait);
  for (size_t i = 0; i < 3'000; i += 100) {
    fail(run.coordinator[i], End::kServerClosed, By::kServer, Phase::kWait);
  }
  run.server.erase(run.server.begin() + 2'000);
  run.server.erase(run.server.begin() + 3);
  const auto once = check({.run = run});
  const auto often = check({.run = run, .extra = "", .options = {.items_max = 2'500}});
  EXPECT_FALSE(once.conserved());
  EXPECT_EQ(named(once), named(often));
  EXPECT_THAT(named(once),
              testing::UnorderedElementsAre("answered too late/client-timeout/1",
                                            "answered but not received/server-closed/29",
                                            "lost after hand-off/server-closed/1",
                                            "answered but not recorded/no server record/1!"));
}

TEST(SetHash, OrderDoesNotMatterAndContentsDo) {
  SetHash a, b, c, d;
  for (uint64_t i = 0; i < 1000; ++i) a.add(i);
  for (uint64_t i = 1000; i-- > 0;) b.add(i);
  for (uint64_t i = 0; i < 1000; ++i) c.add(i == 7 ? 8 : i);
  for (uint64_t i = 0; i < 1000; ++i) d.add(i == 7 ? 6 : i == 8 ? 9 : i);
  EXPECT_EQ(a, b);
  EXPECT_NE(a, c);
  EXPECT_NE(a, d);
}

}  // namespace
}  // namespace giliran::report
