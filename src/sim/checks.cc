// What must hold whatever happened.
#include <fmt/format.h>

#include <map>
#include <set>

#include "sim/http_client.h"
#include "sim/world.h"

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

// Of one that ended well: the phases fill its time, and all bytes are accounted for.
void check_good(Ledger& ledger, const KeptRecord& kept) {
  const Record& r = kept.record;
  const RequestPlan& plan = ledger.requests[kept.request];
  const RequestSeen& seen = ledger.seen[kept.request];
  if (r.status != plan.status) ledger.wrong("ok with a foreign status: " + describe(kept));
  if (seen.executed == 0) ledger.wrong("ok, and no server has seen it: " + describe(kept));
  const bool bodiless = plan.method == "HEAD" || plan.status == 204 || plan.status == 304;
  if (r.body_out != (bodiless ? 0 : plan.body_out)) {
    ledger.wrong(fmt::format("body_out {} of {}: {}", r.body_out, plan.body_out, describe(kept)));
  }
  if (seen.complete && r.down_out != seen.wire_in) {
    ledger.wrong(fmt::format("down_out {}, the client got {}: {}", r.down_out, seen.wire_in,
                             describe(kept)));
  }
  if (plan.server_act == ServerAct::kEarly) return;
  if (r.body_in != plan.body_in || r.down_in != seen.wire_out) {
    ledger.wrong(fmt::format("body_in {} of {}, down_in {} of {}: {}", r.body_in, plan.body_in,
                             r.down_in, seen.wire_out, describe(kept)));
  }
  if (r.attempts == 1 && (r.up_out != seen.server_in || r.up_in != seen.server_out)) {
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
    if (seen.whole && seen.complete) ledger.wrong(what + ": answered, not recorded");
    if (scenario.calm) ledger.wrong(what + ": not recorded in a calm world");
    return;
  }
  const Record& r = record->record;
  if (!seen.begun) ledger.wrong(what + ": recorded, never sent");
  if (seen.complete && seen.status != r.status) ledger.wrong(what + " but: " + describe(*record));
  if (seen.complete && (seen.status == plan.status) != (r.end == End::kOk)) {
    ledger.wrong(what + " but: " + describe(*record));
  }
  if (r.end == End::kOk) {
    check_good(ledger, *record);
    if (!seen.complete && !seen.client_left && scenario.network.reset <= 0) {
      ledger.wrong(what + ": lost on the way to the client: " + describe(*record));
    }
  } else if (scenario.calm) {
    ledger.wrong("failed in a calm world: " + describe(*record));
  }
  if (seen.executed > 1) {
    const bool replaced = record->tried.find("connection-was-dead") != std::string::npos;
    if (seen.executed > 2 || !idempotent(plan.method) || !replaced) {
      ledger.wrong(what + ": executed again: " + describe(*record));
    }
  }
  if (r.phase != Phase::kRequest && r.parent.value != id) {
    ledger.wrong(what + ": another parent: " + describe(*record));
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
  if (r.down_in != r.up_out || r.down_out != r.up_in) ledger.wrong(what + ": bytes do not match");
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
  if (records != connected) {
    ledger.wrong(fmt::format("{} flows, {} records of flows", connected, records));
  }
}

}  // namespace giliran::sim
