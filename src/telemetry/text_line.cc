// One request, one line, in the order of the questions: when, who, which server, what, how did it
// go, how long, and where the time went. All times are milliseconds, so that columns compare.
#include "telemetry/text_line.h"

#include <algorithm>

#include "telemetry/json.h"
#include "telemetry/line_writer.h"

namespace giliran::telemetry {

namespace {

constexpr auto kPlain = plain_bytes(' ', "\\");
constexpr std::string_view kMark = "\\x";
constexpr size_t kEscapedMax = 4;
constexpr size_t kFixedMax = 1024;
constexpr int64_t kMs = 1'000'000;

class TextWriter : public LineWriter {
 public:
  explicit TextWriter(char* at) : LineWriter(at) {}

  void text(std::string_view value, size_t max = kTextMax) {
    escaped(value.substr(0, max), kPlain, kMark);
  }
  // "12:01:03.123 "
  void time(base::WallTime when, LocalClock& clock) {
    const SplitTime time = split(when);
    time_of_day(clock.at(time.seconds));
    byte('.');
    digits(static_cast<unsigned>(time.rest_ns / kMs), 3);
    byte(' ');
  }
  // Milliseconds: "0", "0.04", "1.3", "57", "5032".
  void ms(base::Duration d) {
    const int64_t ns = std::max<int64_t>(d.count(), 0);
    const auto rounded = [ns](int64_t unit) { return (ns + unit / 2) / unit; };
    if (ns < kMs / 200) return byte('0');
    if (rounded(kMs / 100) < 100) return decimals(rounded(kMs / 100), 2);
    if (rounded(kMs / 10) < 100) return decimals(rounded(kMs / 10), 1);
    number(rounded(kMs));
  }

 private:
  void decimals(int64_t value, unsigned places) {
    const int64_t whole = places == 2 ? 100 : 10;
    number(value / whole);
    byte('.');
    digits(static_cast<unsigned>(value % whole), places);
  }
};

void put_client(TextWriter& w, const Record& r) {
  const base::Address& client = r.tier == Tier::kClient ? r.local
                                : r.client.none()       ? r.peer
                                                        : r.client;
  if (client.is_unix() || client.none()) return w.raw("unix:");
  char host[base::Address::kTextMax];
  w.text({host, client.format_host(host)});
}

void put_what(TextWriter& w, const Record& r) {
  if (r.kind != Kind::kExchange) return w.raw(r.kind == Kind::kFlow ? "tcp" : "message");
  if (r.method.empty() && r.target.empty()) return w.byte('-');
  w.text(r.method);
  if (!r.method.empty() && !r.target.empty()) w.byte(' ');
  w.text(r.target, kTargetMax);
}

void put_status(TextWriter& w, const Record& r) {
  if (r.kind != Kind::kExchange) return;
  w.byte(' ');
  r.status == 0 ? w.byte('-') : w.count(r.status);
  if (r.upgrade.empty()) return;
  w.byte(' ');
  w.text(r.upgrade);
}

// The phases that answer most questions, and others where they are worth a look: a tenth of the
// time or more, and a millisecond.
void put_phases(TextWriter& w, const Record& r) {
  struct Named {
    std::string_view name;
    base::Duration took;
    bool always;
  };
  const bool exchange = r.kind == Kind::kExchange;
  const Named all[] = {{"head", r.head, false},      {"queue", r.queue, exchange},
                       {"connect", r.connect, true}, {"send", r.send, false},
                       {"wait", r.wait, true},       {"service", r.service, true},
                       {"data", r.data, false}};
  bool any = false;
  for (const Named& phase : all) {
    if (phase.took == kNotReached) continue;
    const bool long_one = exchange && phase.took * 10 >= r.total && phase.took.count() >= kMs;
    if (!phase.always && !long_one) continue;
    w.raw(any ? ", " : " (");
    any = true;
    w.raw(phase.name);
    w.byte(' ');
    w.ms(phase.took);
  }
  if (any) w.byte(')');
}

void put_bytes(TextWriter& w, const Record& r) {
  if (r.kind != Kind::kFlow) return;
  w.raw(", ");
  w.count(r.tier == Tier::kClient ? r.up_out : r.down_in);
  w.raw(" bytes there, ");
  w.count(r.tier == Tier::kClient ? r.up_in : r.down_out);
  w.raw(" back");
}

void put_end(TextWriter& w, const Record& r) {
  if (r.end != End::kOk) {
    w.raw("  ");
    w.raw(name(r.end));
    if (r.phase != Phase::kNone) {
      w.raw(" in ");
      w.raw(name(r.phase));
    }
  }
  if (!r.reason.empty()) {
    w.raw(r.end == End::kOk ? "  " : ": ");
    w.text(r.reason);
  }
  if (r.tried.empty()) return;
  w.raw("  tried ");
  w.text(r.tried);
}

size_t line_max(const Record& r) {
  size_t text = std::min(r.target.size(), kTargetMax);
  for (const std::string_view s :
       {r.method, r.server, r.process_name, r.upgrade, r.reason, r.tried}) {
    text += std::min(s.size(), kTextMax);
  }
  return kFixedMax + text * kEscapedMax;
}

}  // namespace

// Lines come in the order in which records end, so that is their time.
void append_text(const Record& r, LocalClock& clock, std::string& out) {
  static_assert(kFixedMax > base::Address::kTextMax * kEscapedMax + 256);
  const size_t before = out.size();
  out.resize_and_overwrite(before + line_max(r), [&](char* text, size_t) {
    TextWriter w(text + before);
    w.time({r.arrived.ns + std::max<int64_t>(r.total.count(), 0)}, clock);
    put_client(w, r);
    w.raw(" → ");
    const std::string_view server = r.tier == Tier::kServer ? r.process_name : r.server;
    server.empty() ? w.byte('-') : w.text(server);
    w.raw("  ");
    put_what(w, r);
    put_status(w, r);
    w.raw("  ");
    w.ms(r.total);
    w.raw(" ms");
    put_phases(w, r);
    put_bytes(w, r);
    put_end(w, r);
    w.byte('\n');
    return static_cast<size_t>(w.at() - text);
  });
}

void append_text_message(std::string_view what, base::WallTime now, LocalClock& clock,
                         std::string& out) {
  char text[64];
  TextWriter w(text);
  w.time(now, clock);
  out.append(text, static_cast<size_t>(w.at() - text));
  out.append(what);
  out += '\n';
}

}  // namespace giliran::telemetry
