#include "client/replay.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace giliran::client {
namespace {

using std::chrono::milliseconds;
using testing::AllOf;
using testing::HasSubstr;

Replay made(std::string_view text, const ReplayOptions& options = {.path = "log"}) {
  auto parsed = parse_replay(options, text);
  EXPECT_TRUE(parsed) << parsed.error().message;
  return parsed.value_or(Replay{});
}

std::string shown(const Replay& replay) {
  std::string text;
  for (const Replay::Request& r : replay.requests) {
    text += std::to_string(r.due / milliseconds(1)) + " " + replay.methods[r.method] + " " +
            replay.targets[r.target] + " " + std::to_string(r.body_bytes) + "\n";
  }
  return text;
}

// A record of a coordinator, with more fields.
std::string record(std::string_view time, std::string_view kind, std::string_view more) {
  return R"({"ts":"2026-11-22T09:00:)" + std::string(time) + R"(Z","tier":"coordinator","kind":")" +
         std::string(kind) + R"(","end":"ok")" + std::string(more) + "}\n";
}

const std::string kOurs =
    record("00.100000", "exchange", R"(,"method":"GET","target":"/b","status":200)") +
    record("00.000000", "exchange", R"(,"method":"POST","target":"/a?x=1","body_in":120)") +
    record("02.100000", "exchange", R"(,"method":"GET","target":"/b","status":200)") +
    record("02.200000", "flow", "") +
    record("02.200000", "exchange", R"(,"method":"GET","target":"/ws","upgrade":"websocket")") +
    "nonsense\n" + record("02.300000", "exchange", "");

TEST(Replay, OfOurLogIsInTheOrderTheRequestsCame) {
  const Replay replay = made(kOurs);
  EXPECT_EQ(shown(replay), "0 POST /a?x=1 120\n100 GET /b 0\n2100 GET /b 0\n");
  EXPECT_EQ(replay.kind, LogKind::kOurs);
  EXPECT_EQ(replay.unreadable, 1u);
  EXPECT_EQ(replay.skipped, 3u);
  EXPECT_EQ(replay.targets.size(), 2u);
  EXPECT_EQ(replay.body_bytes_max, 120u);
  EXPECT_THAT(text(replay), AllOf(HasSubstr("replay of log (giliran): 3 requests in 2.1 s"),
                                  HasSubstr("1 line NOT UNDERSTOOD (line 6: nonsense)"),
                                  HasSubstr("3 that cannot")));
}

TEST(Replay, SpeedAndBounds) {
  EXPECT_EQ(shown(made(kOurs, {.path = "log", .speed = 2})),
            "0 POST /a?x=1 120\n50 GET /b 0\n1050 GET /b 0\n");
  EXPECT_EQ(shown(made(kOurs, {.path = "log", .speed = 0.5, .requests_max = 2})),
            "0 POST /a?x=1 120\n200 GET /b 0\n");
  EXPECT_EQ(shown(made(kOurs, {.path = "log", .until = milliseconds(100)})), "0 POST /a?x=1 120\n");
}

TEST(Replay, OfHttplog) {
  const Replay replay = made(
      "Nov 22 09:00:00 h haproxy[1]: Proxy web started.\n"
      "Nov 22 09:00:00 h haproxy[1]: 1.2.3.4:5 [22/Nov/2026:09:00:00.250] f b/s 0/0/0/0/0 200 9 - "
      "- "
      "---- 1/1/0/0/0 0/0 \"GET https://shop/x?y HTTP/2.0\"\n"
      "Nov 22 09:00:00 h haproxy[1]: 1.2.3.4:5 [22/Nov/2026:09:00:00.000] f b/s 0/0/0/0/0 200 9 - "
      "- "
      "---- 1/1/0/0/0 0/0 \"DELETE / HTTP/1.1\"\n"
      "Nov 22 09:00:00 h haproxy[1]: 1.2.3.4:5 [22/Nov/2026:09:00:00.000] f f/<NOSRV> "
      "-1/-1/-1/-1/0 400 9 - - PR-- 1/1/0/0/0 0/0 \"<BADREQ>\"\n");
  EXPECT_EQ(shown(replay), "0 DELETE / 0\n250 GET /x?y 0\n");
  EXPECT_EQ(replay.kind, LogKind::kHttplog);
  EXPECT_EQ(replay.unreadable, 2u);
}

TEST(Replay, WholeSecondsAreSpreadEvenly) {
  std::string log;
  for (const char* second : {"01", "01", "01", "01", "03"}) {
    log += "1.2.3.4 - - [21/Nov/2026:23:00:" + std::string(second) +
           " +0000] \"GET /a HTTP/1.1\" 200 612 \"-\" \"-\"\n";
  }
  EXPECT_EQ(shown(made(log)),
            "0 GET /a 0\n250 GET /a 0\n500 GET /a 0\n750 GET /a 0\n2000 GET /a 0\n");
}

TEST(Replay, WhatCannotBeSentAgainIsCounted) {
  std::string log;
  for (const char* request :
       {"GET /a HTTP/1.1", "CONNECT h:443 HTTP/1.1", "OPTIONS * HTTP/1.1",
        "GET /\\xC3\\xA9 HTTP/1.1", "GET /a b HTTP/1.1", "g\\x01t / HTTP/1.1"}) {
    log += "1.2.3.4 - - [21/Nov/2026:23:00:01 +0000] \"" + std::string(request) + "\" 200 1\n";
  }
  const Replay replay = made(log);
  EXPECT_EQ(replay.requests.size(), 1u);
  EXPECT_EQ(replay.skipped, 5u);
}

TEST(Replay, RequestsWithHeadsThatCannotBeSentAreCounted) {
  const auto line = [](const std::string& path) {
    return "1.2.3.4 - - [21/Nov/2026:23:00:01 +0000] \"GET " + path + " HTTP/1.1\" 200 1\n";
  };
  const std::string log = line("/a") + line("/" + std::string(70'000, 'b')) + line("/12345");
  const Replay replay = made(log, {.path = "log", .head_bytes_left = 8});
  EXPECT_EQ(shown(replay), "0 GET /a 0\n");
  EXPECT_EQ(replay.too_long, 2u);
  EXPECT_EQ(replay.skipped, 2u);
  EXPECT_THAT(text(replay), HasSubstr("2 that cannot be sent again left out (2 with a head above "
                                      "head_bytes_max, 64KiB)"));
  EXPECT_THAT(parse_replay({.path = "log", .head_bytes_left = 3}, log).error().message,
              HasSubstr("3 with a head above head_bytes_max"));
}

TEST(Replay, OfALineWithoutAnEndTheRestIsPassedOver) {
  const std::string path = testing::TempDir() + "giliran_long_line.log";
  std::ofstream(path, std::ios::binary) << std::string(3'000'000, 'x') << "\n"
                                        << kOurs << "\n"
                                        << std::string(65'535, 'y') << "\nz";
  const auto replay = read_replay({.path = path});
  std::filesystem::remove(path);
  ASSERT_TRUE(replay);
  EXPECT_EQ(shown(*replay), shown(made(kOurs)));
  EXPECT_EQ(replay->unreadable, 4u);
  EXPECT_THAT(replay->first_unreadable, testing::StartsWith("line 1: xxx"));
}

TEST(Replay, OfNothing) {
  EXPECT_THAT(parse_replay({.path = "log"}, "").error().message, HasSubstr("no request in it"));
  EXPECT_THAT(parse_replay({.path = "log"}, "a\nb\n").error().message,
              AllOf(HasSubstr("2 lines not understood"), HasSubstr("line 1: a")));
  EXPECT_THAT(read_replay({.path = "/nowhere"}).error().message, HasSubstr("cannot be read"));
}

TEST(Replay, AFileIsReadAsItsText) {
  const std::string path = testing::TempDir() + "giliran_replay.log";
  std::ofstream(path, std::ios::binary) << kOurs;
  const auto replay = read_replay({.path = path});
  std::filesystem::remove(path);
  ASSERT_TRUE(replay);
  EXPECT_EQ(shown(*replay), shown(made(kOurs)));
}

}  // namespace
}  // namespace giliran::client
