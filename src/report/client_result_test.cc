#include "report/client_result.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "report/histogram_json.h"
#include "report/test_client_result.h"

namespace giliran::report {
namespace {

using testing::HasSubstr;

std::string problem_of(std::string_view text) {
  const auto result = parse_client_result(text, "a.json");
  return result ? "none" : result.error().message;
}

TEST(ClientResult, IsReadAsItWasWritten) {
  const ClientResult made = imagine({.intervals = 12, .per_interval = 300, .error_share = 0.01});
  const std::string text = to_json(made).dump();
  const auto read = parse_client_result(text, "a.json");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(to_json(*read).dump(), text);
  EXPECT_EQ(read->path, "a.json");
  EXPECT_EQ(read->url(), "http://127.0.0.1:8080/");
  EXPECT_FALSE(read->open_loop());
  EXPECT_TRUE(same(read->service_time, made.service_time));
  EXPECT_TRUE(same(read->response_time, made.response_time));
  ASSERT_EQ(read->intervals.size(), 12U);
  for (size_t i = 0; i < 12; ++i) {
    EXPECT_TRUE(same(read->intervals[i].response_time, made.intervals[i].response_time));
    EXPECT_EQ(read->intervals[i].response_time.options().digits, 2);
  }
  EXPECT_EQ(read->intervals[3].servers, made.intervals[3].servers);
  EXPECT_EQ(read->tiers.at(0).times.p50_us, 380);
  EXPECT_EQ(read->tiers.at(0).times.p99_us, std::nullopt);
}

TEST(ClientResult, MayLackWhatIsNotNeededAndHaveMore) {
  const auto read = parse_client_result(
      R"({"format": "giliran-client/2", "new": [1], "totals": {"issued": 3, "later": {}},
          "service_time": {"count": 0}, "response_time": {"count": 0}, "rate": null})",
      "a.json");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->totals.due, 3U);
  EXPECT_EQ(read->intervals.size(), 0U);
  EXPECT_TRUE(read->verdict.valid);
}

TEST(ClientResult, SaysWhatIsNoResult) {
  EXPECT_EQ(problem_of(""), "a.json: it is empty: was the client ended before it could write?");
  EXPECT_THAT(problem_of("{\"format\": "), HasSubstr("the file ends within the JSON"));
  EXPECT_EQ(problem_of("{\"a\": nope}"), "a.json: byte 7: no JSON");
  EXPECT_THAT(problem_of("[1, 2]"), HasSubstr("no result of giliran client"));
  EXPECT_THAT(problem_of("{\"format\": \"giliran-client/1\"}"),
              HasSubstr("format giliran-client/1; this program reads giliran-client/2"));
  EXPECT_THAT(problem_of("{\"format\": \"giliran-lab/2\"}"),
              HasSubstr("format is giliran-lab/2, expected giliran-client/2"));
}

TEST(ClientResult, SaysWhichFieldIsNotGood) {
  const ClientResult made = imagine({.intervals = 3, .per_interval = 50});
  const auto with = [&](auto change) {
    nlohmann::ordered_json json = to_json(made);
    change(json);
    return problem_of(json.dump());
  };
  EXPECT_EQ(with([](auto& j) { j["totals"]["answered"] = "many"; }),
            "a.json: totals.answered: expected a count, found a text");
  EXPECT_EQ(with([](auto& j) { j["totals"]["answered"] = -1; }),
            "a.json: totals.answered: expected a count, found a number");
  EXPECT_EQ(with([](auto& j) { j.erase("totals"); }), "a.json: totals: missing");
  EXPECT_EQ(with([](auto& j) { j.erase("response_time"); }), "a.json: response_time: missing");
  EXPECT_EQ(with([](auto& j) { j["intervals"][1]["t_s"] = "1"; }),
            "a.json: intervals[1].t_s: expected a number, found a text");
  EXPECT_EQ(with([](auto& j) { j["plan"] = 7; }),
            "a.json: plan: expected an object, found a number");
  EXPECT_THAT(with([](auto& j) { j["service_time"].erase("buckets"); }),
              HasSubstr("service_time: no buckets"));
  EXPECT_THAT(with([](auto& j) { j["service_time"]["buckets"][2][2] = 1.5; }),
              HasSubstr("service_time.buckets[2]: expected [lowest_us, highest_us, count]"));
  EXPECT_THAT(with([](auto& j) { j["service_time"]["buckets"][2][1] = 1e7; }),
              HasSubstr("is no bucket of a histogram"));
  EXPECT_THAT(with([](auto& j) { j["service_time"]["count"] = 7; }),
              HasSubstr("service_time: the buckets hold"));
  EXPECT_THAT(with([](auto& j) { j["intervals"][2]["service_time"]["mean_us"] = 1e12; }),
              HasSubstr("intervals[2].service_time: a mean of"));
}

// Whatever one byte is changed to, it is read or refused.
TEST(ClientResult, DamagedFilesAreNoCrash) {
  const std::string good = to_json(imagine({.intervals = 2, .per_interval = 5})).dump();
  base::Rng rng(5);
  for (int i = 0; i < 500; ++i) {
    std::string bad = good;
    bad[rng.below(bad.size())] = static_cast<char>(rng.below(256));
    if (i % 7 == 0) bad.resize(rng.below(bad.size()));
    const auto read = parse_client_result(bad, "a.json");
    EXPECT_TRUE(read || !read.error().message.empty());
  }
}

TEST(ClientResult, OfNoFile) {
  const auto read = read_client_result("does/not/exist.json");
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().message, "does/not/exist.json: No such file or directory");
}

TEST(HistogramJson, OfAnyPrecision) {
  for (const int digits : {1, 2, 3, 4}) {
    base::Rng rng(2);
    base::Histogram h({.digits = digits});
    for (int i = 0; i < 3000; ++i) h.record(rng.below(uint64_t{1} << (10 + rng.below(25))));
    const auto again = parse_histogram(to_json(h, true), 3, "h");
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(again->options().digits, digits);
    EXPECT_TRUE(same(*again, h));
  }
}

TEST(HistogramJson, AllValuesEqual) {
  for (uint64_t value = 1; value < 100'000'000; value = value * 7 / 3 + 1) {
    base::Histogram h;
    h.record(value, 3);
    const auto text = to_json(h, true).dump();
    const auto again = parse_histogram(nlohmann::ordered_json::parse(text), 3, "h");
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_TRUE(same(*again, h)) << value;
  }
}

}  // namespace
}  // namespace giliran::report
