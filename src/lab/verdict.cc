// The gravest thing gives the word; the others are said all the same. Numbers are in doubt where
// the client was the limit, where Little's law is violated (something was measured wrongly,
// whatever it was) and where an event did not come when it was planned.
#include "lab/verdict.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace giliran::lab {
namespace {

constexpr size_t kNamesMax = 5;

// "a, b and 3 more": the runs of which it is true; empty where there is none.
std::string runs_where(const LabResult& result, auto is) {
  std::vector<std::string_view> names;
  for (const RunResult& run : result.runs) {
    if (is(run)) names.push_back(result.plan_of(run).name);
  }
  const size_t more = names.size() - std::min(names.size(), kNamesMax);
  names.resize(names.size() - more);
  std::string text = fmt::format("{}", fmt::join(names, ", "));
  return more == 0 ? text : text + fmt::format(" and {} more", more);
}

std::string sentence(std::string_view before, const std::string& names, std::string_view after) {
  return names.empty() ? std::string() : fmt::format("{}{}{}", before, names, after);
}

std::string joined(std::initializer_list<std::string> sentences) {
  std::string text;
  for (const std::string& one : sentences) {
    if (!one.empty()) text += (text.empty() ? "" : " ") + one;
  }
  return text;
}

struct Expectations {
  size_t all = 0, met = 0;

  explicit Expectations(const LabResult& result) {
    for (const RunResult& run : result.runs) add(run.expected);
    add(result.claims);
  }
  void add(const std::vector<report::Expected>& some) {
    all += some.size();
    met += static_cast<size_t>(std::ranges::count_if(some, &report::Expected::met));
  }
  std::string text() const {
    if (all == 0) return "No expectation was set.";
    return fmt::format("{} of {} expectation{} met.", met, all, all == 1 ? "" : "s");
  }
};

}  // namespace

LabVerdict verdict_of(const LabResult& result) {
  const Expectations expected(result);
  const std::string lost =
      sentence("The logs do not account for every request of ",
               runs_where(result, [](auto& r) { return !r.conserved(); }), ".");
  const std::string uneven = sentence(
      "Turns were not even in ",
      runs_where(result, [](auto& r) { return r.turns_judged && !r.evidence.turns_even(); }), ".");
  const std::string doubts =
      joined({sentence("Little's law is violated in ",
                       runs_where(result, [](auto& r) { return r.little && !r.little->holds; }),
                       ": something was measured wrongly."),
              sentence("The client was the limit in ",
                       runs_where(result, [](auto& r) { return !r.client.valid; }),
                       ": these numbers tell more of it than of the servers."),
              sentence("Events came late or not at all in ",
                       runs_where(result,
                                  [](auto& r) {
                                    return !r.missed.empty() ||
                                           std::ranges::any_of(r.marks, &RunMark::late);
                                  }),
                       ".")});
  const std::string text = joined({lost, uneven, expected.text(), doubts});
  if (!result.failure.empty()) return {.word = "FAILED", .text = result.failure};
  if (result.interrupted) return {.word = "INTERRUPTED", .text = "It was ended by a signal."};
  if (!lost.empty()) return {.word = "NOT ACCOUNTED FOR", .text = text};
  if (!uneven.empty()) return {.word = "TURNS NOT EVEN", .text = text};
  if (expected.met != expected.all) return {.word = "NOT AS EXPECTED", .text = text};
  if (!doubts.empty()) return {.word = "IN DOUBT", .text = text};
  return {.word = expected.all == 0 ? "FINISHED" : "AS EXPECTED", .text = text, .good = true};
}

}  // namespace giliran::lab
