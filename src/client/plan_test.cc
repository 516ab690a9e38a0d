#include "client/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace giliran::client {
namespace {

using testing::HasSubstr;

std::string error_of(const ClientOptions& options) {
  const auto plan = make_plan(options, 2);
  return plan ? "no error" : plan.error().message;
}

TEST(Plan, DefaultsAreTenConnectionsForTenSeconds) {
  const auto plan = make_plan({.url = "http://127.0.0.1:8080"}, 2);
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_EQ(plan->connections, 10u);
  EXPECT_EQ(plan->threads, 2u);
  EXPECT_EQ(plan->duration, std::chrono::seconds(10));
  EXPECT_EQ(plan->requests, 0u);
  ASSERT_EQ(plan->targets.size(), 1u);
  EXPECT_EQ(plan->targets[0].method, "GET");
  EXPECT_EQ(plan->targets[0].path.text(), "/");
  EXPECT_EQ(plan->targets[0].host, "127.0.0.1:8080");
  EXPECT_EQ(plan->addresses.front(), base::Address::loopback(8080));
}

TEST(Plan, IsToldInOneLine) {
  auto plan = make_plan({.url = "http://127.0.0.1:8080/", .connections = 50, .seed = 7}, 2);
  ASSERT_TRUE(plan);
  EXPECT_EQ(text(*plan),
            "2 threads, 50 connections, 10s, closed loop, keep-alive, http://127.0.0.1:8080/, "
            "seed 7");
  plan = make_plan({.url = "tcp://127.0.0.1:9000",
                    .connections = 1,
                    .requests = 5,
                    .new_connection = true,
                    .seed = 1},
                   2);
  ASSERT_TRUE(plan);
  EXPECT_EQ(text(*plan),
            "1 thread, 1 connection, 5 requests, closed loop, a new connection per request, "
            "tcp://127.0.0.1:9000, seed 1");
}

TEST(Plan, ThreadsNeverExceedConnectionsNorConnectionsRequests) {
  const auto plan = make_plan({.url = "tcp://127.0.0.1:1", .requests = 3, .threads = 8}, 2);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->connections, 3u);
  EXPECT_EQ(plan->threads, 3u);
  EXPECT_EQ(plan->duration.count(), 0);
}

TEST(Plan, ABodyMakesItAPost) {
  const auto plan = make_plan({.url = "http://127.0.0.1:1/x?y", .body = "abc"}, 2);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->targets[0].method, "POST");
  EXPECT_EQ(plan->targets[0].path.text(), "/x?y");
}

TEST(Plan, HostMayBeReplaced) {
  const auto plan =
      make_plan({.url = "http://127.0.0.1:1/", .headers = {"host: shop.example", "A:  b "}}, 2);
  ASSERT_TRUE(plan);
  const Target& target = plan->targets[0];
  EXPECT_EQ(target.host, "shop.example");
  ASSERT_EQ(target.headers.size(), 3u);
  EXPECT_EQ(target.headers[0].name + ": " + target.headers[0].value.text(), "Host: shop.example");
  EXPECT_EQ(target.headers[2].name + ": " + target.headers[2].value.text(), "A: b");
}

TEST(Plan, BadOptionsNameTheirFlag) {
  const std::string url = "http://127.0.0.1:1/";
  EXPECT_THAT(error_of({.url = "127.0.0.1"}), HasSubstr("scheme"));
  EXPECT_THAT(error_of({.url = url, .connections = 1'000'001}), HasSubstr("--connections"));
  EXPECT_THAT(error_of({.url = url, .headers = {"nothing"}}), HasSubstr("--header"));
  EXPECT_THAT(error_of({.url = url, .headers = {"A: b\r\nC: d"}}), HasSubstr("control"));
  EXPECT_THAT(error_of({.url = url, .headers = {"Connection: close"}}),
              HasSubstr("--new-connection"));
  EXPECT_THAT(error_of({.url = url, .headers = {"traceparent: x"}}), HasSubstr("itself"));
  EXPECT_THAT(error_of({.url = url, .method = "GE T"}), HasSubstr("--method"));
  EXPECT_THAT(error_of({.url = url, .body_file = "/nonexistent"}), HasSubstr("--body-file"));
  EXPECT_THAT(error_of({.url = url, .timeout = {}}), HasSubstr("--timeout"));
  EXPECT_THAT(error_of({.url = "tcp://127.0.0.1:1", .message = "a\nb"}), HasSubstr("--message"));
  EXPECT_THAT(error_of({.url = "5 tcp://127.0.0.1:1"}), HasSubstr("tcp:// takes no weight"));
  EXPECT_THAT(error_of({.url = "tcp://127.0.0.1:1", .body = "a"}), HasSubstr("--message"));
}

TEST(Plan, FoldersAndEndlessFilesAreNoContent) {
  const std::string url = "http://127.0.0.1:1/";
  EXPECT_THAT(error_of({.url = url, .targets_file = "/"}), HasSubstr("--targets /: cannot be"));
  EXPECT_THAT(error_of({.url = url, .header_files = {"/"}}), HasSubstr("cannot be read"));
  EXPECT_THAT(error_of({.url = url, .body_file = "/"}), HasSubstr("--body-file /: cannot be"));
  EXPECT_THAT(error_of({.url = url, .body_file = "/dev/zero"}), HasSubstr("at most 64MiB"));
  EXPECT_THAT(error_of({.url = url, .replay_path = "/"}), HasSubstr("cannot be read"));
}

TEST(Plan, WhatCannotBeReadSaysWhyAndByWhichFlag) {
  const std::string url = "http://127.0.0.1:1/";
  EXPECT_EQ(error_of({.url = url, .body_file = "/nonexistent", .body_file_flag = "--body"}),
            "--body /nonexistent: cannot be read: No such file or directory");
  EXPECT_THAT(error_of({.url = url, .replay_path = "/nonexistent"}),
              HasSubstr("cannot be read: No such file or directory"));
}

TEST(Plan, ASourceIsAnAddressOfThisMachine) {
  const std::string url = "http://127.0.0.1:1/";
  // 192.0.2.0/24 is for documentation, nobody's.
  EXPECT_EQ(error_of({.url = url, .sources = {*base::Address::parse("192.0.2.1:0")}}),
            "--source 192.0.2.1: is not an address of this machine");
  EXPECT_EQ(error_of({.url = url, .sources = {*base::Address::parse("127.0.0.2:0")}}), "no error");
}

TEST(Plan, FlagsWithoutTheirPartnerAreRefused) {
  const std::string url = "http://127.0.0.1:1/";
  EXPECT_THAT(error_of({.url = url, .speed = 2}), HasSubstr("give --replay"));
  EXPECT_THAT(error_of({.url = url, .start_rate = 5}), HasSubstr("--start-rate: it is for"));
  EXPECT_THAT(error_of({.url = url, .coordinator_log = "x"}), HasSubstr("give --find-max"));
}

TEST(Plan, TimesAndCountsThatWouldOverflowAreRefused) {
  const std::string url = "http://127.0.0.1:1/";
  constexpr base::Duration kForEver = std::chrono::hours(2562047);
  EXPECT_THAT(error_of({.url = url, .duration = kForEver}), HasSubstr("--duration"));
  EXPECT_THAT(error_of({.url = url, .timeout = kForEver}), HasSubstr("--timeout"));
  EXPECT_THAT(error_of({.url = url, .rate = 1, .warmup = kForEver}), HasSubstr("--warmup"));
  EXPECT_THAT(error_of({.url = url, .stages = "2562047h:1,2562047h:1"}), HasSubstr("10 years"));
  EXPECT_THAT(error_of({.url = url, .requests = UINT64_MAX}), HasSubstr("--requests"));
  EXPECT_EQ(error_of({.url = url, .rate = 1, .warmup = kLongest, .duration = kLongest}),
            "no error");
}

}  // namespace
}  // namespace giliran::client
