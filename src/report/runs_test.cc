#include "report/runs.h"

#include <gtest/gtest.h>

namespace giliran::report {
namespace {

telemetry::Line line(std::string_view run, std::string_view ts, uint16_t status = 200) {
  telemetry::Line made;
  made.tier = telemetry::Tier::kClient;
  made.ts = ts;
  made.run = run;
  made.status = status;
  return made;
}

TEST(RunTally, TellsTheRunsOfOneLogApart) {
  RunTally tally;
  tally.add(line("a1", "2026-11-22T09:00:02.000000Z"));
  tally.add(line("a1", "2026-11-22T09:00:01.000000Z", 503));
  tally.add(line("b2", "2026-11-22T10:00:00.000000Z"));
  tally.add(line("a1", "2026-11-22T09:00:03.500000Z"));
  telemetry::Line others = line("c3", "2026-11-22T09:00:00.000000Z");
  others.tier = telemetry::Tier::kServer;
  tally.add(others);
  ASSERT_EQ(tally.runs().size(), 2u);
  const ClientRun& first = tally.runs()[0];
  EXPECT_EQ(first.id, "a1");
  EXPECT_EQ(first.begin, "2026-11-22T09:00:01.000000Z");
  EXPECT_EQ(first.seconds(), 2.5);
  EXPECT_EQ(first.records, 3u);
  EXPECT_EQ(first.errors, 1u);
  EXPECT_EQ(tally.runs()[1].records, 1u);
}

TEST(RunTally, IsBounded) {
  RunTally tally;
  for (int i = 0; i < 1000; ++i) {
    tally.add(line(std::to_string(i), "2026-11-22T09:00:01.000000Z"));
  }
  ASSERT_EQ(tally.runs().size(), RunTally::kRunsMax + 1);
  EXPECT_EQ(tally.runs().back().id, "(others)");
  EXPECT_EQ(tally.runs().back().records, 1000 - RunTally::kRunsMax);
}

}  // namespace
}  // namespace giliran::report
