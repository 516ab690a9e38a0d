// A line of another program's format says less than a record: which failure it was is read from the
// termination state and the status (termination.h), or, in `combined`, from the status alone. Times
// are whole milliseconds, so that a phase of 0 is less than one, not none.
#include "telemetry/access_record.h"

#include <algorithm>

#include "base/parse.h"
#include "base/utf8.h"
#include "telemetry/json.h"
#include "telemetry/termination.h"
#include "telemetry/words.h"

namespace giliran::telemetry {
namespace {

using What = LineParser::What;

constexpr uint16_t kClientClosed = 499;
constexpr uint16_t kClientTimeout = 408;

base::Duration ms(int64_t value) {
  return value < 0 ? kNotReached : base::Duration(value * 1'000'000);
}

void take_timers(const HaproxyFields& fields, Line& out) {
  const auto& [head, queue, connect, response, total] = fields.timers;
  out.head = ms(head);
  out.queue = ms(queue);
  out.connect = ms(connect);
  out.wait = ms(response);
  out.total = ms(total);
  const bool answered = fields.http ? response >= 0 : connect >= 0;
  if (!answered) return;
  const int64_t before = std::max<int64_t>(head, 0) + std::max<int64_t>(queue, 0) +
                         std::max<int64_t>(connect, 0) + std::max<int64_t>(response, 0);
  out.data = ms(std::max<int64_t>(total - before, 0));
}

void cut_texts(Line& out) {
  for (std::string_view* text : {&out.peer, &out.process_name, &out.pool, &out.server, &out.method,
                                 &out.target, &out.referer, &out.user_agent}) {
    *text = base::utf8_prefix(*text, kTargetMax);
  }
}

// How many records a log says that it dropped; 0: another line.
uint64_t dropped_records(std::string_view line) {
  constexpr std::string_view kEnd = " records of this log";
  if (!line.ends_with(kEnd)) return 0;
  line.remove_suffix(kEnd.size());
  const size_t space = line.rfind(' ');
  if (space == std::string_view::npos) return 0;
  const std::string_view before = line.substr(0, space);
  if (before != "# dropped" && !before.ends_with("]: dropped")) return 0;
  return base::parse_uint(line.substr(space + 1)).value_or(0);
}

void take_status_only(Line& out) {
  switch (out.status) {
    case kClientClosed:
      out.end = End::kClientClosed;
      out.by = By::kClient;
      out.status = 0;  // none was sent
      return;
    case kClientTimeout:
      out.end = End::kClientTimeout;
      out.by = By::kClient;
      return;
    case 0:
      out.end = End::kShutdown;
      out.by = By::kCoordinator;
      out.reason = "no status was sent: 000";
      return;
    default:
      return;
  }
}

}  // namespace

What AccessRecordParser::parse(std::string_view line, Line& out, uint64_t& dropped) {
  for (const bool as_combined : {combined_last_, !combined_last_}) {
    out = Line{};
    if (as_combined ? combined(line, out) : haproxy(line, out)) {
      cut_texts(out);
      combined_last_ = as_combined;
      return What::kRecord;
    }
  }
  dropped = dropped_records(line);
  return dropped != 0 ? What::kDropped : What::kUnknown;
}

bool AccessRecordParser::haproxy(std::string_view line, Line& out) {
  HaproxyFields fields;
  if (!split_haproxy(line, fields)) return false;
  const bool reached = fields.server != "<NOSRV>";
  const auto ending =
      ending_of(fields.state, {.flow = !fields.http, .server = reached, .status = fields.status});
  if (!ending) return false;
  out.format = Format::kHaproxy;
  out.kind = fields.http ? Kind::kExchange : Kind::kFlow;
  out.proto = fields.http ? Proto::kHttp11 : Proto::kTcp;
  out.ts = fields.date;
  out.when = utc(fields.when);
  out.end = ending->end;
  out.by = ending->by;
  out.phase = ending->phase;
  if (out.end != End::kOk) out.reason = fields.state.substr(0, 2);
  out.peer = fields.client;
  out.process_name = undone(fields.frontend, kHaproxyMark, listener_);
  out.pool = undone(fields.backend, kHaproxyMark, pool_);
  if (reached) {
    out.server = undone(fields.server, kHaproxyMark, server_);
    out.attempts = static_cast<uint16_t>(fields.retries + 1);
  }
  out.status = fields.status;
  out.down_out = fields.bytes_out;
  take_timers(fields, out);
  if (fields.http) request(fields.request, kHaproxyMark, out);
  return true;
}

bool AccessRecordParser::combined(std::string_view line, Line& out) {
  CombinedFields fields;
  if (!split_combined(line, fields)) return false;
  out.format = Format::kCombined;
  out.ts = fields.date;
  out.when = fields.when;
  out.peer = fields.client;
  out.status = fields.status;
  take_status_only(out);
  out.body_out = fields.bytes_out;
  request(fields.request, kNginxMark, out);
  out.referer = undone(fields.referer, kNginxMark, referer_);
  out.user_agent = undone(fields.user_agent, kNginxMark, user_agent_);
  return true;
}

void AccessRecordParser::request(std::string_view text, std::string_view mark, Line& out) {
  RequestFields fields;
  if (split_request(text, fields)) {
    out.method = fields.method;
    out.target = undone(fields.target, mark, target_);
    if (const auto proto = proto_from(fields.proto)) out.proto = *proto;
  } else if (text != "-" && text != "<BADREQ>") {
    out.target = undone(text, mark, target_);
  }
}

std::string_view AccessRecordParser::undone(std::string_view text, std::string_view mark,
                                            std::string& room) {
  if (text.find(mark) == std::string_view::npos) return text;
  unescape(text, mark, room);
  return room;
}

base::WallTime AccessRecordParser::utc(base::WallTime local) {
  constexpr int64_t kSecond = 1'000'000'000;
  constexpr int64_t kMinute = 60;
  const int64_t shown = local.ns / kSecond;
  // The distance from UTC of about that time, then of that time.
  int64_t offset = 0;
  for (int round = 0; round < 2; ++round) {
    offset = clock_.at(shown - offset).utc_offset_minutes * kMinute;
  }
  return {local.ns - offset * kSecond};
}

}  // namespace giliran::telemetry
