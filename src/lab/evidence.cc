#include "lab/evidence.h"

#include <algorithm>
#include <sstream>
#include <utility>

#include "report/analysis.h"
#include "report/text.h"

namespace giliran::lab {
namespace {

void account(const telemetry::Line& line, const std::vector<std::string>& addresses,
             std::vector<ServerAccount>& accounts) {
  if (line.kind == telemetry::Kind::kMessage || line.tier == telemetry::Tier::kClient) return;
  const bool own = line.tier == telemetry::Tier::kServer;
  const bool silent = line.kind == telemetry::Kind::kFlow && line.up_out + line.up_in == 0;
  if (!own && (line.end != telemetry::End::kOk || silent)) return;
  const auto found = std::ranges::find(addresses, own ? line.local : line.server);
  if (found == addresses.end()) return;
  ServerAccount& its = accounts[static_cast<size_t>(found - addresses.begin())];
  ++(own ? its.recorded : its.answered);
}

// What a server that is killed has not written down yet.
bool lacks_records_only(const report::Comparison& comparison) {
  constexpr std::string_view kNotRecorded = "answered but not recorded";
  return comparison.conserved() ||
         (comparison.right == telemetry::Tier::kServer &&
          std::ranges::all_of(comparison.named, [&](const report::Named& named) {
            return named.accounted || named.name == kNotRecorded;
          }));
}

}  // namespace

bool Evidence::conserved_without(std::span<const std::string> killed) const {
  uint64_t cut = 0;
  for (size_t i = 0; i < accounts.size(); ++i) {
    if (std::ranges::find(killed, turns[i].server) != killed.end()) {
      cut += accounts[i].not_understood;
    } else if (accounts[i].recorded < accounts[i].answered) {
      return false;
    }
  }
  return not_understood == cut && conservation.note.empty() &&
         std::ranges::all_of(conservation.comparisons, lacks_records_only);
}

base::Result<Evidence> read_evidence(const std::vector<std::string>& logs,
                                     const std::vector<std::string>& server_names,
                                     const std::vector<std::string>& server_addresses) {
  Evidence evidence;
  TurnCount turns(server_names, server_addresses);
  std::vector<ServerAccount> accounts(server_names.size());
  report::Analysis analysis({});
  for (const std::string& path : logs) {
    telemetry::ReadStats stats = GILIRAN_TRY(telemetry::read_log(
        {.path = path},
        [&](const telemetry::Line& line) {
          analysis.add(line);
          if (line.tier == telemetry::Tier::kCoordinator) turns.add(line);
          account(line, server_addresses, accounts);
        },
        [&](telemetry::Tier tier, uint64_t count) { analysis.add_dropped(tier, count); }));
    analysis.add_unended(stats.unended);
    evidence.records += stats.records;
    evidence.not_understood += stats.unknown;
    evidence.log_bytes += stats.bytes;
    for (size_t i = 0; i < server_names.size(); ++i) {
      if (path.ends_with("/" + server_names[i] + ".log")) {
        accounts[i].not_understood += stats.unknown;
      }
    }
    analysis.add_file({.path = path, .stats = std::move(stats)});
  }
  evidence.turns = turns.turns();
  evidence.accounts = std::move(accounts);
  evidence.without_server = turns.without_server();
  const report::Report report = analysis.finish(
      GILIRAN_TRY(report::conservation(analysis.tally(), logs, {.complete = true})));
  evidence.conservation = report.conservation;
  std::ostringstream text;
  report::print_text(report, text);
  evidence.report = std::move(text).str();
  if (!report.where.empty()) evidence.where_time_goes = report.where.front().sentence();
  return evidence;
}

}  // namespace giliran::lab
