// The sample is of the records whose spans have the least hashes: both tiers keep the same ones
// without knowing of each other, in any order of files.
#include "report/server_names.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace giliran::report {

namespace {

using telemetry::Tier;

constexpr uint64_t kSeenMin = 3;  // together, before two names are one server's

// The one partner of each key, where it has no other.
using Partners = std::map<std::string, std::map<std::string, uint64_t>>;

std::optional<std::string> only_partner(const Partners& partners, const std::string& key) {
  const auto found = partners.find(key);
  if (found == partners.end() || found->second.size() != 1) return std::nullopt;
  const auto& [partner, seen] = *found->second.begin();
  return seen >= kSeenMin ? std::optional(partner) : std::nullopt;
}

std::string both_names(const std::string& coordinators, const std::string& own) {
  return own == coordinators ? own : fmt::format("{} ({})", coordinators, own);
}

}  // namespace

void NameSample::keep(Sample& sample, base::SpanId span, std::string_view name) {
  if (span.none() || name.empty()) return;
  const uint64_t hash = span.value * 0x9e3779b97f4a7c15ULL;
  if (sample.size() == kSampleMax) {
    const auto last = std::prev(sample.end());
    if (hash >= last->first) return;
    sample.erase(last);
  }
  sample.emplace(hash, name);
}

void NameSample::add(const telemetry::Line& line) {
  if (line.kind != telemetry::Kind::kExchange || line.end != telemetry::End::kOk) return;
  if (line.tier == Tier::kClient) keep(told_, line.span, line.server);
  if (line.tier == Tier::kCoordinator) keep(chosen_, line.parent, line.server);
}

std::map<std::string, std::string> NameSample::pairs() const {
  Partners told_by;
  Partners chosen_by;
  for (const auto& [hash, chosen] : chosen_) {
    const auto told = told_.find(hash);
    if (told == told_.end()) continue;
    ++told_by[chosen][told->second];
    ++chosen_by[told->second][chosen];
  }
  std::map<std::string, std::string> pairs;
  for (const auto& [chosen, ignored] : told_by) {
    const auto told = only_partner(told_by, chosen);
    if (told && only_partner(chosen_by, *told) == chosen) pairs[chosen] = *told;
  }
  return pairs;
}

void name_servers(const NameSample& sample, std::vector<Section>& sections) {
  std::map<std::string, std::string> own_by_address;
  for (const Section& s : sections) {
    if (s.tier != Tier::kServer) continue;
    for (const ServerRow& row : s.servers) {
      if (!row.address.empty()) own_by_address.emplace(row.address, row.name);
    }
  }
  std::map<std::string, std::string> own = sample.pairs();  // by the coordinator's name
  for (const Section& s : sections) {
    if (s.tier != Tier::kCoordinator) continue;
    for (const ServerRow& row : s.servers) {
      const auto found = own_by_address.find(row.address);
      if (found != own_by_address.end()) own[row.name] = found->second;
    }
  }
  std::map<std::string, std::string> shown;  // by either name
  std::map<std::string, int> called;         // by how many of the coordinator's names
  for (const auto& [coordinators, servers] : own) ++called[servers];
  for (const auto& [coordinators, servers] : own) {
    shown[coordinators] = both_names(coordinators, servers);
    if (called[servers] == 1) shown[servers] = shown[coordinators];
  }
  for (Section& s : sections) {
    for (ServerRow& row : s.servers) {
      const auto found = shown.find(row.name);
      row.shown = found == shown.end() || !row.says_so ? row.name : found->second;
    }
  }
}

}  // namespace giliran::report
