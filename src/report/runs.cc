#include "report/runs.h"

#include <algorithm>

namespace giliran::report {
namespace {

constexpr std::string_view kOthers = "(others)";

}  // namespace

void RunTally::add(const telemetry::Line& line) {
  if (line.tier != telemetry::Tier::kClient) return;
  ClientRun& to = run(line.run);
  const int64_t at = line.arrived().ns;
  if (at < to.first_ns) {
    to.first_ns = at;
    to.begin = line.ts;
  }
  to.last_ns = std::max(to.last_ns, at);
  ++to.records;
  to.errors += line.end != telemetry::End::kOk || line.status >= 400 ? 1 : 0;
}

ClientRun& RunTally::run(std::string_view id) {
  if (last_ < runs_.size() && runs_[last_].id == id) return runs_[last_];
  const auto found = std::ranges::find(runs_, id, &ClientRun::id);
  last_ = static_cast<size_t>(found - runs_.begin());
  if (found != runs_.end()) return *found;
  if (runs_.size() >= kRunsMax && id != kOthers) return run(kOthers);
  return runs_.emplace_back(ClientRun{.id = std::string(id)});
}

}  // namespace giliran::report
