// What is said at the end.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cluster/snapshot.h"
#include "proxy/worker.h"
#include "telemetry/log.h"

namespace giliran::control {

// How often each server was chosen, those that a reload removed too. Control thread only.
class ServerCounts {
 public:
  // To be told of each snapshot before it is published.
  void published(const cluster::Snapshot* old, const cluster::Snapshot& now);
  // "  server a chosen 12 times", a line each.
  std::string text(const cluster::Snapshot& now) const;

 private:
  std::vector<std::shared_ptr<cluster::Endpoint>> removed_;  // that something may still use
  std::map<std::string, uint64_t> chosen_;                   // of those nothing uses, by name
};

struct Totals {
  proxy::WorkerCounts counts;
  telemetry::Log::Counts logged;
  base::Duration ran{}, cpu{};
};

std::string summary(const Totals& totals);

}  // namespace giliran::control
