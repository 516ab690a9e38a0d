// A record that went well may have failed at another server before: `tried` names it. The last
// attempt may be named there, too, where no other server was left to ask; it counts once.
#include "report/fault.h"

#include <algorithm>
#include <optional>

#include "base/parse.h"
#include "telemetry/words.h"

namespace giliran::report {

namespace {

using telemetry::End;
using telemetry::Line;

std::optional<Fault> fault_of(End end) {
  switch (end) {
    case End::kConnectRefused:
      return Fault::kRefused;
    case End::kConnectTimeout:
      return Fault::kConnectTimeout;
    case End::kConnectFailed:
      return Fault::kUnreachable;
    case End::kServerTimeout:
      return Fault::kTimeout;
    case End::kServerClosed:
      return Fault::kClosed;
    case End::kBadResponse:
      return Fault::kBadResponse;
    case End::kFault:
      return Fault::kTold;
    case End::kTotalTimeout:
      return Fault::kTotalTimeout;
    case End::kClientClosed:
      return Fault::kGivenUp;
    case End::kOk:
    case End::kClientTimeout:
    case End::kBadRequest:
    case End::kNoServer:
    case End::kLimit:
    case End::kQueueTimeout:
    case End::kQueueFull:
    case End::kRateLimited:
    case End::kBodyTooLarge:
    case End::kDenied:
    case End::kIdleTimeout:
    case End::kShutdown:
    case End::kInternal:
      break;
  }
  return std::nullopt;
}

// Of the record's end. That a client left, or the time was over, is a server's fault where it was
// being asked.
std::optional<Fault> last_fault(const Line& line) {
  const auto fault = fault_of(line.end);
  if (fault != Fault::kGivenUp && fault != Fault::kTotalTimeout) return fault;
  return is_asking(line.tier, line.phase) ? fault : std::nullopt;
}

// "127.0.0.1:9001 connect-refused", "a 503"
std::optional<FaultyAttempt> tried_one(std::string_view text) {
  const size_t space = text.rfind(' ');
  if (space == std::string_view::npos) return std::nullopt;
  FaultyAttempt one;
  one.server = text.substr(0, space);
  const std::string_view how = text.substr(space + 1);
  if (how == name(Fault::kDeadConnection)) {
    one.fault = Fault::kDeadConnection;
    return one;
  }
  if (const auto end = telemetry::end_from(how)) {
    const auto fault = fault_of(*end);
    if (!fault) return std::nullopt;
    one.fault = *fault;
    return one;
  }
  one.status = static_cast<uint16_t>(base::parse_uint(how, 999).value_or(0));
  if (!is_5xx(one.status)) return std::nullopt;
  one.fault = Fault::kStatus5xx;
  return one;
}

}  // namespace

std::string_view name(Fault fault) {
  switch (fault) {
    case Fault::kRefused:
      return "connect-refused";
    case Fault::kConnectTimeout:
      return "connect-timeout";
    case Fault::kUnreachable:
      return "connect-failed";
    case Fault::kTimeout:
      return "server-timeout";
    case Fault::kClosed:
      return "server-closed";
    case Fault::kBadResponse:
      return "bad-response";
    case Fault::kTotalTimeout:
      return "total-timeout";
    case Fault::kGivenUp:
      return "client-closed";
    case Fault::kDeadConnection:
      return "connection-was-dead";
    case Fault::kTold:
      return "fault";
    case Fault::kStatus5xx:
      return "5xx";
  }
  return "";
}

bool is_asking(telemetry::Tier tier, telemetry::Phase phase) {
  return tier == telemetry::Tier::kCoordinator &&
         (phase == telemetry::Phase::kConnect || phase == telemetry::Phase::kSend ||
          phase == telemetry::Phase::kWait);
}

void faulty_attempts(const Line& line, std::vector<FaultyAttempt>& out) {
  out.clear();
  std::string_view tried = line.tried;
  while (!tried.empty()) {
    const std::string_view one = tried.substr(0, tried.find("; "));
    if (const auto attempt = tried_one(one)) out.push_back(*attempt);
    tried.remove_prefix(std::min(tried.size(), one.size() + 2));
  }
  FaultyAttempt last;
  last.passed = true;
  if (const auto fault = last_fault(line)) {
    last.fault = *fault;
  } else if (line.end == End::kOk && is_5xx(line.status)) {
    last.fault = Fault::kStatus5xx;
    last.status = line.status;
  } else {
    return;
  }
  const bool again =
      !out.empty() && out.back().fault == last.fault && out.back().server == line.server;
  if (again) out.pop_back();
  out.push_back(last);
}

void FaultTally::add(Fault fault, const Line& line, bool passed, uint16_t status) {
  FaultRow& row = rows_[fault];
  row.fault = fault;
  if (passed) ++row.passed;
  if (status != 0) ++row.statuses[status];
  if (row.reason.empty() && passed) row.reason = line.reason;
  const base::WallTime at = line.arrived();
  if (row.count == 0 || at.ns < row.first.ns) {
    row.first = at;
    row.first_ts = line.ts;
    row.example = line.target;
  }
  if (row.count == 0 || at.ns >= row.last.ns) {
    row.last = at;
    row.last_ts = line.ts;
  }
  ++row.count;
}

void FaultRow::add(const FaultRow& more) {
  const bool none = count == 0;
  fault = more.fault;
  count += more.count;
  passed += more.passed;
  if (reason.empty()) reason = more.reason;
  for (const auto& [status, n] : more.statuses) statuses[status] += n;
  if (none || more.first.ns < first.ns) {
    first = more.first;
    first_ts = more.first_ts;
    example = more.example;
  }
  if (none || more.last.ns > last.ns) {
    last = more.last;
    last_ts = more.last_ts;
  }
}

std::vector<FaultRow> FaultTally::rows() const {
  std::vector<FaultRow> rows;
  for (const auto& [fault, row] : rows_) rows.push_back(row);
  std::stable_sort(rows.begin(), rows.end(),
                   [](const FaultRow& a, const FaultRow& b) { return a.count > b.count; });
  return rows;
}

}  // namespace giliran::report
