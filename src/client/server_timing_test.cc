#include "client/server_timing.h"

#include <gtest/gtest.h>

#include <string>

namespace giliran::client {
namespace {

// "name=ns" or "name" for each, with spaces between.
std::string read(std::string_view value) {
  ServerTimingReader reader(value);
  std::string all;
  while (const auto metric = reader.next()) {
    if (!all.empty()) all += ' ';
    all += metric->name;
    if (metric->took_ns) all += "=" + std::to_string(*metric->took_ns);
  }
  return all;
}

TEST(ServerTiming, NamesAndDurations) {
  EXPECT_EQ(read("queue;dur=0.125, service;dur=12"), "queue=125000 service=12000000");
  EXPECT_EQ(read("miss, db;dur=53, app;dur=47.2"), "miss db=53000000 app=47200000");
  EXPECT_EQ(read("gl-queue;dur=0.000"), "gl-queue=0");
  EXPECT_EQ(read("a;dur=.5,b;dur=1.,c;dur=0.0000009"), "a=500000 b=1000000 c=0");
  EXPECT_EQ(read(" a ; DUR = 1 ;desc=x"), "a=1000000");
  EXPECT_EQ(read("a;dur=\"1.5\""), "a=1500000");
  EXPECT_EQ(read("a;dur=86400000"), "a=86400000000000");
  EXPECT_EQ(read(""), "");
}

TEST(ServerTiming, QuotedTextMayHoldAnything) {
  EXPECT_EQ(read(R"(a;desc="x, y;dur=7, \"z";dur=2, b;dur=3)"), "a=2000000 b=3000000");
  EXPECT_EQ(read(R"(a;desc="never closed, b;dur=1)"), "a");
  EXPECT_EQ(read("a;desc=\"\\"), "a");
}

TEST(ServerTiming, TheFirstDurationCounts) {
  EXPECT_EQ(read("a;dur=1;dur=2"), "a=1000000");
  EXPECT_EQ(read("a;dur=x;dur=2"), "a");
}

TEST(ServerTiming, WhatCannotBeReadIsLeftOut) {
  for (const char* const bad :
       {"a;dur", "a;dur=", "a;dur=-1", "a;dur=1e3", "a;dur=1ms", "a;dur=.", "a;dur=1.2.3",
        "a;dur=nan", "a;dur=86400001", "a;;;", "a;dur=\"", "a;dur=99999999999999999999999999"}) {
    EXPECT_EQ(read(bad), "a") << bad;
  }
  EXPECT_EQ(read(",, ;dur=1, b c;dur=1, x=y;dur=2, ok;dur=3,"), "ok=3000000");
}

}  // namespace
}  // namespace giliran::client
