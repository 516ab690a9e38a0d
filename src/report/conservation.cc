#include "report/conservation.h"

#include <fmt/format.h>

#include <algorithm>

#include "report/join.h"

namespace giliran::report {

namespace {

using telemetry::End;
using telemetry::Kind;
using telemetry::Tier;
using Set = ConservationTally::Set;

// The finalizer of splitmix64.
uint64_t mix(uint64_t z) {
  z += 0x9e3779b97f4a7c15ULL;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

// True where constant-memory sums prove that nothing differs and nothing failed.
bool equal_and_good(const Set& left, const Set& right) {
  return left.records == left.ok && right.records == right.ok &&
         left.asking.count == left.records && left.asking == right.asked &&
         left.up_out == right.down_in && left.up_in == right.down_out;
}

Comparison compare(const ConservationTally& tally, Kind kind, Tier left_tier, Tier right_tier) {
  const Set& left = tally.of(left_tier, kind);
  const Set& right = tally.of(right_tier, kind);
  return {.kind = kind,
          .left = left_tier,
          .right = right_tier,
          .left_count = left.records,
          .right_count = right.asked.count,
          .left_out = left.up_out,
          .right_in = right.down_in,
          .left_in = left.up_in,
          .right_out = right.down_out,
          .exact = !equal_and_good(left, right)};
}

// Which tiers to compare for exchanges or flows: hop by hop where the coordinator has such records,
// otherwise the client with the server (a TCP coordinator sees no exchanges).
void choose(const ConservationTally& tally, Kind kind, const ConservationOptions& options,
            std::vector<Comparison>& out) {
  const auto has = [&](Tier tier) { return tally.of(tier, kind).records != 0; };
  const auto tcp_coordinator =
      kind == Kind::kExchange && tally.of(Tier::kCoordinator, Kind::kFlow).records != 0;
  const auto hop = [&](Tier left, Tier right) {
    if (has(left) && (has(right) || options.complete)) {
      out.push_back(compare(tally, kind, left, right));
    }
  };
  if (has(Tier::kCoordinator) || (options.complete && !tcp_coordinator)) {
    hop(Tier::kClient, Tier::kCoordinator);
    // Servers that speak HTTP behind a TCP listener record exchanges, not flows.
    const bool http_servers = kind == Kind::kFlow && !has(Tier::kServer) &&
                              tally.of(Tier::kServer, Kind::kExchange).records != 0;
    if (!http_servers) hop(Tier::kCoordinator, Tier::kServer);
  } else {
    hop(Tier::kClient, Tier::kServer);
  }
}

// Messages have no identity of their own across tiers: their numbers are compared.
void compare_messages(const ConservationTally& tally, std::vector<Comparison>& out) {
  struct Answered {
    uint64_t all, ok;
    bool any;
  };
  const auto answered = [&](Tier tier) -> Answered {
    const Set& records = tally.of(tier, Kind::kMessage);
    const Set& flows = tally.of(tier, Kind::kFlow);
    if (records.records != 0) return {records.records, records.ok, true};
    return {flows.messages, flows.messages, flows.messages != 0};
  };
  const Answered client = answered(Tier::kClient);
  const Answered server = answered(Tier::kServer);
  if (!client.any || !server.any) return;
  Comparison c{.kind = Kind::kMessage,
               .left = Tier::kClient,
               .right = Tier::kServer,
               .left_count = client.all,
               .right_count = server.all};
  const uint64_t failed = client.all - client.ok;
  const auto name = [&](const char* what, const char* detail, uint64_t count, bool accounted) {
    if (count != 0) {
      c.named.push_back(
          {.name = what, .detail = detail, .count = count, .example = "", .accounted = accounted});
    }
  };
  if (server.ok > client.ok) {
    const uint64_t late = std::min(server.ok - client.ok, failed);
    const uint64_t more = server.ok - client.ok - late;
    const uint64_t dropped = std::min(more, tally.dropped(Tier::kClient));
    name("answered too late", "", late, true);
    name("dropped records", "client", dropped, true);
    name("answered but not recorded", "no client record", more - dropped, false);
    name("lost before or after hand-off", "the client's record says why", failed - late, true);
  } else {
    const uint64_t missing = client.ok - server.ok;
    const uint64_t dropped = std::min(missing, tally.dropped(Tier::kServer));
    name("dropped records", "server", dropped, true);
    const bool killed = tally.unended(Tier::kServer) != 0;
    name(killed ? kNoEndMark : "answered but not recorded", killed ? "server" : "no server record",
         missing - dropped, killed);
    name("lost before or after hand-off", "the client's record says why", failed, true);
  }
  out.push_back(std::move(c));
}

}  // namespace

void SetHash::add(uint64_t key) {
  const uint64_t hash = mix(key);
  ++count;
  sum += hash;
  exclusive ^= mix(hash);
}

bool Comparison::conserved() const {
  return std::all_of(named.begin(), named.end(), [](const Named& n) { return n.accounted; });
}

bool Conservation::conserved() const {
  return note.empty() && std::all_of(comparisons.begin(), comparisons.end(),
                                     [](const Comparison& c) { return c.conserved(); });
}

void ConservationTally::add(const telemetry::Line& line) {
  Set& set = sets_[static_cast<size_t>(line.tier)][static_cast<size_t>(line.kind)];
  ++set.records;
  if (line.end == End::kOk) ++set.ok;
  set.messages += line.messages;
  set.up_out += line.up_out;
  set.up_in += line.up_in;
  if (const auto key = asking_key(line)) set.asking.add(*key);
  if (const auto key = asked_key(line)) {
    set.asked.add(*key);
    set.down_in += line.down_in;
    set.down_out += line.down_out;
  }
}

void ConservationTally::add_dropped(Tier tier, uint64_t count) {
  dropped_[static_cast<size_t>(tier)] += count;
}

void ConservationTally::add_unended(const std::array<uint64_t, 3>& processes) {
  for (size_t tier = 0; tier < processes.size(); ++tier) unended_[tier] += processes[tier];
}

base::Result<Conservation> conservation(const ConservationTally& tally,
                                        std::span<const std::string> paths,
                                        const ConservationOptions& options) {
  Conservation result;
  choose(tally, Kind::kExchange, options, result.comparisons);
  choose(tally, Kind::kFlow, options, result.comparisons);
  for (const Tier tier : {Tier::kClient, Tier::kCoordinator, Tier::kServer}) {
    result.dropped[static_cast<size_t>(tier)] = tally.dropped(tier);
    result.unended[static_cast<size_t>(tier)] = tally.unended(tier);
  }
  std::vector<Comparison*> to_join;
  size_t items = 0;
  for (Comparison& c : result.comparisons) {
    if (!c.exact) continue;
    to_join.push_back(&c);
    items += tally.of(c.left, c.kind).records + tally.of(c.right, c.kind).records;
  }
  if (!to_join.empty()) {
    if (std::find(paths.begin(), paths.end(), "-") != paths.end()) {
      result.note = "differences cannot be named: standard input cannot be read twice; give a file";
    } else {
      const auto joined = join_exactly(paths, items, options.items_max, result, std::move(to_join));
      if (!joined) return std::unexpected(joined.error());
    }
  }
  compare_messages(tally, result.comparisons);
  return result;
}

base::Result<Conservation> conservation(std::span<const std::string> paths,
                                        const ConservationOptions& options) {
  ConservationTally tally;
  for (const std::string& path : paths) {
    const auto read = telemetry::read_log(
        {.path = path}, [&](const telemetry::Line& line) { tally.add(line); },
        [&](Tier tier, uint64_t count) { tally.add_dropped(tier, count); });
    if (!read) return std::unexpected(read.error());
    tally.add_unended(read->unended);
  }
  return conservation(tally, paths, options);
}

}  // namespace giliran::report
