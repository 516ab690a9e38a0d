// The order of causes. A server that is out is asked seldom (it is left out for a while, others get
// its turns), so that each attempt that it failed weighs as much as kOutWeight bad answers. A slow
// one weighs as much as the requests that were slow.
#include "report/server_findings.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "report/fault_text.h"
#include "report/format.h"

namespace giliran::report {

namespace {

using telemetry::Kind;
using telemetry::Tier;

constexpr double kOutWeight = 100;
constexpr double kSeldomWeight = 0.1;  // of what is ordinary in small numbers
constexpr double kManyLeave = 0.1;     // of the requests of a server: then it is not the clients
constexpr double kAlike = 3;           // shares that differ by less are alike
constexpr uint64_t kTailRecordsMin = 100;  // fewer say little about a server's tail
constexpr uint64_t kMedianRecordsMin = 10;
constexpr double kSlowFactor = 3;
constexpr base::Duration kSlowMin = std::chrono::milliseconds(1);  // less is no finding

// What one server, or several alike, did: the parts of one finding.
struct Fact {
  double weight = 0;
  std::string did;     // "refused connections"
  std::string detail;  // "35 of 35 attempts (connect-refused), ..."
};

using Facts = std::map<std::string, std::vector<Fact>>;  // by who

// Two kinds of records that tell the same (messages, and their flows) are told once.
void add(Facts& facts, const std::string& whose, Fact fact) {
  std::vector<Fact>& all = facts[whose];
  const auto same = std::ranges::find(all, fact.did, &Fact::did);
  if (same == all.end()) {
    all.push_back(std::move(fact));
  } else if (same->weight < fact.weight) {
    *same = std::move(fact);
  }
}

// On a server. Who does not say who it is has all of them in the section.
uint64_t attempts_on(const Section& s, const ServerRow& row) {
  return row.says_so ? row.count + row.before : s.records;
}

double share(uint64_t part, uint64_t whole) {
  return static_cast<double>(part) / static_cast<double>(whole);
}

// Refused, timed out, closed.
bool means_out(Fault fault) {
  switch (fault) {
    case Fault::kRefused:
    case Fault::kConnectTimeout:
    case Fault::kUnreachable:
    case Fault::kTimeout:
    case Fault::kTotalTimeout:
    case Fault::kClosed:
      return true;
    case Fault::kGivenUp:
    case Fault::kDeadConnection:
    case Fault::kBadResponse:
    case Fault::kTold:
    case Fault::kStatus5xx:
      return false;
  }
  return false;
}

double weight_of_each(const FaultRow& f, uint64_t attempts) {
  if (means_out(f.fault)) return kOutWeight;
  if (f.fault == Fault::kDeadConnection) return kSeldomWeight;
  // Some clients always leave.
  if (f.fault == Fault::kGivenUp && share(f.count, attempts) < kManyLeave) return kSeldomWeight;
  return 1;
}

Fact fact_of(const FaultRow& f, uint64_t attempts) {
  return {.weight = weight_of_each(f, attempts) * static_cast<double>(f.count),
          .did = did(f.fault),
          .detail = detail_text(f, attempts)};
}

const FaultRow* find(const ServerRow& row, Fault fault) {
  const auto found = std::ranges::find(row.faults, fault, &FaultRow::fault);
  return found == row.faults.end() ? nullptr : &*found;
}

std::string who(const Section& s, const ServerRow& row) {
  if (s.tier == Tier::kClient && !row.says_so) return row.name;
  if (row.has_name()) return "Server " + row.shown;
  if (s.tier == Tier::kServer) return "A server without a name";
  return s.from_json == 0 ? "The coordinator or a server (this format does not say who)"
                          : "The coordinator itself";  // by a route's own answer
}

// A fault that all servers (two or more) have to much the same degree is no server's own.
bool alike_everywhere(const Section& s, Fault fault) {
  double least = 1;
  double most = 0;
  if (std::ranges::count_if(s.servers, &ServerRow::has_name) < 2) return false;
  for (const ServerRow& row : s.servers) {
    if (!row.has_name() || attempts_on(s, row) == 0) continue;
    const FaultRow* f = find(row, fault);
    if (f == nullptr) return false;
    least = std::min(least, share(f->count, attempts_on(s, row)));
    most = std::max(most, share(f->count, attempts_on(s, row)));
  }
  return most < kAlike * least;
}

void add_faults(const Section& s, Facts& out) {
  std::set<Fault> everywhere;
  for (const ServerRow& row : s.servers) {
    for (const FaultRow& f : row.faults) {
      if (row.has_name() && alike_everywhere(s, f.fault)) {
        everywhere.insert(f.fault);
      } else {
        add(out, who(s, row), fact_of(f, attempts_on(s, row)));
      }
    }
  }
  for (const Fault fault : everywhere) {
    FaultRow sum;
    uint64_t attempts = 0;
    for (const ServerRow& row : s.servers) {
      if (!row.has_name()) continue;
      if (const FaultRow* f = find(row, fault)) sum.add(*f);
      attempts += attempts_on(s, row);
    }
    add(out, fmt::format("All {} servers", std::ranges::count_if(s.servers, &ServerRow::has_name)),
        fact_of(sum, attempts));
  }
}

// The lower median, so that one of two can stand out; zero where fewer than two rows have enough.
base::Duration usual(const Section& s, uint64_t records_min, base::Duration Quantiles::* which) {
  std::vector<base::Duration> values;
  for (const ServerRow& row : s.servers) {
    if (row.says_so && row.total.count >= records_min) values.push_back(row.total.*which);
  }
  if (values.size() < 2) return {};
  const auto middle = values.begin() + static_cast<long>((values.size() - 1) / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

bool is_slow(base::Duration value, base::Duration usual) {
  return usual.count() != 0 && base::to_us(value) >= kSlowFactor * base::to_us(usual) &&
         value - usual >= kSlowMin;
}

void add_slow(const Section& s, Facts& out) {
  const base::Duration tail = usual(s, kTailRecordsMin, &Quantiles::p99);
  const base::Duration median = usual(s, kMedianRecordsMin, &Quantiles::p50);
  const auto text = [&](const char* what, base::Duration value, base::Duration other) {
    return fmt::format("{} {} where {} is usual, seen from the {}", what, format_latency(value),
                       format_latency(other), name(s.tier));
  };
  for (const ServerRow& row : s.servers) {
    if (!row.says_so) continue;
    const auto count = static_cast<double>(row.total.count);
    if (row.total.count >= kMedianRecordsMin && is_slow(row.total.p50, median)) {
      add(out, who(s, row),
          {.weight = count / 2, .did = "is slow", .detail = text("p50", row.total.p50, median)});
    } else if (row.total.count >= kTailRecordsMin && is_slow(row.total.p99, tail)) {
      add(out, who(s, row),
          {.weight = count / 100,
           .did = "is slow at times",
           .detail = text("p99", row.total.p99, tail)});
    }
  }
}

// The coordinator knows nothing of who could not connect to it.
void add_unreachable_coordinator(const Section& s, Facts& out) {
  for (const ServerRow& row : s.servers) {
    if (row.says_so) continue;
    for (const FaultRow& f : row.faults) {
      if (f.fault != Fault::kRefused && f.fault != Fault::kConnectTimeout &&
          f.fault != Fault::kUnreachable) {
        continue;
      }
      add(out, "The coordinator at " + row.name, fact_of(f, attempts_on(s, row)));
    }
  }
}

// Behind a coordinator of flows, who did not answer a client is not known.
Section only_named(Section section) {
  std::erase_if(section.servers, [](const ServerRow& row) { return !row.says_so; });
  return section;
}

Finding finding_of(const std::string& whose, std::vector<Fact> all) {
  std::ranges::stable_sort(all, std::ranges::greater(), &Fact::weight);
  Finding finding{.title = fmt::format("{} {}", whose, all.front().did),
                  .detail = all.front().detail};
  for (const Fact& fact : all) finding.weight += fact.weight;
  for (size_t i = 1; i < all.size(); ++i) {
    finding.detail += fmt::format(". It {}: {}", all[i].did, all[i].detail);
  }
  return finding;
}

}  // namespace

const Section* seen_from(const Report& report, Kind kind) {
  for (const Tier tier : {Tier::kCoordinator, Tier::kClient, Tier::kServer}) {
    for (const Section& s : report.sections) {
      if (s.tier == tier && s.kind == kind) return &s;
    }
  }
  return nullptr;
}

void about_servers(const Report& report, std::vector<Finding>& out) {
  Facts facts;
  const bool coordinator = std::ranges::find(report.sections, Tier::kCoordinator, &Section::tier) !=
                           report.sections.end();
  for (const Kind kind : {Kind::kExchange, Kind::kMessage, Kind::kFlow}) {
    const Section* s = seen_from(report, kind);
    if (s == nullptr) continue;
    if (coordinator && s->tier == Tier::kClient) {
      add_faults(only_named(*s), facts);
    } else {
      add_faults(*s, facts);
    }
    if (kind != Kind::kFlow) add_slow(*s, facts);
  }
  for (const Section& s : report.sections) {
    if (coordinator && s.tier == Tier::kClient && s.kind != Kind::kMessage) {
      add_unreachable_coordinator(s, facts);
    }
  }
  for (auto& [whose, all] : facts) out.push_back(finding_of(whose, std::move(all)));
}

}  // namespace giliran::report
