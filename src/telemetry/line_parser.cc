#include <simdjson.h>

#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <optional>

#include "base/utf8.h"
#include "telemetry/access_record.h"
#include "telemetry/json.h"
#include "telemetry/reader.h"
#include "telemetry/words.h"

namespace giliran::telemetry {

namespace {

// The DOM API and not the on-demand one: it picks the processor's vector instructions at run time,
// where on-demand is compiled for the oldest processor.
using Value = simdjson::dom::element;

// What a field is read into. A value of another type makes the line unknown.
struct Parsed {
  Line* line;
  uint64_t count = 0;    // of a "dropped" line
  uint64_t process = 0;  // of a mark
  std::optional<Mark> mark = {};
  bool has_tier = false;
  bool has_kind = false;
  bool has_end = false;
  bool is_dropped = false;
};

using Read = bool (*)(Value, Parsed&);

template <auto Member>
bool text(Value v, Parsed& p) {
  std::string_view s;
  if (v.get_string().get(s) != simdjson::SUCCESS) return false;
  p.line->*Member = base::utf8_prefix(s, kTargetMax);
  return true;
}

template <auto Member>
bool number(Value v, Parsed& p) {
  uint64_t n = 0;
  if (v.get_uint64().get(n) != simdjson::SUCCESS) return false;
  using Field = std::remove_reference_t<decltype(p.line->*Member)>;
  if (n > std::numeric_limits<Field>::max()) return false;
  p.line->*Member = static_cast<Field>(n);
  return true;
}

// Microseconds with at most three decimals, exactly; anything else through a double.
template <auto Member>
bool duration(Value v, Parsed& p) {
  double us = 0;
  if (v.get_double().get(us) != simdjson::SUCCESS) return false;
  if (!(us >= 0 && us < 9e15)) return false;
  p.line->*Member = base::Duration(std::llround(us * 1e3));
  return true;
}

template <auto Member, auto From>
bool word(Value v, Parsed& p) {
  std::string_view s;
  if (v.get_string().get(s) != simdjson::SUCCESS) return false;
  const auto value = From(s);
  if (!value) return false;
  p.line->*Member = *value;
  return true;
}

bool read_tier(Value v, Parsed& p) {
  return p.has_tier = word<&Line::tier, tier_from>(v, p);
}

bool read_kind(Value v, Parsed& p) {
  std::string_view s;
  if (v.get_string().get(s) != simdjson::SUCCESS) return false;
  p.is_dropped = s == "dropped";
  if (p.is_dropped) return true;
  if ((p.mark = mark_from(s))) return true;
  const auto kind = kind_from(s);
  if (!kind) return false;
  p.line->kind = *kind;
  return p.has_kind = true;
}

bool read_end(Value v, Parsed& p) {
  std::string_view s;
  if (v.get_string().get(s) != simdjson::SUCCESS) return false;
  p.has_end = true;
  if (s == "ok") return true;  // nearly all
  const auto end = end_from(s);
  if (end) p.line->end = *end;
  return end.has_value();
}

bool read_count(Value v, Parsed& p) {
  return v.get_uint64().get(p.count) == simdjson::SUCCESS;
}

bool read_process(Value v, Parsed& p) {
  return v.get_uint64().get(p.process) == simdjson::SUCCESS;
}

bool read_reused(Value v, Parsed& p) {
  return v.get_bool().get(p.line->reused) == simdjson::SUCCESS;
}

bool read_hex(std::string_view s, uint64_t& out) {
  uint64_t n = 0;
  for (const char c : s) {
    const unsigned digit = c >= '0' && c <= '9'   ? static_cast<unsigned>(c - '0')
                           : c >= 'a' && c <= 'f' ? static_cast<unsigned>(c - 'a' + 10)
                                                  : 16;
    if (digit == 16) return false;
    n = n << 4 | digit;
  }
  out = n;
  return true;
}

bool read_trace(Value v, Parsed& p) {
  std::string_view s;
  if (v.get_string().get(s) != simdjson::SUCCESS || s.size() != 32) return false;
  return read_hex(s.substr(0, 16), p.line->trace.high) && read_hex(s.substr(16), p.line->trace.low);
}

template <auto Member>
bool span(Value v, Parsed& p) {
  std::string_view s;
  if (v.get_string().get(s) != simdjson::SUCCESS || s.size() != 16) return false;
  return read_hex(s, (p.line->*Member).value);
}

struct Field {
  std::string_view key;
  Read read;
};

// In the order of the document, which is the order they come in.
constexpr std::array kFields = {
    Field{"ts", text<&Line::ts>},
    Field{"tier", read_tier},
    Field{"kind", read_kind},
    Field{"count", read_count},
    Field{"pid", read_process},
    Field{"end", read_end},
    Field{"by", word<&Line::by, by_from>},
    Field{"phase", word<&Line::phase, phase_from>},
    Field{"trace", read_trace},
    Field{"span", span<&Line::span>},
    Field{"parent", span<&Line::parent>},
    Field{"id", number<&Line::id>},
    Field{"name", text<&Line::process_name>},
    Field{"peer", text<&Line::peer>},
    Field{"local", text<&Line::local>},
    Field{"client", text<&Line::client>},
    Field{"conn", number<&Line::connection>},
    Field{"seq", number<&Line::sequence>},
    Field{"route", text<&Line::route>},
    Field{"pool", text<&Line::pool>},
    Field{"policy", text<&Line::policy>},
    Field{"server", text<&Line::server>},
    Field{"upstream", text<&Line::upstream>},
    Field{"upstream_local", text<&Line::upstream_local>},
    Field{"attempts", number<&Line::attempts>},
    Field{"tried", text<&Line::tried>},
    Field{"reused", read_reused},
    Field{"method", text<&Line::method>},
    Field{"target", text<&Line::target>},
    Field{"host", text<&Line::host>},
    Field{"user_agent", text<&Line::user_agent>},
    Field{"referer", text<&Line::referer>},
    Field{"proto", word<&Line::proto, proto_from>},
    Field{"upgrade", text<&Line::upgrade>},
    Field{"status", number<&Line::status>},
    Field{"sent", text<&Line::sent>},
    Field{"got", text<&Line::got>},
    Field{"messages", number<&Line::messages>},
    Field{"idle_us", duration<&Line::idle>},
    Field{"head_us", duration<&Line::head>},
    Field{"queue_us", duration<&Line::queue>},
    Field{"connect_us", duration<&Line::connect>},
    Field{"send_us", duration<&Line::send>},
    Field{"wait_us", duration<&Line::wait>},
    Field{"service_us", duration<&Line::service>},
    Field{"data_us", duration<&Line::data>},
    Field{"total_us", duration<&Line::total>},
    Field{"lag_us", duration<&Line::lag>},
    Field{"down_in", number<&Line::down_in>},
    Field{"down_out", number<&Line::down_out>},
    Field{"up_out", number<&Line::up_out>},
    Field{"up_in", number<&Line::up_in>},
    Field{"body_in", number<&Line::body_in>},
    Field{"body_out", number<&Line::body_out>},
    Field{"reason", text<&Line::reason>},
    Field{"run", text<&Line::run>},
};

// The field of that name, looked for from `expected` on; null where we know none.
const Field* find_field(std::string_view key, size_t& expected) {
  for (size_t n = 0; n < kFields.size(); ++n) {
    if (expected == kFields.size()) expected = 0;
    const Field& field = kFields[expected++];
    if (field.key == key) return &field;
  }
  return nullptr;
}

}  // namespace

struct LineParser::Impl {
  simdjson::dom::parser parser;
  AccessRecordParser access;
  std::string why;
};

LineParser::LineParser() : impl_(std::make_unique<Impl>()) {}
LineParser::~LineParser() = default;

size_t LineParser::padding() {
  return simdjson::SIMDJSON_PADDING;
}

LineParser::What LineParser::parse(std::string_view line, size_t readable, Line& out) {
  if (!line.starts_with('{')) {
    const What what = impl_->access.parse(line, out, dropped_);
    tier_ = Tier::kCoordinator;
    why_ = "neither JSON of ours, httplog nor combined";
    return what;
  }
  out = Line{};
  Parsed parsed{.line = &out};
  simdjson::dom::object object;
  why_ = "not a JSON object";
  const bool padded = readable >= line.size() + padding();
  if (impl_->parser.parse(line.data(), line.size(), !padded).get(object) != simdjson::SUCCESS) {
    return What::kUnknown;
  }
  size_t expected = 0;
  for (const auto [key, value] : object) {
    const Field* known = find_field(key, expected);
    if (known == nullptr) continue;  // a newer version's
    if (!known->read(value, parsed)) {
      impl_->why.assign("field ")
          .append(known->key)
          .append(" is not as docs/formats/record.md says");
      why_ = impl_->why;
      return What::kUnknown;
    }
  }
  if (parsed.is_dropped && parsed.has_tier) {
    dropped_ = parsed.count;
    tier_ = out.tier;
    return What::kDropped;
  }
  if (parsed.mark && parsed.has_tier) {
    mark_ = *parsed.mark;
    process_ = parsed.process;
    tier_ = out.tier;
    return What::kMark;
  }
  if (parsed.has_tier && parsed.has_kind && parsed.has_end) return What::kRecord;
  why_ = "no tier, kind or end";
  return What::kUnknown;
}

base::WallTime Line::arrived() const {
  if (format != Format::kJson) return when;
  // 2026-11-22T09:00:00.123456Z
  if (ts.size() < 20 || ts.back() != 'Z') return {};
  bool good = true;
  const auto digits_at = [&](size_t at, size_t digits) {
    int64_t n = 0;
    const char* last = ts.data() + at + digits;
    good = good && std::from_chars(ts.data() + at, last, n).ptr == last && n >= 0;
    return n;
  };
  const std::chrono::year_month_day date(std::chrono::year(static_cast<int>(digits_at(0, 4))),
                                         std::chrono::month(static_cast<unsigned>(digits_at(5, 2))),
                                         std::chrono::day(static_cast<unsigned>(digits_at(8, 2))));
  int64_t seconds = digits_at(11, 2) * 3600 + digits_at(14, 2) * 60 + digits_at(17, 2);
  int64_t ns = 0;
  if (ts[19] == '.') {
    const size_t digits = ts.size() - 21;
    if (digits == 0 || digits > 9) return {};
    ns = digits_at(20, digits);
    for (size_t i = digits; i < 9; ++i) ns *= 10;
  }
  if (!good || !date.ok()) return {};
  seconds += std::chrono::duration_cast<std::chrono::seconds>(
                 std::chrono::sys_days(date).time_since_epoch())
                 .count();
  return {seconds * 1'000'000'000 + ns};
}

}  // namespace giliran::telemetry
