#include "base/ids.h"

#include <gtest/gtest.h>

#include <string>

namespace giliran::base {
namespace {

constexpr std::string_view kValid = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

std::string with(size_t at, std::string_view bytes) {
  return std::string(kValid).replace(at, bytes.size(), bytes);
}

TEST(TraceParent, ReadsAndWrites) {
  const auto parsed = TraceParent::parse(kValid);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->trace.high, 0x4bf92f3577b34da6U);
  EXPECT_EQ(parsed->trace.low, 0xa3ce929d0e0e4736U);
  EXPECT_EQ(parsed->parent.value, 0x00f067aa0ba902b7U);
  EXPECT_EQ(parsed->flags, 1);
  char out[TraceParent::kTextSize];
  parsed->format(out);
  EXPECT_EQ(std::string_view(out, sizeof out), kValid);
}

TEST(TraceParent, RefusesWhatTheStandardRefuses) {
  for (size_t n = 0; n < kValid.size(); ++n) EXPECT_FALSE(TraceParent::parse(kValid.substr(0, n)));
  EXPECT_FALSE(TraceParent::parse(std::string(kValid) + "-"));
  EXPECT_FALSE(TraceParent::parse(std::string(kValid) + " "));
  EXPECT_FALSE(TraceParent::parse(with(0, "ff")));
  EXPECT_FALSE(TraceParent::parse(with(0, "0F")));
  EXPECT_FALSE(TraceParent::parse(with(3, std::string(32, '0'))));
  EXPECT_FALSE(TraceParent::parse(with(36, std::string(16, '0'))));
  EXPECT_FALSE(TraceParent::parse(with(3, "4BF9")));
  EXPECT_FALSE(TraceParent::parse(with(36, "g")));
  EXPECT_FALSE(TraceParent::parse(with(53, "0A")));
  for (const size_t dash : {2U, 35U, 52U}) EXPECT_FALSE(TraceParent::parse(with(dash, "_")));
}

TEST(TraceParent, LaterVersionsAreReadAsZero) {
  EXPECT_TRUE(TraceParent::parse(with(0, "01")));
  EXPECT_TRUE(TraceParent::parse(with(0, "cc") + "-what-the-future-brings"));
  EXPECT_FALSE(TraceParent::parse(with(0, "cc") + ".what"));
}

TEST(TraceParent, UnknownFlagsAreDropped) {
  EXPECT_EQ(TraceParent::parse(with(53, "ff"))->flags, 3);
  EXPECT_EQ(TraceParent::parse(with(53, "00"))->flags, 0);
}

TEST(Ids, MadeOnesAreReadBack) {
  Rng rng(7);
  for (int i = 0; i < 1000; ++i) {
    const TraceId trace = TraceId::make(rng);
    const SpanId span = SpanId::make(rng);
    char text[32];
    trace.format(text);
    EXPECT_EQ(parse_trace_id({text, 32}), trace);
    span.format(text);
    EXPECT_EQ(parse_span_id({text, 16}), span);
    EXPECT_FALSE(trace.none() || span.none());
  }
}

TEST(Ids, EveryByteIsSeenWhereverItStands) {
  const std::string digits = "0123456789abcdef";
  for (size_t at = 0; at < digits.size(); ++at) {
    for (int c = 0; c < 256; ++c) {
      std::string text = digits;
      text[at] = static_cast<char>(c);
      const auto span = parse_span_id(text);
      const bool digit = digits.find(static_cast<char>(c)) != std::string::npos;
      ASSERT_EQ(span.has_value(), digit) << c << " at " << at;
      if (!digit) continue;
      char again[16];
      span->format(again);
      ASSERT_EQ(std::string_view(again, sizeof again), text);
    }
  }
}

TEST(Ids, OnlyExactLengthsAndLowerCase) {
  EXPECT_FALSE(parse_span_id("0123456789abcde"));
  EXPECT_FALSE(parse_span_id("0123456789abcdef0"));
  EXPECT_FALSE(parse_span_id("0123456789ABCDEF"));
  EXPECT_FALSE(parse_trace_id("0123456789abcdef"));
  EXPECT_TRUE(parse_span_id("0123456789abcdef"));
}

}  // namespace
}  // namespace giliran::base
