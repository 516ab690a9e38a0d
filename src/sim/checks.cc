// What must hold whatever happened.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "sim/http_client.h"
#include "sim/world.h"
#include "wire/proxy_header/proxy_header.h"

namespace giliran::sim {
namespace {

using telemetry::By;
using telemetry::End;
using telemetry::kNotReached;
using telemetry::Phase;
using telemetry::Record;

std::string describe(const KeptRecord& kept) {
  const Record& r = kept.record;
  return fmt::format(
      "{} {} end {} by {} phase {} status {} attempts {} tried [{}] server {} reused {} reason "
      "[{}]",
      kept.method, kept.target, name(r.end), name(r.by), name(r.phase), r.status, r.attempts,
      kept.tried, kept.server, r.reused, kept.reason);
}

bool idempotent(std::string_view method) {
  return method != "POST";
}

void check_phases(Ledger& ledger, const KeptRecord& kept) {
  const Record& r = kept.record;
  for (const base::Duration d :
       {r.idle, r.head, r.queue, r.connect, r.send, r.wait, r.data, r.service}) {
    if (d < base::Duration{0} && d != kNotReached) {
      ledger.wrong(fmt::format("a phase of {} ns: {}", d.count(), describe(kept)));
    }
  }
  if (r.total < base::Duration{0}) ledger.wrong("no total: " + describe(kept));
  const bool ok = r.end == End::kOk;
  if (ok != (r.by == By::kNobody) || ok != (r.phase == Phase::kNone)) {
    ledger.wrong("end, by and phase do not fit: " + describe(kept));
  }
  if ((r.attempts == 0) != kept.server.empty()) {
    ledger.wrong("attempts and server do not fit: " + describe(kept));
  }
}

// How often it was sent again, by what its record says of the attempts that failed.
struct Tries {
  uint32_t replaced = 0;   // a dead idle connection, by another to the same server
  uint32_t repeated = 0;   // after it may have been executed: an answer, or none, by status
  uint32_t of_budget = 0;  // all but those replaced
};

Tries tries_of(const KeptRecord& kept) {
  Tries tries;
  std::string_view rest = kept.tried;
  while (!rest.empty()) {
    const size_t end = std::min(rest.find("; "), rest.size());
    const std::string_view how = rest.substr(0, end).substr(rest.find(' ') + 1);
    rest.remove_prefix(std::min(rest.size(), end + 2));
    if (how == "connection-was-dead") {
      ++tries.replaced;
      continue;
    }
    if (how != "connect-refused" && how != "connect-timeout" && how != "connect-failed") {
      ++tries.repeated;
    }
  }
  if (kept.record.attempts > 1) tries.of_budget = kept.record.attempts - 1U - tries.replaced;
  return tries;
}

void check_limits(Ledger& ledger, const KeptRecord& kept) {
  constexpr base::Duration kSlack = std::chrono::milliseconds(2);
  const Record& r = kept.record;
  const Bounds& bounds = ledger.bounds;
  if (const auto found = bounds.pools.find(kept.pool); found != bounds.pools.end()) {
    const Bounds::OfPool& pool = found->second;
    // One stay in front of each attempt, and one that ended it.
    const uint32_t stays = r.attempts + (r.phase == Phase::kQueue ? 1U : 0U);
    if (pool.limited && r.queue > stays * (pool.queue_timeout + kSlack)) {
      ledger.wrong(fmt::format("in the queue for {} us: {}", base::to_us(r.queue), describe(kept)));
    }
    if (tries_of(kept).of_budget > pool.retries_max) {
      ledger.wrong("tried again too often: " + describe(kept));
    }
  }
  // An answer of our own takes as long as its reader wants.
  const bool relayed = r.end == End::kOk && r.attempts != 0 && r.status != 101;
  if (bounds.total_timeout.count() != 0 && relayed && r.total > bounds.total_timeout + kSlack) {
    ledger.wrong(fmt::format("took {} us: {}", base::to_us(r.total), describe(kept)));
  }
  if (bounds.body_bytes_max != 0 && relayed && r.body_in > bounds.body_bytes_max) {
    ledger.wrong(fmt::format("a body of {}: {}", r.body_in, describe(kept)));
  }
  if (bounds.requests_per_connection_max != 0 && r.end == End::kOk &&
      r.sequence > bounds.requests_per_connection_max) {
    ledger.wrong(fmt::format("request {} of a connection: {}", r.sequence, describe(kept)));
  }
}

// Of one that ended well: the phases fill its time, and all bytes are accounted for.
void check_good(Ledger& ledger, const Scenario& scenario, const KeptRecord& kept) {
  const Record& r = kept.record;
  const RequestPlan& plan = ledger.requests[kept.request];
  const RequestSeen& seen = ledger.seen[kept.request];
  if (!plan.status_may_be(r.status)) ledger.wrong("ok with a foreign status: " + describe(kept));
  if ((seen.executed == 0) != plan.local()) {
    ledger.wrong("answered by whom? " + describe(kept));
  }
  const bool bodiless = plan.method == "HEAD" || r.status == 204 || r.status == 304;
  if (r.body_out != (bodiless ? 0 : plan.body_out)) {
    ledger.wrong(fmt::format("body_out {} of {}: {}", r.body_out, plan.body_out, describe(kept)));
  }
  if (seen.complete && r.down_out != seen.wire_in) {
    ledger.wrong(fmt::format("down_out {}, the client got {}: {}", r.down_out, seen.wire_in,
                             describe(kept)));
  }
  if (plan.server_act == ServerAct::kEarly || plan.local()) return;
  if (r.body_in != plan.bytes_in() || r.down_in != seen.wire_out) {
    ledger.wrong(fmt::format("body_in {} of {}, down_in {} of {}: {}", r.body_in, plan.bytes_in(),
                             r.down_in, seen.wire_out, describe(kept)));
  }
  // What the kernel has taken of a tunnel may still be lost with the server.
  const bool lossy = plan.tunnel() && (ledger.kills != 0 || scenario.network.reset > 0);
  if (r.attempts == 1 && !lossy && (r.up_out != seen.server_in || r.up_in != seen.server_out)) {
    ledger.wrong(fmt::format("up_out {} of {}, up_in {} of {}: {}", r.up_out, seen.server_in,
                             r.up_in, seen.server_out, describe(kept)));
  }
  const base::Duration sum = r.head + r.queue + r.connect + r.send + r.wait + r.data;
  if (sum != r.total) {
    ledger.wrong(fmt::format("phases of {} ns in a total of {} ns: {}", sum.count(),
                             r.total.count(), describe(kept)));
  }
}

void check_request(Ledger& ledger, const Scenario& scenario, uint64_t id,
                   const KeptRecord* record) {
  const RequestPlan& plan = ledger.requests[id];
  const RequestSeen& seen = ledger.seen[id];
  const std::string what =
      fmt::format("request {} ({}, begun {}, whole {}, complete {}, status {}, executed {})", id,
                  plan.method, seen.begun, seen.whole, seen.complete, seen.status, seen.executed);
  if (record == nullptr) {
    if (seen.executed != 0) ledger.wrong(what + ": executed, not recorded");
    // Given up for want of memory before its head was read, it is recorded without a name.
    const bool no_memory = scenario.config.limits.memory_max != 0 && seen.own && seen.status == 503;
    if (seen.whole && seen.complete && !no_memory) ledger.wrong(what + ": answered, not recorded");
    if (scenario.calm) ledger.wrong(what + ": not recorded in a calm world");
    return;
  }
  const Record& r = record->record;
  if (!seen.begun) ledger.wrong(what + ": recorded, never sent");
  if (seen.complete && seen.status != r.status) ledger.wrong(what + " but: " + describe(*record));
  if (seen.complete && !plan.tunnel() && seen.own != (r.end != End::kOk)) {
    ledger.wrong(what + " but: " + describe(*record));
  }
  if (r.end == End::kOk) {
    check_good(ledger, scenario, *record);
    if (!seen.complete && !seen.client_left && scenario.network.reset <= 0) {
      ledger.wrong(what + ": lost on the way to the client: " + describe(*record));
    }
  } else if (scenario.calm) {
    ledger.wrong("failed in a calm world: " + describe(*record));
  }
  const Tries tries = tries_of(*record);
  if (tries.replaced > 1) ledger.wrong("replaced twice: " + describe(*record));
  if (seen.executed > 1 &&
      (!idempotent(plan.method) || seen.executed > 1 + tries.replaced + tries.repeated)) {
    ledger.wrong(what + ": executed again: " + describe(*record));
  }
  check_limits(ledger, *record);
  if (r.phase != Phase::kRequest && r.parent.value != id) {
    ledger.wrong(what + ": another parent: " + describe(*record));
  }
}

}  // namespace

// health/retry_budget.h says how many there may be.
void check_retries(Ledger& ledger) {
  std::map<std::string, std::pair<uint64_t, uint64_t>> of;  // requests and retries
  for (const KeptRecord& kept : ledger.records) {
    auto& [requests, retries] = of[kept.pool];
    ++requests;
    retries += tries_of(kept).of_budget;
  }
  for (const auto& [pool, counts] : of) {
    const auto found = ledger.bounds.pools.find(pool);
    if (found == ledger.bounds.pools.end()) continue;
    const Bounds::OfPool& bounds = found->second;
    const double allowed = bounds.budget_part * static_cast<double>(counts.first) +
                           bounds.budget_floor * (base::to_seconds(ledger.bounds.span) + 10) + 1;
    if (static_cast<double>(counts.second) > allowed) {
      ledger.wrong(fmt::format("{} retries of {} requests of pool {}, {} allowed", counts.second,
                               counts.first, pool, allowed));
    }
  }
}

namespace {

// Whoever brings a cookie back is served by whom it names, where nothing is in the way.
void check_stickiness(Ledger& ledger, const Scenario& scenario,
                      const std::vector<const KeptRecord*>& of) {
  if (!scenario.calm || ledger.bounds.reloaded || ledger.bounds.pools["http"].limited) return;
  std::map<std::string, std::string> server_of;
  for (size_t id = 1; id < of.size(); ++id) {
    const RequestSeen& seen = ledger.seen[id];
    if (!seen.set_cookie.empty()) server_of[seen.set_cookie] = of[id]->server;
  }
  for (size_t id = 1; id < of.size(); ++id) {
    const bool elsewhere = of[id]->pool != "http" || ledger.requests[id].local();
    if (ledger.seen[id].cookie.empty() || elsewhere) continue;
    if (server_of[ledger.seen[id].cookie] != of[id]->server) {
      ledger.wrong("not whom its cookie names: " + describe(*of[id]));
    }
  }
}

}  // namespace

void check_requests(Ledger& ledger, const Scenario& scenario) {
  std::vector<const KeptRecord*> of(ledger.requests.size(), nullptr);
  std::set<std::pair<uint64_t, uint64_t>> places;
  uint64_t nameless = 0;
  for (const KeptRecord& kept : ledger.records) {
    if (kept.record.kind == telemetry::Kind::kFlow) continue;
    check_phases(ledger, kept);
    if (!places.insert({kept.record.connection, kept.record.sequence}).second) {
      ledger.wrong("two records of one place on one connection: " + describe(kept));
    }
    if (kept.request == 0) {
      ++nameless;
      if (kept.record.phase != Phase::kRequest) ledger.wrong("of what? " + describe(kept));
    } else if (kept.request >= of.size()) {
      ledger.wrong("of a request nobody planned: " + describe(kept));
    } else if (of[kept.request] != nullptr) {
      ledger.wrong("recorded twice: " + describe(kept) + " and " + describe(*of[kept.request]));
    } else {
      of[kept.request] = &kept;
    }
  }
  uint64_t unrecorded = 0;
  for (uint64_t id = 1; id < of.size(); ++id) {
    if (ledger.seen[id].begun && of[id] == nullptr) ++unrecorded;
    check_request(ledger, scenario, id, of[id]);
  }
  if (std::ranges::find(of.begin() + 1, of.end(), nullptr) == of.end()) {
    check_stickiness(ledger, scenario, of);
  }
  if (nameless > unrecorded) {
    ledger.wrong(
        fmt::format("{} records of requests that were cut, {} of those", nameless, unrecorded));
  }
}

namespace {

void check_flow(Ledger& ledger, const Scenario& scenario, uint64_t id, const KeptRecord& kept) {
  const FlowPlan& plan = ledger.flows[id];
  const FlowSeen& seen = ledger.flows_seen[id];
  const Record& r = kept.record;
  const std::string what = fmt::format("flow {}: ", id) + describe(kept);
  check_phases(ledger, kept);
  if (seen.served > 1) ledger.wrong(what + ": served twice");
  if (seen.got_down > plan.down || seen.got_up > plan.up) ledger.wrong(what + ": too many bytes");
  const uint64_t header = r.up_out - r.down_in;  // in front of what the client said
  const bool announced = scenario.config.pools[2].proxy_protocol != config::ProxyProtocol::kNone;
  if (header > (announced ? wire::proxy_header::kV1BytesMax : 0) || r.down_out != r.up_in) {
    ledger.wrong(fmt::format("{}: {} bytes in, {} up; {} back, {} down", what, r.down_in, r.up_out,
                             r.up_in, r.down_out));
  }
  if (scenario.calm && r.end != End::kOk) ledger.wrong(what + " in a calm world");
  if (r.end != End::kOk) return;
  if (r.down_in != kFlowHello + plan.up || r.down_out != plan.down) {
    ledger.wrong(fmt::format("{}: {} of {} bytes up, {} of {} down", what, r.down_in,
                             kFlowHello + plan.up, r.down_out, plan.down));
  }
  if (r.queue + r.connect + r.data != r.total) ledger.wrong(what + ": phases do not fill it");
  // What the kernel of a peer has taken may still be lost with the peer.
  if (scenario.network.reset > 0) return;
  if (seen.got_down != plan.down || !seen.client_got_end) {
    ledger.wrong(fmt::format("{}: the client got {} of {} bytes, end {}", what, seen.got_down,
                             plan.down, seen.client_got_end));
  }
  if (ledger.kills == 0 && (seen.got_up != plan.up || !seen.server_got_end)) {
    ledger.wrong(fmt::format("{}: the server got {} of {} bytes, end {}", what, seen.got_up,
                             plan.up, seen.server_got_end));
  }
}

}  // namespace

void check_flows(Ledger& ledger, const Scenario& scenario) {
  std::map<uint16_t, uint64_t> by_port;
  uint64_t connected = 0;
  for (uint64_t id = 1; id < ledger.flows.size(); ++id) {
    if (!ledger.flows_seen[id].connected) continue;
    ++connected;
    by_port[ledger.flows_seen[id].local.port()] = id;
  }
  uint64_t records = 0;
  for (const KeptRecord& kept : ledger.records) {
    if (kept.record.kind != telemetry::Kind::kFlow) continue;
    ++records;
    const auto found = by_port.find(kept.record.peer.port());
    if (found == by_port.end()) {
      ledger.wrong("a flow nobody began, or recorded twice: " + describe(kept));
      continue;
    }
    check_flow(ledger, scenario, found->second, kept);
    by_port.erase(found);
  }
  // Cut before its PROXY header was read, it was no flow yet.
  const bool unread = scenario.announce && !scenario.calm && records < connected;
  if (records != connected && !unread) {
    ledger.wrong(fmt::format("{} flows, {} records of flows", connected, records));
  }
}

}  // namespace giliran::sim
