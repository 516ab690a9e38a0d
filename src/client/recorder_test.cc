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

}  // namespace
}  // namespace giliran::client
