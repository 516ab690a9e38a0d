#include "base/parse.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/rng.h"

namespace giliran::base {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::HasSubstr;

TEST(Parse, Uint) {
  EXPECT_EQ(*parse_uint("0"), 0U);
  EXPECT_EQ(*parse_uint("18446744073709551615"), UINT64_MAX);
  EXPECT_EQ(*parse_uint("10", 10), 10U);
  EXPECT_THAT(parse_uint("11", 10).error().message, HasSubstr("'11': too large, at most 10"));
  for (const char* bad : {"", " 1", "1 ", "+1", "-1", "0x1", "1.0", "18446744073709551616", "1k"}) {
    EXPECT_FALSE(parse_uint(bad)) << bad;
  }
}

TEST(Parse, Double) {
  EXPECT_EQ(*parse_double("0.5"), 0.5);
  EXPECT_EQ(*parse_double("-2"), -2);
  EXPECT_EQ(*parse_double("1e3"), 1000);
  for (const char* bad : {"", "inf", "nan", "-inf", "1e999", "1x", " 1", "+1", "."}) {
    EXPECT_FALSE(parse_double(bad)) << bad;
  }
}

TEST(Parse, Count) {
  EXPECT_EQ(*parse_count("1000"), 1000U);
  EXPECT_EQ(*parse_count("20k"), 20'000U);
  EXPECT_EQ(*parse_count("3m"), 3'000'000U);
  EXPECT_EQ(*parse_count("1.5k"), 1500U);
  EXPECT_EQ(*parse_count("18446744073709551615"), UINT64_MAX);
  EXPECT_THAT(parse_count("18446744073709551616").error().message, HasSubstr("too large"));
  EXPECT_EQ(*parse_count("18446744073709551k"), 18446744073709551000U);
  EXPECT_FALSE(parse_count("18446744073709552k"));
  EXPECT_THAT(parse_count("1.0005k").error().message, HasSubstr("finer than the smallest unit"));
  for (const char* bad : {"", "k", "1 k", "1kk", "-1", "1.", ".5k", "1..2k", "1g"}) {
    EXPECT_FALSE(parse_count(bad)) << bad;
  }
}

TEST(Parse, Bytes) {
  EXPECT_EQ(*parse_bytes("512"), 512U);
  EXPECT_EQ(*parse_bytes("7B"), 7U);
  EXPECT_EQ(*parse_bytes("16KiB"), 16384U);
  EXPECT_EQ(*parse_bytes("1.5MiB"), 1572864U);
  EXPECT_EQ(*parse_bytes("1GiB"), uint64_t{1} << 30);
  EXPECT_EQ(*parse_bytes("15.5KiB"), 15872U);
  EXPECT_FALSE(parse_bytes("99999999TiB"));
  for (const char* bad : {"", "16KB", "16kib", "16 KiB", "0.3B", "-1B"}) {
    EXPECT_FALSE(parse_bytes(bad)) << bad;
  }
}

TEST(Parse, TheUnitThatWasMeant) {
  EXPECT_THAT(parse_bytes("16k").error().message, HasSubstr("did you mean 16KiB?"));
  EXPECT_THAT(parse_bytes("1 GB").error().message, HasSubstr("did you mean 1GiB?"));
  EXPECT_THAT(parse_bytes("many").error().message, testing::Not(HasSubstr("did you mean")));
  EXPECT_THAT(parse_rate("100/min").error().message, HasSubstr("did you mean 100/m?"));
  EXPECT_THAT(parse_fraction("5").error().message, HasSubstr("did you mean 5%?"));
}

TEST(Parse, Duration) {
  EXPECT_EQ(*parse_duration("0"), Duration(0));
  EXPECT_EQ(*parse_duration("250us"), microseconds(250));
  EXPECT_EQ(*parse_duration("1.5ms"), microseconds(1500));
  EXPECT_EQ(*parse_duration("10s"), seconds(10));
  EXPECT_EQ(*parse_duration("2m"), minutes(2));
  EXPECT_EQ(*parse_duration("1h"), hours(1));
  EXPECT_EQ(*parse_duration("9223372036854775807ns"), Duration::max());
  EXPECT_FALSE(parse_duration("9223372036854775808ns"));
  EXPECT_THAT(parse_duration("2562048h").error().message, HasSubstr("too large"));
  EXPECT_EQ(parse_duration("ten").error().message,
            "'ten': expected a duration such as 250us, 5ms, 10s, 2m");
  for (const auto& [text, meant] : std::vector<std::pair<std::string, std::string>>{
           {"10", "10s"}, {"10 s", "10s"}, {"1.5min", "1.5m"}, {"2 Hours", "2h"}}) {
    EXPECT_EQ(parse_duration(text).error().message,
              "'" + text + "': expected a duration such as 250us, 5ms, 10s, 2m; did you mean " +
                  meant + "?");
  }
  EXPECT_THAT(parse_duration("0.0000000001s").error().message, HasSubstr("finer"));
  for (const char* bad : {"", "5", "ms", "5msec", "-5ms", "5ms ", "1e3s", "1m30s", "00x"}) {
    EXPECT_FALSE(parse_duration(bad)) << bad;
  }
}

TEST(Parse, Fraction) {
  EXPECT_EQ(*parse_fraction("1%"), 0.01);
  EXPECT_EQ(*parse_fraction("0.5%"), 0.005);
  EXPECT_EQ(*parse_fraction("0.01"), 0.01);
  EXPECT_EQ(*parse_fraction("100%"), 1);
  for (const char* bad : {"", "%", "101%", "1.01", "-1%", "1%%", "nan", "1 %"}) {
    EXPECT_FALSE(parse_fraction(bad)) << bad;
  }
}

TEST(Parse, Rate) {
  EXPECT_EQ(*parse_rate("500"), 500);
  EXPECT_EQ(*parse_rate("20k"), 20'000);
  EXPECT_EQ(*parse_rate("50/1s"), 50);
  EXPECT_EQ(*parse_rate("10/ms"), 10'000);
  EXPECT_EQ(*parse_rate("120/m"), 2);
  EXPECT_EQ(*parse_rate("0.5"), 0.5);
  for (const char* bad : {"", "/s", "5/", "5/0", "5/0s", "-5", "k", "5kk", "5/x", "5k5", "inf"}) {
    EXPECT_FALSE(parse_rate(bad)) << bad;
  }
}

TEST(Parse, Port) {
  EXPECT_EQ(*parse_port("0"), 0);
  EXPECT_EQ(*parse_port("65535"), 65535);
  for (const char* bad : {"", "65536", "-1", "http", "80 "}) EXPECT_FALSE(parse_port(bad)) << bad;
}

TEST(Format, Duration) {
  EXPECT_EQ(format_duration(Duration(0)), "0s");
  EXPECT_EQ(format_duration(microseconds(1500)), "1.5ms");
  EXPECT_EQ(format_duration(milliseconds(500)), "500ms");
  EXPECT_EQ(format_duration(seconds(10)), "10s");
  EXPECT_EQ(format_duration(seconds(90)), "90s");
  EXPECT_EQ(format_duration(minutes(2)), "2m");
  EXPECT_EQ(format_duration(hours(1)), "1h");
  EXPECT_EQ(format_duration(Duration(-1'234'567)), "-1.234567ms");
  EXPECT_EQ(format_duration(Duration::min()), "-9223372036.854775808s");
}

TEST(Format, DurationReadsBackExactly) {
  Rng rng(1);
  for (int i = 0; i < 20'000; ++i) {
    const Duration d(static_cast<int64_t>(rng.next() >> (1 + rng.below(63))));
    const std::string text = format_duration(d);
    ASSERT_EQ(*parse_duration(text), d) << text;
  }
}

TEST(Format, Bytes) {
  EXPECT_EQ(format_bytes(0), "0B");
  EXPECT_EQ(format_bytes(1023), "1023B");
  EXPECT_EQ(format_bytes(16384), "16KiB");
  EXPECT_EQ(format_bytes(1572864), "1.5MiB");
  EXPECT_EQ(format_bytes(1048575), "1MiB");
  EXPECT_EQ(format_bytes(UINT64_MAX), "16EiB");
}

TEST(Nearest, EditDistance) {
  constexpr std::string_view kWords[] = {"round-robin", "least-requests", "random"};
  EXPECT_EQ(nearest("roundrobin", kWords), "round-robin");
  EXPECT_EQ(nearest("least-reqeusts", kWords), "least-requests");
  EXPECT_EQ(nearest("Random", kWords), "random");
  EXPECT_EQ(nearest("maglev", kWords), "");
  EXPECT_EQ(nearest("", kWords), "");
  EXPECT_EQ(nearest("x", {}), "");
  // One edit in three is near, two are not.
  constexpr std::string_view kShort[] = {"abc"};
  EXPECT_EQ(nearest("abd", kShort), "abc");
  EXPECT_EQ(nearest("acb", kShort), "abc");
  EXPECT_EQ(nearest("axx", kShort), "");
}

}  // namespace
}  // namespace giliran::base
