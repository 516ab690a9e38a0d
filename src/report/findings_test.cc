#include "report/findings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "report/run.h"
#include "report/sample_run.h"
#include "telemetry/combined_line.h"
#include "telemetry/haproxy_line.h"
#include "telemetry/json.h"

namespace giliran::report {
namespace {

using std::chrono::milliseconds;
using telemetry::By;
using telemetry::End;
using telemetry::Phase;
using telemetry::Record;
using testing::HasSubstr;
using testing::StartsWith;

// What stands below "What stands out", a finding each, and the answer.
struct Read {
  std::vector<std::string> findings;
  std::string answer;
  std::string all;
};

Read read(const std::vector<std::string>& paths) {
  std::ostringstream out, err;
  run_report({.paths = paths}, out, err);
  Read read{.findings = {}, .answer = "", .all = out.str()};
  read.answer = read.all.substr(read.all.rfind("\nAnswer: ") + 1);
  read.answer.pop_back();
  std::ranges::replace(read.answer, '\n', ' ');
  const size_t begin = read.all.find("What stands out");
  if (begin == std::string::npos) return read;
  std::istringstream in(read.all.substr(begin));
  std::string line;
  std::getline(in, line);
  while (std::getline(in, line) && !line.empty()) {
    const size_t text = line.find_first_not_of(' ');
    const bool begins = line.find(". ") == 3;
    if (begins) {
      read.findings.push_back(line.substr(5));
    } else if (!read.findings.empty()) {
      read.findings.back() += " " + line.substr(text);
    }
  }
  return read;
}

size_t naming(const Read& read, const std::string& name) {
  return static_cast<size_t>(std::ranges::count_if(read.findings, [&](const std::string& finding) {
    return finding.find(name) != std::string::npos;
  }));
}

void answered_elsewhere(Record& r, const char* tried) {
  r.attempts = 2;
  r.tried = tried;
}

void ends(Record& r, End end, By by, Phase phase, uint16_t status) {
  r.end = end;
  r.by = by;
  r.phase = phase;
  r.status = status;
}

TEST(Findings, NothingStandsOutOfAGoodRun) {
  const SampleFolder folder;
  const Read r = read({folder.write("c.log", SampleRun::exchanges(300).coordinator)});
  EXPECT_TRUE(r.findings.empty());
  EXPECT_EQ(r.answer, "Answer: 300 coordinator exchanges, all ok. Nothing stands out.");
}

TEST(Findings, AClientsAnswersOf4xxAreNotGood) {
  const SampleFolder folder;
  SampleRun sample = SampleRun::exchanges(300);
  for (const size_t i : {1u, 2u, 3u}) sample.client[i].status = sample.coordinator[i].status = 414;
  EXPECT_EQ(read(folder.write(sample)).answer,
            "Answer: 300 client exchanges, 297 good (99.0%), 3 answered 4xx. Nothing stands out.");
  // Servers may be right to answer so.
  EXPECT_EQ(read({folder.path("coordinator.log")}).answer,
            "Answer: 300 coordinator exchanges, all ok. Nothing stands out.");
}

TEST(Findings, ALogThatIsStillWrittenIsANote) {
  const SampleFolder folder;
  std::string begin;
  telemetry::append_mark_json(telemetry::Tier::kCoordinator, telemetry::Mark::kBegin, 7,
                              base::WallTime{0}, begin);
  const std::string path = folder.write("c.log", SampleRun::exchanges(300).coordinator, begin);
  const Read r = read({path});
  EXPECT_THAT(r.all, HasSubstr("\nNotes:\n   - " + path + " is still being written,"));
  EXPECT_TRUE(r.findings.empty()) << r.all;
  EXPECT_EQ(r.answer, "Answer: 300 coordinator exchanges, all ok. Nothing stands out.");
}

TEST(Findings, OneOfAThingIsNotSeveral) {
  const SampleFolder folder;
  SampleRun sample = SampleRun::exchanges(1);
  ends(sample.coordinator[0], End::kDenied, By::kCoordinator, Phase::kQueue, 403);
  const Read r = read({folder.write("c.log", sample.coordinator)});
  ASSERT_EQ(r.findings.size(), 1) << r.all;
  EXPECT_THAT(r.findings[0], StartsWith("1 coordinator exchange was denied: 100.0% "));
  EXPECT_THAT(r.answer, StartsWith("Answer: 1 coordinator exchange, 0 good (0.0%), 1 failed. "));
  sample = SampleRun::exchanges(1);
  ends(sample.coordinator[0], End::kConnectRefused, By::kServer, Phase::kConnect, 503);
  const Read refused = read({folder.write("r.log", sample.coordinator)});
  ASSERT_FALSE(refused.findings.empty()) << refused.all;
  EXPECT_THAT(refused.findings[0], HasSubstr(": 1 of 1 attempt (connect-refused"));
}

TEST(Findings, ALogOfSomebodyElseIsSaidToBeOne) {
  const SampleFolder folder;
  const Read r = read({folder.write("x.log", {}, "strange\nthings\n")});
  EXPECT_THAT(r.answer, StartsWith("Answer: No record was read. 2 of 2 lines of "));
}

TEST(Findings, AServerThatRefusedIsFirstThoughAllWentWell) {
  const SampleFolder folder;
  SampleRun sample = SampleRun::exchanges(1000);
  for (const size_t i : {100, 200, 300}) {
    answered_elsewhere(sample.coordinator[i], "127.0.0.1:9009 connect-refused");
  }
  for (size_t i = 1; i < 1000; i += 2) sample.coordinator[i].total = milliseconds(50);
  const Read r = read(folder.write(sample));
  ASSERT_FALSE(r.findings.empty());
  EXPECT_EQ(r.findings[0],
            "Server 127.0.0.1:9009 refused connections: 3 of 3 attempts (connect-refused), from "
            "2026-11-22T09:00:00.100000Z to 2026-11-22T09:00:00.300000Z; each went on to another "
            "server.");
  EXPECT_EQ(r.answer,
            "Answer: 1,000 client exchanges, all ok. Server 127.0.0.1:9009 refused connections.");
}

TEST(Findings, WhatFollowsFromADeadServerComesAfterIt) {
  const SampleFolder folder;
  SampleRun sample = SampleRun::exchanges(1000);
  for (size_t i = 0; i < 1000; ++i) {
    Record& k = sample.coordinator[i];
    if (i % 100 == 0) {
      ends(k, End::kConnectRefused, By::kServer, Phase::kConnect, 503);
      k.server = "127.0.0.1:9001";
      k.reason = "ECONNREFUSED";
    } else {
      ends(k, End::kNoServer, By::kCoordinator, Phase::kQueue, 503);
      k.server = {};
      k.attempts = 0;
    }
  }
  const Read r = read({folder.write("c.log", sample.coordinator)});
  ASSERT_EQ(r.findings.size(), 2);
  EXPECT_THAT(r.findings[0], StartsWith("Server 127.0.0.1:9001 refused connections: 10 of 10 "
                                        "attempts (connect-refused, ECONNREFUSED), from "));
  EXPECT_THAT(r.findings[1],
              StartsWith("990 coordinator exchanges found no server that could be used: 99.0% "
                         "(no-server in queue), first "));
}

TEST(Findings, AServerThatTimedOutIsFirst) {
  const SampleFolder folder;
  SampleRun sample = SampleRun::exchanges(1000);
  for (size_t i = 1; i < 21; i += 2) {
    ends(sample.coordinator[i], End::kServerTimeout, By::kServer, Phase::kWait, 504);
    sample.client[i].status = 504;
  }
  const Read r = read(folder.write(sample));
  EXPECT_THAT(r.findings[0], StartsWith("Server 127.0.0.1:9002 (s2) did not answer in time: 10 of "
                                        "500 attempts (server-timeout), from "));
  EXPECT_EQ(naming(r, "s2"), 1) << r.all;
  EXPECT_EQ(r.answer,
            "Answer: 1,000 client exchanges, 990 good (99.0%), 10 answered 5xx. Server "
            "127.0.0.1:9002 (s2) did not answer in time.");
}

TEST(Findings, The5xxOfTheCoordinatorsLogAloneAreOne) {
  const SampleFolder folder;
  SampleRun sample = SampleRun::exchanges(400);
  for (size_t i = 1; i < 400; i += 4) sample.coordinator[i].status = i % 3 == 0 ? 500 : 503;
  const Read r = read({folder.write("c.log", sample.coordinator)});
  ASSERT_EQ(r.findings.size(), 1);
  EXPECT_THAT(r.findings[0], StartsWith("Server 127.0.0.1:9002 answered 5xx: 100 of 200 answers "
                                        "(500: 33, 503: 67), from "));
  EXPECT_THAT(r.answer, HasSubstr("300 good (75.0%), 100 answered 5xx. Server"));
}

TEST(Findings, WhatAllServersDoIsOneFinding) {
  const SampleFolder folder;
  SampleRun sample = SampleRun::exchanges(400);
  for (size_t i = 0; i < 400; ++i) {
    if (i % 10 < 2) sample.coordinator[i].status = 500;
  }
  const Read r = read({folder.write("c.log", sample.coordinator)});
  ASSERT_EQ(r.findings.size(), 1);
  EXPECT_THAT(r.findings[0], StartsWith("All 2 servers answered 5xx: 80 of 400 answers (500: 80)"));
}

// The client calls it s2, the coordinator by its address, and all three logs show that it is slow.
TEST(Findings, OneServerIsOneFindingUnderOneName) {
  SampleRun sample = SampleRun::exchanges(1000);
  for (size_t i = 1; i < 1000; i += 2) {
    for (Record* r : {&sample.client[i], &sample.coordinator[i], &sample.server[i]}) {
      r->total += milliseconds(50);
    }
    if (i % 50 == 1) sample.client[i].status = sample.coordinator[i].status = 500;
  }
  const SampleFolder all;
  for (const auto& paths : {all.write(sample),
                            {all.path("client.log"), all.path("coordinator.log")},
                            {all.path("server.log"), all.path("coordinator.log")}}) {
    const Read r = read(paths);
    EXPECT_EQ(naming(r, "9002"), 1) << r.all;
    EXPECT_EQ(naming(r, "Server s2"), 0) << r.all;
    EXPECT_THAT(r.findings[0],
                StartsWith("Server 127.0.0.1:9002 (s2) is slow: p50 54.6 ms where 4.60 ms is "
                           "usual, seen from the coordinator. It answered 5xx: 20 of 500 answers "
                           "(500: 20), from "));
  }
  EXPECT_EQ(naming(read({all.path("client.log")}), "Server s2 is slow"), 1);
}

// Nothing failed by the coordinator's words: the clients did not wait for one of the servers.
TEST(Findings, AServerThatClientsDidNotWaitForIsTheCause) {
  const SampleFolder folder;
  SampleRun sample = SampleRun::exchanges(200);
  for (size_t i = 1; i < 200; i += 2) {
    ends(sample.coordinator[i], End::kClientClosed, By::kClient, Phase::kWait, 0);
    ends(sample.client[i], End::kServerTimeout, By::kCoordinator, Phase::kWait, 0);
  }
  const Read r = read(folder.write(sample));
  EXPECT_THAT(r.findings[0], StartsWith("Server 127.0.0.1:9002 (s2) had not answered when clients "
                                        "gave up: 100 of 100 attempts (client-closed), from "));
  EXPECT_EQ(naming(r, "9002"), 1) << r.all;
}

TEST(Findings, AFewClientsThatLeaveAreNotTheCause) {
  const SampleFolder folder;
  SampleRun sample = SampleRun::exchanges(1000);
  for (const size_t i : {3, 5}) {
    ends(sample.coordinator[i], End::kClientClosed, By::kClient, Phase::kWait, 0);
  }
  sample.coordinator[8].status = 500;
  const Read r = read({folder.write("c.log", sample.coordinator)});
  ASSERT_EQ(r.findings.size(), 2);
  EXPECT_THAT(r.findings[0], StartsWith("Server 127.0.0.1:9001 answered 5xx: 1 of 500 answers"));
}

TEST(Findings, DeadIdleConnectionsAreTheirOwn) {
  const SampleFolder folder;
  SampleRun sample = SampleRun::exchanges(100);
  for (const size_t i : {3, 5}) {
    answered_elsewhere(sample.coordinator[i], "127.0.0.1:9002 connection-was-dead");
  }
  const Read r = read({folder.write("c.log", sample.coordinator)});
  ASSERT_EQ(r.findings.size(), 1);
  EXPECT_THAT(r.findings[0],
              StartsWith("Server 127.0.0.1:9002 had closed idle connections that were used again: "
                         "2 of 50 attempts (connection-was-dead), from "));
  EXPECT_TRUE(r.findings[0].ends_with("; asked again on a fresh one.")) << r.findings[0];
}

TEST(Findings, WhatIsNotAccountedForIsInTheAnswer) {
  const SampleFolder folder;
  SampleRun sample = SampleRun::exchanges(100);
  sample.server.pop_back();
  const Read r = read(folder.write(sample));
  EXPECT_TRUE(r.answer.ends_with("NOT all is accounted for.")) << r.answer;
}

// A pool may have an address twice, under two names.
TEST(Findings, TwoNamesOfOneServerStayTwo) {
  const SampleFolder folder;
  SampleRun sample = SampleRun::exchanges(400);
  for (size_t i = 0; i < 400; ++i) {
    sample.coordinator[i].server = i % 2 == 0 ? "a" : "b";
    sample.coordinator[i].upstream = sample.server[i].local = base::Address::loopback(9001);
    sample.server[i].process_name = sample.client[i].server = "s1";
    if (i % 4 == 1) sample.coordinator[i].status = sample.client[i].status = 500;
  }
  const Read r = read(folder.write(sample));
  EXPECT_THAT(r.findings[0], StartsWith("Server b (s1) answered 5xx: 100 of 200 answers"));
  EXPECT_THAT(r.all, HasSubstr("\n  s1 "));
}

TEST(Findings, WhoCouldNotConnectToTheCoordinatorIsHeard) {
  const SampleFolder folder;
  SampleRun sample = SampleRun::exchanges(200);
  for (size_t i = 150; i < 200; ++i) {
    ends(sample.client[i], End::kConnectRefused, By::kCoordinator, Phase::kConnect, 0);
    sample.client[i].server = {};
    sample.client[i].peer = base::Address::loopback(8080);
  }
  sample.coordinator.resize(150);
  sample.server.resize(150);
  const Read r = read(folder.write(sample));
  EXPECT_THAT(r.findings[0], StartsWith("The coordinator at 127.0.0.1:8080 refused connections: 50 "
                                        "of 200 attempts (connect-refused), from "));
  const Read alone = read({folder.path("client.log")});
  EXPECT_THAT(alone.findings[0], StartsWith("127.0.0.1:8080 refused connections: 50 of 200"));
}

TEST(Findings, WhatTheCoordinatorRefusedHasItsOwnWords) {
  const SampleFolder folder;
  SampleRun sample = SampleRun::exchanges(300);
  for (size_t i = 0; i < 100; ++i) {
    ends(sample.coordinator[i], End::kQueueFull, By::kCoordinator, Phase::kQueue, 503);
    sample.coordinator[i].server = {};
    sample.coordinator[i].attempts = 0;
  }
  const Read r = read({folder.write("c.log", sample.coordinator)});
  ASSERT_EQ(r.findings.size(), 1);
  EXPECT_THAT(r.findings[0], StartsWith("100 coordinator exchanges found the queue full: 33.3% "
                                        "(queue-full in queue), first "));
}

std::string as(const std::vector<Record>& records, bool combined) {
  telemetry::LocalClock clock;
  std::string text;
  for (const Record& r : records) {
    if (combined) {
      telemetry::append_combined(r, clock, text);
    } else {
      telemetry::append_httplog(r, "host giliran[1]: ", clock, text);
    }
  }
  return text;
}

TEST(Findings, OurHttplogAndCombinedAreRead) {
  const SampleFolder folder;
  SampleRun sample = SampleRun::exchanges(400);
  for (Record& r : sample.coordinator) {
    r.method = "GET";
    r.target = "/";
    r.peer = base::Address::loopback(4711);
  }
  for (size_t i = 1; i < 41; i += 2) {
    ends(sample.coordinator[i], End::kServerTimeout, By::kServer, Phase::kWait, 504);
  }
  const Read httplog = read({folder.write("h.log", {}, as(sample.coordinator, false))});
  ASSERT_EQ(httplog.findings.size(), 1) << httplog.all;
  EXPECT_THAT(httplog.findings[0],
              StartsWith("Server 127.0.0.1:9002 did not answer in time: 20 of "
                         "200 attempts (server-timeout, sH), from 22/Nov/2026"));
  const Read combined = read({folder.write("n.log", {}, as(sample.coordinator, true))});
  ASSERT_EQ(combined.findings.size(), 1) << combined.all;
  EXPECT_THAT(combined.findings[0], HasSubstr("answered 5xx: 20 of 400 answers (504: 20)"));
  EXPECT_THAT(combined.answer, HasSubstr("400 coordinator exchanges, 380 good (95.0%)"));
}

}  // namespace
}  // namespace giliran::report
