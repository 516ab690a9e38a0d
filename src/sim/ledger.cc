#include "sim/ledger.h"

namespace giliran::sim {

uint64_t request_of(std::string_view target) {
  const size_t at = target.find("/r/");
  if (at == std::string_view::npos) return 0;
  uint64_t id = 0;
  for (const char c : target.substr(at + 3)) {
    if (c == '.') return id;  // the end: a target that was cut names nobody
    if (c < '0' || c > '9' || id > UINT32_MAX) return 0;
    id = id * 10 + static_cast<uint64_t>(c - '0');
  }
  return 0;
}

void Keeper::write(const telemetry::Record& record) {
  KeptRecord kept{.record = record,
                  .server = std::string(record.server),
                  .tried = std::string(record.tried),
                  .method = std::string(record.method),
                  .target = std::string(record.target),
                  .reason = std::string(record.reason),
                  .pool = std::string(record.pool),
                  .worker = worker_,
                  .request = request_of(record.target)};
  telemetry::Record& r = kept.record;
  r.process_name = r.route = r.pool = r.policy = r.server = r.tried = {};
  r.method = r.target = r.host = r.user_agent = r.referer = r.upgrade = r.sent = r.got =
      r.reason = {};
  ledger_.records.push_back(std::move(kept));
}

}  // namespace giliran::sim
