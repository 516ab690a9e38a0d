#include "telemetry/combined_line.h"

#include <algorithm>
#include <cstdlib>

#include "telemetry/json.h"
#include "telemetry/line_writer.h"

namespace giliran::telemetry {

namespace {

constexpr auto kPlain = plain_bytes(' ', "\"\\");
constexpr std::string_view kMark = "\\x";
constexpr size_t kEscapedMax = 4;
constexpr size_t kFixedMax = 320;

void put_client(LineWriter& w, const Record& r) {
  const base::Address& client = r.client.none() ? r.peer : r.client;
  if (client.is_unix() || client.none()) return w.raw("unix:");
  char host[base::Address::kTextMax];
  const std::string_view text(host, client.format_host(host));
  w.raw(text.substr(0, text.find('%')));
}

// NGINX writes a line when its request is over.
void put_time(LineWriter& w, const Record& r, LocalClock& clock) {
  const auto total = std::max<int64_t>(r.total.count(), 0);
  const LocalTime t = clock.at(split({r.arrived.ns + total}).seconds);
  w.date_and_time(t);
  w.byte(' ');
  w.byte(t.utc_offset_minutes < 0 ? '-' : '+');
  const auto offset = static_cast<unsigned>(std::abs(t.utc_offset_minutes));
  w.digits(offset / 60, 2);
  w.digits(offset % 60, 2);
}

// Of a request that could not be read, its first line is the target.
void put_request(LineWriter& w, const Record& r) {
  const std::string_view target = r.target.substr(0, kTargetMax);
  if (r.method.empty()) {
    if (target.empty()) return w.byte('-');
    return w.escaped(target, kPlain, kMark);
  }
  w.escaped(r.method.substr(0, kTextMax), kPlain, kMark);
  w.byte(' ');
  w.escaped(target, kPlain, kMark);
  w.byte(' ');
  w.raw(name(r.proto));
}

// Where no status was sent, NGINX has one of its own.
unsigned status(const Record& r) {
  if (r.status != 0) return r.status;
  return r.by == By::kClient ? r.end == End::kClientTimeout ? 408 : 499 : 0;
}

void put_field(LineWriter& w, std::string_view value) {
  w.raw(" \"");
  if (value.empty()) {
    w.byte('-');
  } else {
    w.escaped(value.substr(0, kTextMax), kPlain, kMark);
  }
  w.byte('"');
}

size_t line_max(const Record& r) {
  const auto bounded = [](std::string_view s) { return std::min(s.size(), kTextMax); };
  return kFixedMax + kEscapedMax * (std::min(r.target.size(), kTargetMax) + bounded(r.method) +
                                    bounded(r.referer) + bounded(r.user_agent));
}

}  // namespace

void append_combined(const Record& r, LocalClock& clock, std::string& out) {
  const size_t before = out.size();
  out.resize_and_overwrite(before + line_max(r), [&](char* text, size_t) {
    LineWriter w(text + before);
    put_client(w, r);
    w.raw(" - - [");
    put_time(w, r, clock);
    w.raw("] \"");
    put_request(w, r);
    w.raw("\" ");
    w.digits(status(r), 3);
    w.byte(' ');
    w.count(r.body_out);
    put_field(w, r.referer);
    put_field(w, r.user_agent);
    w.byte('\n');
    return static_cast<size_t>(w.at() - text);
  });
}

}  // namespace giliran::telemetry
