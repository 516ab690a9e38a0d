#include "report/run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "base/utf8.h"
#include "report/analysis.h"
#include "report/sample_run.h"
#include "telemetry/json.h"

namespace giliran::report {
namespace {

using nlohmann::json;
using telemetry::By;
using telemetry::End;
using telemetry::Phase;
using telemetry::Tier;
using testing::HasSubstr;
using testing::Not;

struct Ran {
  int status = 0;
  std::string out, err;
};

Ran run(ReportOptions options) {
  std::ostringstream out, err;
  const int status = run_report(options, out, err);
  return {status, out.str(), err.str()};
}

// Findings, each in one line.
std::string unwrapped(std::string text) {
  for (size_t at; (at = text.find("\n     ")) != std::string::npos;) text.replace(at, 6, " ");
  return text;
}

TEST(RunReport, AGoodRunOfThreeTiers) {
  const SampleFolder folder;
  const Ran ran = run({.paths = folder.write(SampleRun::exchanges(2000))});
  EXPECT_EQ(ran.status, 0);
  EXPECT_EQ(ran.err, "");
  EXPECT_THAT(ran.out, HasSubstr("Client exchanges: 2,000, 2,000 ok, 0 failed (0.0%)"));
  EXPECT_THAT(ran.out, HasSubstr("Conservation: everything is accounted for"));
  EXPECT_THAT(unwrapped(ran.out),
              HasSubstr("Of 5.00 ms mean at the client, 4.00 ms service on the servers, 100 µs the "
                        "servers' queues, 100 µs the servers' reading and writing, 400 µs the "
                        "coordinator and its connections to the servers, 400 µs network and "
                        "client."));
  EXPECT_TRUE(ran.out.ends_with("\nAnswer: 2,000 client exchanges, all ok. Nothing stands out.\n"));
  for (const char c : ran.out) {
    EXPECT_TRUE(c == '\n' || static_cast<unsigned char>(c) >= 0x20);
  }
}

TEST(RunReport, WhereTheTimeGoesIsOfWhatAServerAnswered) {
  const SampleFolder folder;
  SampleRun sample = SampleRun::exchanges(300);
  for (size_t i = 200; i < 300; ++i) {  // refused by the coordinator at once
    sample.client[i].server = {};
    sample.client[i].status = 503;
    sample.client[i].total = std::chrono::microseconds(200);
    sample.coordinator[i].end = End::kQueueFull;
    sample.coordinator[i].server = {};
  }
  sample.server.resize(200);
  const Ran ran = run({.paths = folder.write(sample)});
  EXPECT_THAT(unwrapped(ran.out),
              HasSubstr("Of 5.00 ms mean at the client (200 of 300 that a server answered), "
                        "4.00 ms service on the servers,"));
  EXPECT_THAT(unwrapped(ran.out), HasSubstr("400 µs network and client."));
}

TEST(RunReport, NoPartOfATimeIsNegativeAndWhyIsSaid) {
  const SampleFolder folder;
  SampleRun sample = SampleRun::exchanges(300);
  for (telemetry::Record& record : sample.coordinator) {
    record.wait += std::chrono::milliseconds(6);
    record.total += std::chrono::milliseconds(6);
  }
  sample.client[0].end = End::kServerTimeout;
  const Ran ran = run({.paths = folder.write(sample)});
  EXPECT_THAT(unwrapped(ran.out),
              HasSubstr("Where the mean of 5.00 ms at the client goes cannot be told: a part is "
                        "longer than its whole, by records that are ok: 5.00 ms at the client in "
                        "299 records, 10.6 ms at the coordinator in 300 records, 4.20 ms at the "
                        "server in 300 records."));
  EXPECT_THAT(ran.out, Not(HasSubstr("network and client")));
}

TEST(RunReport, JsonHoldsTheNumbers) {
  const SampleFolder folder;
  SampleRun sample = SampleRun::exchanges(1000);
  for (size_t i = 0; i < 30; ++i) {
    sample.coordinator[i * 3].end = End::kServerClosed;
    sample.coordinator[i * 3].by = By::kServer;
    sample.coordinator[i * 3].phase = Phase::kWait;
    sample.coordinator[i * 3].status = 502;
    sample.coordinator[i * 3].reason = "ECONNRESET";
  }
  sample.server[9].total = std::chrono::seconds(2);
  sample.server[9].service = std::chrono::milliseconds(1900);
  const Ran ran = run({.paths = folder.write(sample), .json = true, .slowest = 3});
  EXPECT_EQ(ran.status, 0);
  const json report = json::parse(ran.out);
  EXPECT_EQ(report["format"], "giliran-report/1");
  ASSERT_EQ(report["sections"].size(), 3);
  const json& coordinator = report["sections"][1];
  EXPECT_EQ(coordinator["tier"], "coordinator");
  EXPECT_EQ(coordinator["records"], 1000);
  EXPECT_EQ(coordinator["errors"], 30);
  EXPECT_EQ(coordinator["statuses"]["502"], 30);
  EXPECT_EQ(coordinator["failures"][0]["end"], "server-closed");
  EXPECT_EQ(coordinator["failures"][0]["reason"], "ECONNRESET");
  EXPECT_EQ(coordinator["failures"][0]["count"], 30);
  EXPECT_EQ(coordinator["reused"], 998);
  EXPECT_EQ(coordinator["total"]["count"], 970);
  EXPECT_NEAR(coordinator["total"]["p99_us"].get<double>(), 4600, 5);
  EXPECT_NEAR(coordinator["phases"]["wait"]["p50_us"].get<double>(), 4400, 45);
  EXPECT_EQ(coordinator["servers"][0]["name"], "127.0.0.1:9001");
  EXPECT_EQ(coordinator["servers"][0]["count"], 500);
  EXPECT_EQ(coordinator["servers"][0]["connect"]["count"], 1) << "only what was not reused";
  EXPECT_NEAR(coordinator["per_second"].get<double>(), 1000, 10);
  EXPECT_EQ(coordinator["rate"]["interval_s"], 0.1);
  EXPECT_EQ(coordinator["rate"]["counts"], json(std::vector<int>(10, 100)));
  const json& server = report["sections"][2];
  ASSERT_EQ(server["slowest"].size(), 3);
  EXPECT_EQ(server["slowest"][0]["total_us"], 2e6);
  EXPECT_EQ(server["slowest"][0]["dominant"], "service");
  EXPECT_EQ(server["slowest"][0]["server"], "s2");
  EXPECT_TRUE(report["conservation"]["conserved"].get<bool>());
}

TEST(RunReport, ALossIsExitStatusOne) {
  const SampleFolder folder;
  SampleRun sample = SampleRun::exchanges(100);
  sample.server.pop_back();
  const Ran ran = run({.paths = folder.write(sample)});
  EXPECT_EQ(ran.status, 1);
  EXPECT_THAT(ran.out, HasSubstr("Conservation: NOT conserved"));
  EXPECT_THAT(ran.out, HasSubstr("Not conserved: 1 answered but not recorded (no server record)"));
}

TEST(RunReport, OneLogAlone) {
  const SampleFolder folder;
  const Ran ran =
      run({.paths = {folder.write("coordinator.log", SampleRun::exchanges(10).coordinator)}});
  EXPECT_EQ(ran.status, 0);
  EXPECT_THAT(ran.out, Not(HasSubstr("Conservation")));
  EXPECT_THAT(ran.out, HasSubstr("127.0.0.1:9002"));
}

TEST(RunReport, ForeignLinesAreCountedAndShown) {
  const SampleFolder folder;
  const std::string path = folder.write("x.log", SampleRun::exchanges(3).client,
                                        "127.0.0.1 - - \"GET / \x1b[31m\" 200\n");
  const Ran ran = run({.paths = {path}});
  EXPECT_EQ(ran.status, 0);
  EXPECT_THAT(unwrapped(ran.out),
              HasSubstr("1 of 4 lines of " + path + " are not understood: first line 4: neither"));
  EXPECT_THAT(ran.out, Not(HasSubstr("\x1b")));
}

TEST(RunReport, UsageAndFilesThatAreNotThere) {
  EXPECT_EQ(run({}).status, 2);
  const Ran missing = run({.paths = {"/no/such.log"}});
  EXPECT_EQ(missing.status, 2);
  EXPECT_EQ(missing.err, "giliran report: cannot read /no/such.log: No such file or directory\n");
  const SampleFolder folder;
  EXPECT_EQ(run({.paths = {folder.write("empty.log", {})}}).status, 1);
}

// Whatever a log holds in whatever field, in text and in JSON, from records and from lines that are
// none.
TEST(RunReport, HostileTextStaysText) {
  const SampleFolder folder;
  static constexpr char kHostile[] =
      "/\x1b[2J\r\n\x07\u009b31m\u202Egnp.exe\u2066\u2028\u200b\xff\xc3(\x7f";
  SampleRun sample = SampleRun::exchanges(8);
  for (size_t i = 0; i < 8; i += 2) {
    for (telemetry::Record* r : {&sample.client[i], &sample.coordinator[i], &sample.server[i]}) {
      r->target = r->method = r->server = r->process_name = r->reason = r->tried = kHostile;
      if (i % 4 == 0) r->end = End::kServerClosed;
    }
    sample.coordinator[i].tried = "\u202Ea\x1b[2J connect-refused";
  }
  std::vector<std::string> paths = folder.write(sample);
  paths.push_back(folder.write("odd\x1b[2J\u202E\xff.log", {}, std::string(kHostile) + "\n"));
  for (const bool as_json : {false, true}) {
    const Ran ran = run({.paths = paths, .json = as_json});
    for (std::string_view left = ran.out; !left.empty();) {
      const size_t size = base::utf8_sequence(left);
      ASSERT_NE(size, 0) << left;
      const char32_t c = base::code_point(left.substr(0, size));
      ASSERT_TRUE(c == '\n' || !base::is_hidden(c)) << left;
      left.remove_prefix(size);
    }
    EXPECT_EQ(json::accept(ran.out), as_json);
  }
  const Ran missing = run({.paths = {"/no/such\x1b[2J.log"}});
  EXPECT_EQ(missing.err,
            "giliran report: cannot read /no/such?[2J.log: No such file or directory\n");
}

TEST(RunReport, AServersOwnLogNamesIt) {
  const SampleFolder folder;
  SampleRun sample = SampleRun::exchanges(1000);
  for (size_t i = 1; i < 1000; i += 2) {
    sample.server[i].total = sample.server[i].service = std::chrono::milliseconds(50);
    if (i % 10 == 1) sample.server[i].end = End::kFault;
  }
  const Ran ran = run({.paths = {folder.write("server.log", sample.server)}});
  EXPECT_THAT(ran.out, HasSubstr("Server s2 is slow"));
  EXPECT_THAT(ran.out, Not(HasSubstr("Server s1")));
  EXPECT_THAT(unwrapped(ran.out), HasSubstr("failed as it was told to (--fail): 100 of 500"));
}

TEST(RateTally, CoarsensWithinItsBoundAndLosesNothing) {
  RateTally tally;
  constexpr int64_t kSecond = 1'000'000'000;
  for (int64_t i = 0; i < 20'000; ++i) {
    tally.add({1'795'338'000 * kSecond + (i * 7919 % 20'000) * kSecond}, i % 4 == 0);
  }
  const RateOverTime rate = tally.result();
  EXPECT_LE(rate.buckets.size(), RateTally::kBucketsMax);
  EXPECT_EQ(rate.interval, std::chrono::seconds(10));
  EXPECT_EQ(rate.begin.ns, 1'795'338'000 * kSecond);
  uint64_t errors = 0;
  for (size_t i = 0; i < 2000; ++i) {
    ASSERT_EQ(rate.buckets[i].count, 10);
    errors += rate.buckets[i].errors;
  }
  EXPECT_EQ(errors, 5000);
  uint64_t squeezed = 0;
  for (const RateBucket& b : squeeze(rate.buckets, 60)) squeezed += b.count;
  EXPECT_EQ(squeezed, 20'000);
  EXPECT_LE(squeeze(rate.buckets, 60).size(), 60);
}

// Names, reasons and statuses may be of any number; what is kept of them is not.
TEST(Analysis, MemoryIsBoundedWhateverTheLogsHold) {
  constexpr uint64_t kRecords = 100'000;
  Analysis analysis({.slowest = 10});
  for (uint64_t i = 0; i < kRecords; ++i) {
    const std::string name = "server-" + std::to_string(i);
    telemetry::Line line;
    line.tier = Tier::kCoordinator;
    line.end = End::kServerClosed;
    line.server = name;
    line.reason = name;
    line.span = {i + 1};
    line.status = static_cast<uint16_t>(i);
    line.total = base::Duration(static_cast<int64_t>(i));
    analysis.add(line);
  }
  const Report report = analysis.finish({});
  ASSERT_EQ(report.sections.size(), 1);
  const Section& s = report.sections[0];
  EXPECT_EQ(s.records, kRecords);
  EXPECT_LE(s.servers.size(), SectionTally::kServersMax + 1);
  EXPECT_LE(s.failures.size(), SectionTally::kFailuresMax + 1);
  EXPECT_EQ(s.slowest.size(), 10);
  EXPECT_EQ(s.slowest.front().total.count(), 99'999);
  EXPECT_EQ(s.slowest.back().total.count(), 99'990);
  uint64_t rows = 0;
  for (const ServerRow& row : s.servers) rows += row.count;
  EXPECT_EQ(rows, kRecords);
}

}  // namespace
}  // namespace giliran::report
