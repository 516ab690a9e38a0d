// Reads our logs, JSON or another format that we write: a stream of lines, one pass, bounded
// memory.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/function_ref.h"
#include "telemetry/mark.h"
#include "telemetry/record.h"

namespace giliran::telemetry {

// Where a line's facts come from: only JSON has all of them.
enum class Format : uint8_t { kJson, kHaproxy, kCombined };

// One line of a log, as a Record is written. Addresses stay text. What is absent is as in Record:
// zero, empty, none, or kNotReached. Texts are borrowed for the call, cut to kTargetMax (json.h).
struct Line {
  uint64_t number = 0;  // in its file, from 1
  std::string_view ts;  // as it stands in the line
  base::WallTime when;  // of other formats than JSON: of `ts`
  Format format = Format::kJson;
  Tier tier = Tier::kCoordinator;
  Kind kind = Kind::kExchange;
  End end = End::kOk;
  By by = By::kNobody;
  Phase phase = Phase::kNone;
  Proto proto = Proto::kHttp11;
  bool reused = false;
  uint16_t status = 0;
  uint16_t attempts = 0;
  base::TraceId trace;
  base::SpanId span;
  base::SpanId parent;
  uint64_t id = 0, connection = 0, sequence = 0, messages = 0;
  std::string_view peer, local, client, upstream, upstream_local;
  base::Duration idle = kNotReached;
  base::Duration head = kNotReached;
  base::Duration queue = kNotReached;
  base::Duration connect = kNotReached;
  base::Duration send = kNotReached;
  base::Duration wait = kNotReached;
  base::Duration service = kNotReached;
  base::Duration data = kNotReached;
  base::Duration total = kNotReached;
  base::Duration lag = kNotReached;
  uint64_t down_in = 0, down_out = 0, up_out = 0, up_in = 0, body_in = 0, body_out = 0;
  std::string_view process_name, route, pool, policy, server, tried, method, target, host,
      user_agent, referer, upgrade, sent, got, reason, run;

  base::WallTime arrived() const;  // of `ts` or `when`; zero where it is not readable
};

// A line that was not a record of ours.
struct Unknown {
  uint64_t line = 0;  // number in its file, from 1
  std::string text;   // its beginning
  std::string why;
};

struct ReadStats {
  static constexpr size_t kExamplesMax = 3;
  uint64_t bytes = 0;
  uint64_t lines = 0;    // not empty
  uint64_t records = 0;  // visited
  uint64_t dropped = 0;  // records that the log itself says it dropped
  uint64_t unknown = 0;  // lines not understood
  // By tier: processes that began this log and did not end it; they were killed, or still run.
  std::array<uint64_t, 3> unended{};
  uint64_t unended_in_all() const { return unended[0] + unended[1] + unended[2]; }
  std::vector<Unknown> unknown_examples;  // the first ones
};

// Parses lines one at a time, each for itself: a file may hold several formats; reusable. Not
// thread-safe.
class LineParser {
 public:
  LineParser();
  ~LineParser();
  enum class What : unsigned char { kRecord, kDropped, kMark, kUnknown };
  // Bytes that must be readable after a line.
  static size_t padding();
  // `line` without its end; `readable` counts the bytes from its beginning that may be read (at
  // least its size + padding()). `out` borrows from the parser until the next call.
  What parse(std::string_view line, size_t readable, Line& out);
  uint64_t dropped() const { return dropped_; }  // after kDropped: how many
  Mark mark() const { return mark_; }            // after kMark
  uint64_t process() const { return process_; }  // after kMark: whose
  Tier tier() const { return tier_; }            // after kDropped and kMark
  std::string_view why() const { return why_; }  // after kUnknown

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
  uint64_t dropped_ = 0;
  Mark mark_ = Mark::kBegin;
  uint64_t process_ = 0;
  Tier tier_ = Tier::kCoordinator;
  std::string_view why_;
};

struct ReadOptions {
  std::string path;  // "-": standard input
};

// Visits every record of the file in order. `dropped` (tier, count) is called for lines that say
// that records were dropped. An error names the path; lines not understood are no error.
base::Result<ReadStats> read_log(const ReadOptions& options,
                                 base::FunctionRef<void(const Line&)> visit,
                                 base::FunctionRef<void(Tier, uint64_t)> dropped);

}  // namespace giliran::telemetry
