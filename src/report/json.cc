#include "report/json.h"

namespace giliran::report {

namespace {

using Json = nlohmann::ordered_json;

Json file_json(const FileRead& file) {
  Json examples = Json::array();
  for (const telemetry::Unknown& u : file.stats.unknown_examples) {
    examples.push_back({{"line", u.line}, {"why", u.why}, {"text", u.text}});
  }
  return {{"path", file.path},
          {"bytes", file.stats.bytes},
          {"lines", file.stats.lines},
          {"records", file.stats.records},
          {"dropped", file.stats.dropped},
          {"unended", file.stats.unended_in_all()},
          {"unknown", file.stats.unknown},
          {"unknown_examples", std::move(examples)}};
}

Json rate_json(const RateOverTime& rate) {
  Json counts = Json::array();
  Json errors = Json::array();
  for (const RateBucket& bucket : rate.buckets) {
    counts.push_back(bucket.count);
    errors.push_back(bucket.errors);
  }
  return {{"begin_unix_s", static_cast<double>(rate.begin.ns) / 1e9},
          {"interval_s", base::to_seconds(rate.interval)},
          {"counts", std::move(counts)},
          {"errors", std::move(errors)}};
}

Json failures_json(const Section& s) {
  Json all = Json::array();
  for (const Failure& f : s.failures) {
    all.push_back({{"end", name(f.end)},
                   {"by", name(f.by)},
                   {"phase", name(f.phase)},
                   {"reason", f.reason},
                   {"count", f.count},
                   {"example", f.example}});
  }
  return all;
}

Json faults_json(const std::vector<FaultRow>& faults) {
  Json all = Json::array();
  for (const FaultRow& f : faults) {
    Json one = {{"fault", name(f.fault)}, {"count", f.count},     {"passed", f.passed},
                {"first_ts", f.first_ts}, {"last_ts", f.last_ts}, {"reason", f.reason},
                {"example", f.example}};
    for (const auto& [status, count] : f.statuses) one["statuses"][std::to_string(status)] = count;
    all.push_back(std::move(one));
  }
  return all;
}

Json servers_json(const Section& s) {
  Json all = Json::array();
  for (const ServerRow& r : s.servers) {
    all.push_back({{"name", r.name},
                   {"shown", r.shown},
                   {"count", r.count},
                   {"errors", r.errors},
                   {"faults", faults_json(r.faults)},
                   {"connect", to_json(r.connect)},
                   {s.tier == telemetry::Tier::kServer ? "service" : "wait", to_json(r.wait)},
                   {"total", to_json(r.total)}});
  }
  return all;
}

Json slowest_json(const Section& s) {
  Json all = Json::array();
  for (const SlowRecord& r : s.slowest) {
    all.push_back({{"total_us", base::to_us(r.total)},
                   {"dominant", r.dominant_time.count() < 0 ? "" : name(r.dominant)},
                   {"dominant_us", std::max(0.0, base::to_us(r.dominant_time))},
                   {"ts", r.ts},
                   {"method", r.method},
                   {"target", r.target},
                   {"server", r.server},
                   {"peer", r.peer},
                   {"trace", r.trace},
                   {"status", r.status},
                   {"end", name(r.end)}});
  }
  return all;
}

Json section_json(const Section& s) {
  Json phases = Json::object();
  for (size_t i = 0; i < kParts; ++i) {
    if (s.parts[i].count != 0) {
      phases[std::string(name(static_cast<Part>(i)))] = to_json(s.parts[i]);
    }
  }
  Json statuses = Json::object();
  for (const auto& [status, count] : s.statuses) statuses[std::to_string(status)] = count;
  return {{"tier", name(s.tier)},
          {"kind", name(s.kind)},
          {"records", s.records},
          {"ok", s.ok},
          {"ok_4xx", s.ok_4xx},
          {"ok_5xx", s.ok_5xx},
          {"errors", s.errors()},
          {"messages", s.messages},
          {"attempts", s.attempts},
          {"retried", s.retried},
          {"reused", s.reused},
          {"bytes",
           {{"down_in", s.down_in},
            {"down_out", s.down_out},
            {"up_out", s.up_out},
            {"up_in", s.up_in},
            {"body_in", s.body_in},
            {"body_out", s.body_out}}},
          {"begin_unix_s", static_cast<double>(s.begin.ns) / 1e9},
          {"duration_s", base::to_seconds(s.duration)},
          {"per_second", s.per_second()},
          {"total", to_json(s.total)},
          {"phases", std::move(phases)},
          {"statuses", std::move(statuses)},
          {"failures", failures_json(s)},
          {"servers", servers_json(s)},
          {"slowest", slowest_json(s)},
          {"rate", rate_json(s.rate)}};
}

Json where_json(const WhereTimeGoes& where) {
  Json shares = Json::array();
  for (const auto& share : where.shares) {
    shares.push_back({{"what", share.what}, {"mean_us", share.mean_us}});
  }
  Json object = {{"seen_from", name(where.seen_from)}, {"kind", name(where.kind)},
                 {"mean_us", where.mean_us},           {"records", where.records},
                 {"same_records", where.same_records}, {"shares", std::move(shares)}};
  if (!where.odd.empty()) object["odd"] = where.odd;
  return object;
}

Json comparison_json(const Comparison& c) {
  Json named = Json::array();
  for (const Named& n : c.named) {
    named.push_back({{"name", n.name},
                     {"detail", n.detail},
                     {"count", n.count},
                     {"example", n.example},
                     {"accounted", n.accounted}});
  }
  return {{"kind", name(c.kind)},
          {"left", name(c.left)},
          {"right", name(c.right)},
          {"left_count", c.left_count},
          {"right_count", c.right_count},
          {"foreign", c.foreign},
          {"left_out", c.left_out},
          {"right_in", c.right_in},
          {"left_in", c.left_in},
          {"right_out", c.right_out},
          {"exact", c.exact},
          {"conserved", c.conserved()},
          {"named", std::move(named)}};
}

}  // namespace

Json to_json(const Quantiles& q) {
  return {{"count", q.count},
          {"mean_us", q.mean_us},
          {"p50_us", base::to_us(q.p50)},
          {"p90_us", base::to_us(q.p90)},
          {"p99_us", base::to_us(q.p99)},
          {"p999_us", base::to_us(q.p999)},
          {"max_us", base::to_us(q.max)}};
}

Json to_json(const Conservation& conservation) {
  Json comparisons = Json::array();
  for (const Comparison& c : conservation.comparisons) comparisons.push_back(comparison_json(c));
  return {{"compared", conservation.compared()},
          {"conserved", conservation.conserved()},
          {"note", conservation.note},
          {"dropped",
           {{"client", conservation.dropped[0]},
            {"coordinator", conservation.dropped[1]},
            {"server", conservation.dropped[2]}}},
          {"comparisons", std::move(comparisons)}};
}

Json to_json(const Report& report) {
  Json runs = Json::array();
  for (const ClientRun& run : report.runs) {
    runs.push_back({{"run", run.id},
                    {"begin_unix_s", static_cast<double>(run.first_ns) / 1e9},
                    {"length_s", run.seconds()},
                    {"records", run.records},
                    {"errors", run.errors}});
  }
  Json files = Json::array();
  for (const FileRead& file : report.files) files.push_back(file_json(file));
  Json sections = Json::array();
  for (const Section& s : report.sections) sections.push_back(section_json(s));
  Json where = Json::array();
  for (const WhereTimeGoes& w : report.where) where.push_back(where_json(w));
  Json findings = Json::array();
  for (const Finding& f : report.findings) findings.push_back(f.sentence());
  return {{"format", "giliran-report/1"},        {"answer", report.answer},
          {"findings", std::move(findings)},     {"runs", std::move(runs)},
          {"files", std::move(files)},           {"sections", std::move(sections)},
          {"where_time_goes", std::move(where)}, {"conservation", to_json(report.conservation)}};
}

}  // namespace giliran::report
