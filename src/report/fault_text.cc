// Times stand as they do in the log, so that they can be looked for there.
#include "report/fault_text.h"

#include <fmt/format.h>

#include "base/text.h"
#include "report/format.h"

namespace giliran::report {

namespace {

std::string statuses_text(const FaultRow& f) {
  if (f.fault != Fault::kStatus5xx) {
    return f.reason.empty() ? std::string(name(f.fault))
                            : fmt::format("{}, {}", name(f.fault), f.reason);
  }
  std::string text;
  for (const auto& [status, count] : f.statuses) {
    text += fmt::format("{}{}: {}", text.empty() ? "" : ", ", status, format_count(count));
  }
  return text;
}

std::string when_text(const FaultRow& f) {
  if (f.first_ts.empty()) return "";
  std::string text = f.count == 1 ? fmt::format(", at {}", f.first_ts)
                                  : fmt::format(", from {} to {}", f.first_ts, f.last_ts);
  if (!f.example.empty()) text += fmt::format(", {}{}", f.count == 1 ? "" : "first ", f.example);
  return text;
}

// What became of the requests.
std::string then_text(const FaultRow& f) {
  const uint64_t before = f.count - f.passed;
  if (f.fault == Fault::kDeadConnection) return "; asked again on a fresh one";
  if (before == 0) return "";
  if (f.passed == 0) {
    return fmt::format("; {} went on to another server", f.count == 1 ? "it" : "each");
  }
  return fmt::format("; {} went on to another server, {} got no other", format_count(before),
                     format_count(f.passed));
}

}  // namespace

std::string did(Fault fault) {
  switch (fault) {
    case Fault::kRefused:
      return "refused connections";
    case Fault::kConnectTimeout:
      return "did not accept connections in time";
    case Fault::kUnreachable:
      return "could not be connected";
    case Fault::kTimeout:
      return "did not answer in time";
    case Fault::kClosed:
      return "closed connections before the answer was whole";
    case Fault::kBadResponse:
      return "sent answers that cannot be read";
    case Fault::kTotalTimeout:
      return "did not answer in the time that requests may take in all";
    case Fault::kGivenUp:
      return "had not answered when clients gave up";
    case Fault::kDeadConnection:
      return "had closed idle connections that were used again";
    case Fault::kTold:
      return "failed as it was told to (--fail)";
    case Fault::kStatus5xx:
      return "answered 5xx";
  }
  return "";
}

std::string detail_text(const FaultRow& f, uint64_t attempts) {
  const std::string noun = fmt::format("{}{}", f.fault == Fault::kStatus5xx ? "answer" : "attempt",
                                       base::plural(attempts));
  return fmt::format("{} of {} {} ({}){}{}", format_count(f.count), format_count(attempts), noun,
                     statuses_text(f), when_text(f), then_text(f));
}

}  // namespace giliran::report
