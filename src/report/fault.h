// What servers did to requests that they should not have done, as the tier that asked them saw it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "telemetry/reader.h"

namespace giliran::report {

enum class Fault : uint8_t {
  kRefused,
  kConnectTimeout,
  kUnreachable,
  kTimeout,
  kClosed,
  kBadResponse,
  kTotalTimeout,    // it was being asked when the time of the whole exchange was over
  kGivenUp,         // it was being asked when the client left
  kDeadConnection,  // an idle one was used again and was dead: asked again on a fresh one
  kTold,            // by --fail, on a server's own log
  kStatus5xx        // an answer like any other, but for its status
};

constexpr bool is_5xx(uint16_t status) {
  return status >= 500 && status < 600;
}

// Whether a coordinator's record that ended in this phase was waiting for a server.
bool is_asking(telemetry::Tier tier, telemetry::Phase phase);

// "connect-refused": the word of the logs. "5xx" for statuses.
std::string_view name(Fault fault);

struct FaultRow {
  Fault fault{};
  uint64_t count = 0;   // attempts
  uint64_t passed = 0;  // of these, the client got it: nobody else was asked, or nobody was better
  std::string reason;   // of the first that has one
  std::string first_ts, last_ts;
  std::string example;                    // the target of the first
  std::map<uint16_t, uint64_t> statuses;  // of kStatus5xx

  base::WallTime first, last;

  void add(const FaultRow& more);  // of the same fault
};

// Those of one server. Memory: a row a fault.
class FaultTally {
 public:
  // passed: it was what became of the whole record.
  void add(Fault fault, const telemetry::Line& line, bool passed, uint16_t status = 0);
  std::vector<FaultRow> rows() const;  // most frequent first

 private:
  std::map<Fault, FaultRow> rows_;
};

// One attempt of a record that failed by a server's fault.
struct FaultyAttempt {
  std::string_view server;  // empty: the record's own (on a client: whatever it talked to)
  Fault fault{};
  bool passed = false;
  uint16_t status = 0;
};

// Those of `line`: of the attempts before its last (`tried`), and of its end or status. `out` is
// reused.
void faulty_attempts(const telemetry::Line& line, std::vector<FaultyAttempt>& out);

}  // namespace giliran::report
