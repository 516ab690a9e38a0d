#include "report/analysis.h"

#include <fmt/format.h>

#include <algorithm>

#include "report/findings.h"
#include "report/format.h"

namespace giliran::report {

namespace {

using telemetry::Kind;
using telemetry::Tier;

// What is inside must not take longer than the whole. Where the tiers finished different requests
// it may, and nothing can be told of where the time goes.
std::string why_not_parts(const std::vector<const SectionTally*>& tiers) {
  std::string means;
  for (const SectionTally* tier : tiers) {
    const SectionTally::Served served = tier->served();
    means += fmt::format("{}{} at the {} in {} records", means.empty() ? "" : ", ",
                         format_latency_us(served.mean_us), name(tier->counts().tier),
                         format_count(served.count));
  }
  return fmt::format("a part is longer than its whole, by records that are ok: {}", means);
}

}  // namespace

void Analysis::add(const telemetry::Line& line) {
  auto& section = sections_[static_cast<size_t>(line.tier)][static_cast<size_t>(line.kind)];
  if (section == nullptr) {
    section = std::make_unique<SectionTally>(line.tier, line.kind, options_.slowest);
  }
  section->add(line);
  runs_.add(line);
  tally_.add(line);
  names_.add(line);
}

// Only differences of means of the same records are taken; clocks need no agreement.
void Analysis::add_where(Kind kind, std::vector<WhereTimeGoes>& out) const {
  const SectionTally* client = section(Tier::kClient, kind);
  const SectionTally* coordinator = section(Tier::kCoordinator, kind);
  const SectionTally* server = section(Tier::kServer, kind);
  std::vector<const SectionTally*> tiers;
  for (const SectionTally* tier : {client, coordinator, server}) {
    if (tier != nullptr && tier->counts().ok != 0) tiers.push_back(tier);
  }
  if (tiers.size() < 2) return;
  const SectionTally& outer = *tiers.front();
  WhereTimeGoes where;
  where.seen_from = outer.counts().tier;
  where.kind = kind;
  where.mean_us = outer.served().mean_us;
  where.records = outer.served().count;
  where.records_ok = outer.counts().ok;
  where.same_records = std::all_of(tiers.begin(), tiers.end(), [&](const SectionTally* t) {
    return t->served().count == where.records;
  });
  double inside = 0;
  if (server != nullptr && server->counts().ok != 0) {
    const double service = server->part_mean_us(Part::kService);
    const double queue = server->part_mean_us(Part::kQueue);
    inside = server->served().mean_us;
    where.shares.push_back({"service on the servers", service});
    where.shares.push_back({"the servers' queues", queue});
    where.shares.push_back({"the servers' reading and writing", inside - service - queue});
  }
  if (coordinator != nullptr && coordinator->counts().ok != 0) {
    const char* what = inside == 0 ? "the coordinator and its servers"
                                   : "the coordinator and its connections to the servers";
    where.shares.push_back({what, coordinator->served().mean_us - inside});
    inside = coordinator->served().mean_us;
  }
  if (client != nullptr && client->counts().ok != 0) {
    where.shares.push_back({"network and client", client->served().mean_us - inside});
  }
  if (std::ranges::any_of(where.shares, [](const auto& share) { return share.mean_us < 0; })) {
    where.shares.clear();
    where.odd = why_not_parts(tiers);
  }
  out.push_back(std::move(where));
}

Report Analysis::finish(Conservation conservation) const {
  Report report;
  report.files = files_;
  report.runs = runs_.runs();
  report.conservation = std::move(conservation);
  for (const Tier tier : {Tier::kClient, Tier::kCoordinator, Tier::kServer}) {
    for (const Kind kind : {Kind::kExchange, Kind::kFlow, Kind::kMessage}) {
      if (const SectionTally* s = section(tier, kind)) report.sections.push_back(s->finish());
    }
  }
  name_servers(names_, report.sections);
  add_where(Kind::kExchange, report.where);
  add_where(Kind::kMessage, report.where);
  report.findings = findings(report);
  report.answer = answer(report);
  return report;
}

}  // namespace giliran::report
