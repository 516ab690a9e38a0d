// However a stream is cut, the parsers say the same about it; and every input of the fuzzers'
// corpora holds to what the fuzzers check.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "wire/http1/event_trace.h"
#include "wire/http1/fuzz_targets.h"

namespace giliran::wire::http1 {
namespace {

constexpr size_t kTwoWayBytesMax = 2000;  // larger inputs are cut at random only
constexpr int kRandomCuts = 50;

std::vector<std::string> read_corpus(const std::string& name) {
  const auto folder = std::filesystem::path(__FILE__).parent_path() / "../../../tests/corpora";
  std::vector<std::string> inputs;
  for (const auto& entry : std::filesystem::directory_iterator(folder / name)) {
    std::ifstream file(entry.path(), std::ios::binary);
    inputs.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  return inputs;
}

std::vector<size_t> random_cuts(size_t bytes, std::mt19937_64& random) {
  std::vector<size_t> cuts(1 + random() % 8);
  for (size_t& cut : cuts) cut = bytes == 0 ? 0 : random() % bytes;
  std::sort(cuts.begin(), cuts.end());
  return cuts;
}

template <typename Trace>
void expect_same_however_cut(std::string_view stream, Trace trace) {
  const std::string whole = trace(std::vector<size_t>{});
  for (size_t cut = 0; cut < std::min(stream.size(), kTwoWayBytesMax); ++cut) {
    ASSERT_EQ(trace({cut}), whole) << "cut at " << cut << " of:\n" << stream;
  }
  if (stream.size() <= kTwoWayBytesMax) {
    ASSERT_EQ(trace(cut_everywhere(stream)), whole) << "byte by byte:\n" << stream;
  }
  std::mt19937_64 random(stream.size());
  for (int i = 0; i < kRandomCuts; ++i) {
    const std::vector<size_t> cuts = random_cuts(stream.size(), random);
    ASSERT_EQ(trace(cuts), whole) << "cut at " << ::testing::PrintToString(cuts) << " of:\n"
                                  << stream;
  }
}

const HeadLimits kSmallLimits{.head_bytes_max = 96, .target_bytes_max = 24, .fields_max = 3};

TEST(SplitTest, TracesSeeEverything) {
  EXPECT_EQ(trace_requests("GET / HTTP/1.0\r\nA: b\r\n\r\n\r\nPOST"),
            "method=GET\ntarget=/\npath=/\nhost=\nform=0\nversion=0\nframing=0\n"
            "content_length=0\nkeep_alive=0\nexpect_continue=0\nupgrade=0\nA=b\nid=0\n"
            "data=\nend=\nmore=head\nconsumed=24\n");
  EXPECT_EQ(trace_body("3\r\nabc\r\n1\r\nd\r\n0\r\nT: u\r\n\r\n", Framing::kChunked, 0),
            "data=abcd\nT=u\nid=0\nend=\nconsumed=25\n");
}

TEST(SplitTest, Requests) {
  const std::vector<std::string> corpus = read_corpus("http1_request");
  EXPECT_GE(corpus.size(), 20U);
  for (const std::string& stream : corpus) {
    expect_same_however_cut(stream,
                            [&](std::vector<size_t> cuts) { return trace_requests(stream, cuts); });
    expect_same_however_cut(stream, [&](std::vector<size_t> cuts) {
      return trace_requests(stream, cuts, kSmallLimits);
    });
  }
}

TEST(SplitTest, Responses) {
  const std::vector<std::string> corpus = read_corpus("http1_response");
  EXPECT_GE(corpus.size(), 10U);
  for (const std::string& stream : corpus) {
    for (const std::string_view method : {"GET", "HEAD"}) {
      expect_same_however_cut(
          stream, [&](std::vector<size_t> cuts) { return trace_responses(stream, method, cuts); });
    }
    expect_same_however_cut(stream, [&](std::vector<size_t> cuts) {
      return trace_responses(stream, "GET", cuts, kSmallLimits);
    });
  }
}

TEST(SplitTest, Bodies) {
  for (const std::string stream :
       {"5\r\nhello\r\n0\r\n\r\n", "5;ext=1\r\nhello\r\nA\r\n0123456789\r\n000\r\nA: b\r\n\r\nmore",
        "5\r\nhello\r\n0\r\nA : b\r\n\r\n", "5\r\nhell", "5\r\nhello\rx", "0\r\n\r", "0\r\nA: b\n",
        "fffffffffffffff\r\nabc", "1\r\na\r\n1\r\nb\r\n1;\x01"}) {
    expect_same_however_cut(stream, [&](std::vector<size_t> cuts) {
      return trace_body(stream, Framing::kChunked, 0, cuts);
    });
    for (const uint64_t length : {0U, 1U, 5U, 1000U}) {
      expect_same_however_cut(stream, [&](std::vector<size_t> cuts) {
        return trace_body(stream, Framing::kLength, length, cuts);
      });
    }
    expect_same_however_cut(stream, [&](std::vector<size_t> cuts) {
      return trace_body(stream, Framing::kUntilClose, 0, cuts);
    });
  }
}

TEST(SplitTest, CorporaHoldToWhatTheFuzzersCheck) {
  for (const std::string& input : read_corpus("http1_request")) fuzz_request(input);
  for (const std::string& input : read_corpus("http1_response")) fuzz_response(input);
}

}  // namespace
}  // namespace giliran::wire::http1
