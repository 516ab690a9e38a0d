#include "lab/evidence.h"

#include "report/analysis.h"

namespace giliran::lab {

base::Result<Evidence> read_evidence(const std::vector<std::string>& logs,
                                     const std::vector<std::string>& server_names,
                                     const std::vector<std::string>& server_addresses) {
  Evidence evidence;
  TurnCount turns(server_names, server_addresses);
  report::Analysis analysis({.slowest = 0});
  for (const std::string& path : logs) {
    const telemetry::ReadStats stats = GILIRAN_TRY(telemetry::read_log(
        {.path = path},
        [&](const telemetry::Line& line) {
          analysis.add(line);
          if (line.tier == telemetry::Tier::kCoordinator) turns.add(line);
        },
        [&](telemetry::Tier tier, uint64_t count) { analysis.add_dropped(tier, count); }));
    evidence.records += stats.records;
    evidence.not_understood += stats.unknown;
    evidence.log_bytes += stats.bytes;
  }
  evidence.turns = turns.turns();
  evidence.without_server = turns.without_server();
  const report::Report report = analysis.finish(
      GILIRAN_TRY(report::conservation(analysis.tally(), logs, {.complete = true})));
  evidence.conservation = report.conservation;
  if (!report.where.empty()) evidence.where_time_goes = report.where.front().sentence();
  return evidence;
}

}  // namespace giliran::lab
