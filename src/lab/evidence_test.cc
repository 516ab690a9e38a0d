#include "lab/evidence.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lab/machine.h"
#include "lab/test_folder.h"

namespace giliran::lab {
namespace {

using testing::HasSubstr;

std::vector<Turn> turns(std::initializer_list<uint64_t> counts) {
  std::vector<Turn> out;
  for (const uint64_t count : counts) out.push_back({.server = "s", .count = count});
  return out;
}

TEST(Turns, EvenToWithinOne) {
  EXPECT_TRUE(even({}));
  EXPECT_TRUE(even(turns({7})));
  EXPECT_TRUE(even(turns({7, 7, 7})));
  EXPECT_TRUE(even(turns({7, 6, 7})));
  EXPECT_FALSE(even(turns({7, 6, 8})));
  EXPECT_FALSE(even(turns({0, 2})));
}

TEST(Turns, ARetrySpendsNoTurn) {
  TurnCount count({"one", "two"}, {"127.0.0.1:1", "127.0.0.1:2"});
  telemetry::Line line;
  line.server = "127.0.0.1:1";
  count.add(line);
  line.tried = "127.0.0.1:2 connect-refused";
  count.add(line);
  ASSERT_EQ(count.turns().size(), 2U);
  EXPECT_EQ(count.turns()[0].server, "one");
  EXPECT_EQ(count.turns()[0].count, 1U);
  EXPECT_EQ(count.turns()[1].count, 1U);
  line.tried = {};
  line.server = {};
  count.add(line);
  EXPECT_EQ(count.without_server(), 1U);
}

// The lines of a run over two servers, to be spoilt in one way each.
struct SampleRun {
  std::vector<std::string> client, coordinator, server;

  explicit SampleRun(int count) {
    constexpr std::string_view kHead =
        R"({{"ts":"2026-11-22T09:00:00.{:06}Z","tier":"{}","kind":"exchange","end":"ok",)"
        R"("trace":"0123456789abcdef0123456789abcdef","span":"{:016x}",)";
    const auto head = [&](int i, std::string_view tier, int span) {
      return fmt::format(fmt::runtime(kHead), i * 1000, tier, span);
    };
    for (int i = 1; i <= count; ++i) {
      client.push_back(head(i, "client", i) + R"("total_us":5000,"up_out":90,"up_in":70})");
      coordinator.push_back(
          head(i, "coordinator", 1000 + i) +
          fmt::format(R"("parent":"{:016x}","server":"127.0.0.1:{}","attempts":1,)"
                      R"("total_us":4600,"down_in":90,"down_out":70,"up_out":95,"up_in":60}})",
                      i, 9001 + i % 2));
      server.push_back(head(i, "server", 2000 + i) +
                       fmt::format(R"("local":"127.0.0.1:{}",)", 9001 + i % 2) +
                       fmt::format(R"("parent":"{:016x}","queue_us":100,"service_us":4000,)"
                                   R"("total_us":4200,"down_in":95,"down_out":60}})",
                                   1000 + i));
    }
  }

  std::vector<std::string> write(const TestFolder& folder) const {
    return {folder.write("client.log", fmt::format("{}\n", fmt::join(client, "\n"))),
            folder.write("coordinator.log", fmt::format("{}\n", fmt::join(coordinator, "\n"))),
            folder.write("server.log", fmt::format("{}\n", fmt::join(server, "\n")))};
  }
};

base::Result<Evidence> evidence_of(const SampleRun& run) {
  const TestFolder folder;
  return read_evidence(run.write(folder), {"server-1", "server-2"},
                       {"127.0.0.1:9001", "127.0.0.1:9002"});
}

TEST(Evidence, OfAGoodRun) {
  const auto evidence = evidence_of(SampleRun(100));
  ASSERT_TRUE(evidence) << evidence.error().message;
  EXPECT_EQ(evidence->records, 300U);
  EXPECT_EQ(evidence->not_understood, 0U);
  EXPECT_GT(evidence->log_bytes, 300U);
  EXPECT_TRUE(evidence->turns_even());
  EXPECT_EQ(evidence->turns[1].server, "server-2");
  EXPECT_EQ(evidence->turns[1].count, 50U);
  EXPECT_TRUE(evidence->conserved());
  EXPECT_EQ(evidence->conservation.comparisons.size(), 2U);
  EXPECT_THAT(evidence->where_time_goes, HasSubstr("4.00 ms service on the servers"));
}

TEST(Evidence, ALostRecordIsNotConserved) {
  SampleRun run(100);
  run.server.pop_back();
  const auto evidence = evidence_of(run);
  ASSERT_TRUE(evidence);
  EXPECT_FALSE(evidence->conserved());
  EXPECT_TRUE(evidence->turns_even());
}

TEST(Evidence, OnlyAServerThatWasKilledMayLackRecords) {
  SampleRun run(100);
  run.server.pop_back();  // of the first of the two
  const auto evidence = evidence_of(run);
  ASSERT_TRUE(evidence);
  EXPECT_EQ(evidence->accounts[0].answered, 50U);
  EXPECT_EQ(evidence->accounts[0].recorded, 49U);
  EXPECT_EQ(evidence->accounts[1].recorded, 50U);
  const std::vector<std::string> first = {"server-1"}, second = {"server-2"};
  EXPECT_TRUE(evidence->conserved_without(first));
  EXPECT_FALSE(evidence->conserved_without(second));
  run.coordinator.pop_back();
  const auto lost = evidence_of(run);
  ASSERT_TRUE(lost);
  EXPECT_FALSE(lost->conserved_without(first)) << "what the coordinator has no record of";
}

TEST(Evidence, UnevenTurnsAreSeen) {
  SampleRun run(100);
  const size_t at = run.coordinator[0].find(":9002");
  run.coordinator[0].replace(at, 5, ":9001");
  const auto evidence = evidence_of(run);
  ASSERT_TRUE(evidence);
  EXPECT_EQ(evidence->turns[0].count, 51U);
  EXPECT_FALSE(evidence->turns_even());
  EXPECT_TRUE(evidence->conserved());
}

TEST(Evidence, WhatIsNoRecordSpoilsTheProof) {
  SampleRun run(10);
  run.client.push_back("half a line");
  const auto evidence = evidence_of(run);
  ASSERT_TRUE(evidence);
  EXPECT_EQ(evidence->not_understood, 1U);
  EXPECT_FALSE(evidence->conserved());
}

TEST(Evidence, ALogThatIsNotThereIsAnError) {
  EXPECT_FALSE(read_evidence({"no/such.log"}, {}, {}));
}

TEST(Machine, BusyIsWhatIsNeitherIdleNorWaiting) {
  EXPECT_EQ(parse_busy_time("cpu  100 20 30 5000 700 1 2 47 9 9\ncpu0 1 2\n", 100),
            base::Duration(std::chrono::seconds(2)));
  EXPECT_FALSE(parse_busy_time("cpu0 1 2 3 4 5 6 7 8\n", 100));
  EXPECT_FALSE(parse_busy_time("cpu  1 2 3", 100));
  EXPECT_FALSE(parse_busy_time("", 100));
}

}  // namespace
}  // namespace giliran::lab
