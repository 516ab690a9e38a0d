#include "telemetry/haproxy_line.h"

#include <algorithm>

#include "telemetry/json.h"
#include "telemetry/line_writer.h"
#include "telemetry/termination.h"

namespace giliran::telemetry {

namespace {

constexpr auto kPlainInRequest = plain_bytes(' ', "\"#");
// Names stand between spaces; a listener's and a pool's before a slash, too.
constexpr auto kPlainInServer = plain_bytes('!', "\"#");
constexpr auto kPlainInName = plain_bytes('!', "\"#/");
constexpr std::string_view kMark = "#";
constexpr size_t kEscapedMax = 3;
constexpr size_t kFixedMax = 640;  // dates, address, timers, counters, words

// Milliseconds; -1: not reached.
struct Timers {
  int64_t head = -1, queue = -1, connect = -1, response = -1, total = 0;
};

int64_t ms(base::Duration d) {
  return d.count() < 0 ? -1 : d.count() / 1'000'000;
}

bool completed(const Record& r, Phase phase) {
  return r.end == End::kOk || r.phase == Phase::kNone || r.phase > phase;
}

// Whether it was in a queue when it ended, rather than on its way to one.
bool waited_in_queue(const Record& r) {
  return r.phase == Phase::kQueue &&
         (r.end == End::kQueueTimeout || r.end == End::kTotalTimeout ||
          r.end == End::kClientClosed || r.end == End::kClientTimeout || r.end == End::kShutdown);
}

base::Duration reached(base::Duration d) {
  return std::max(d, base::Duration(0));
}

// From the connection to the head of the response. Where that came before the request was over,
// `wait` is all of it.
base::Duration response_time(const Record& r) {
  const base::Duration sum = reached(r.head) + reached(r.queue) + reached(r.connect) +
                             reached(r.send) + reached(r.wait) + reached(r.data);
  const bool early = sum > r.total + std::chrono::microseconds(1);
  return early ? r.wait : reached(r.send) + r.wait;
}

Timers timers(const Record& r) {
  Timers t{.head = ms(r.head), .total = std::max<int64_t>(ms(r.total), 0)};
  const bool flow = r.kind != Kind::kExchange;
  if (t.head < 0 && !flow) return t;
  if (completed(r, Phase::kQueue)) {
    t.queue = ms(r.queue);
  } else if (waited_in_queue(r)) {
    t.queue = ms(r.queue != kNotReached ? r.queue : reached(r.total - reached(r.head)));
  }
  if (t.queue < 0 || !completed(r, Phase::kConnect)) return t;
  t.connect = ms(r.connect);
  if (t.connect < 0 || !completed(r, Phase::kWait) || r.wait == kNotReached) return t;
  t.response = ms(response_time(r));
  return t;
}

// Whether an attempt went to another server than the one before it. The last may be among `tried`,
// too, where no other server was left.
bool redispatched(const Record& r) {
  if (r.attempts < 2) return false;
  std::string_view tried = r.tried;
  while (!tried.empty()) {
    const std::string_view one = tried.substr(0, tried.find("; "));
    if (!one.ends_with(" connection-was-dead")) return true;
    tried.remove_prefix(std::min(tried.size(), one.size() + 2));
  }
  return false;
}

// "Nov 22 09:00:00 host name[id]: "
void put_prefix(LineWriter& w, base::WallTime when, std::string_view prefix, LocalClock& clock) {
  const LocalTime t = clock.at(split(when).seconds);
  w.raw({month_name(t.month), 3});
  w.byte(' ');
  w.byte(t.day < 10 ? ' ' : static_cast<char>('0' + t.day / 10));
  w.byte(static_cast<char>('0' + t.day % 10));
  w.byte(' ');
  w.time_of_day(t);
  w.byte(' ');
  w.raw(prefix);
}

// "10.0.1.2:33317"; HAProxy writes IPv6 without brackets, and "unix:" with a listener's number.
void put_client(LineWriter& w, const Record& r) {
  const base::Address& client = r.client.none() ? r.peer : r.client;
  if (client.is_unix() || client.none()) return w.raw("unix:0");
  char host[base::Address::kTextMax];
  const std::string_view text(host, client.format_host(host));
  w.raw(text.substr(0, text.find('%')));
  w.byte(':');
  w.count(client.port());
}

void put_name(LineWriter& w, std::string_view name, const std::array<bool, 256>& plain) {
  if (name.empty()) return w.byte('-');
  w.escaped(name.substr(0, kTextMax), plain, kMark);
}

// From the syslog prefix up to the space behind the server.
void put_begin(LineWriter& w, const Record& r, std::string_view prefix, LocalClock& clock) {
  put_prefix(w, {r.arrived.ns + reached(r.total).count()}, prefix, clock);
  put_client(w, r);
  const SplitTime arrived = split(r.arrived);
  w.raw(" [");
  w.date_and_time(clock.at(arrived.seconds));
  w.byte('.');
  w.digits(static_cast<unsigned>(arrived.rest_ns / 1'000'000), 3);
  w.raw("] ");
  put_name(w, r.process_name, kPlainInName);
  w.byte(' ');
  put_name(w, r.pool.empty() ? r.process_name : r.pool, kPlainInName);
  w.byte('/');
  if (r.server.empty()) {
    w.raw("<NOSRV>");
  } else {
    put_name(w, r.server, kPlainInServer);
  }
  w.byte(' ');
}

void put_state(LineWriter& w, const Record& r) {
  const Termination state = termination(r);
  w.byte(state.cause);
  w.byte(state.phase);
}

// "1/1/1/1/0 0/0"
void put_counters(LineWriter& w, const Record& r) {
  for (const uint32_t n : {r.gauges.connections, r.gauges.listener_connections,
                           r.gauges.pool_in_flight, r.gauges.server_in_flight}) {
    w.count(r.gauges_known ? n : 0);
    w.byte('/');
  }
  if (redispatched(r)) w.byte('+');
  w.number(std::max(r.attempts - 1, 0));
  w.byte(' ');
  w.count(r.gauges_known ? r.gauges.queued_server : 0);
  w.byte('/');
  w.count(r.gauges_known ? r.gauges.queued_pool : 0);
}

void put_request(LineWriter& w, const Record& r) {
  if (r.method.empty()) return w.raw("\"<BADREQ>\"");
  size_t left = kRequestLineMax;
  const auto put = [&](std::string_view text) {
    w.escaped(text.substr(0, left), kPlainInRequest, kMark);
    left -= std::min(left, text.size());
  };
  w.byte('"');
  put(r.method);
  put(" ");
  put(r.target);
  put(" ");
  put(name(r.proto));
  w.byte('"');
}

size_t line_max(const Record& r, std::string_view prefix) {
  const auto bounded = [](std::string_view s) { return std::min(s.size(), kTextMax); };
  return kFixedMax + prefix.size() +
         kEscapedMax * (2 * bounded(r.process_name) + bounded(r.pool) + bounded(r.server) +
                        std::min(kRequestLineMax, r.method.size() + r.target.size() + 16));
}

// `put` writes at most `max` bytes.
template <typename Put>
void append(std::string& out, size_t max, Put put) {
  const size_t before = out.size();
  out.resize_and_overwrite(before + max, [&](char* text, size_t) {
    LineWriter w(text + before);
    put(w);
    w.byte('\n');
    return static_cast<size_t>(w.at() - text);
  });
}

}  // namespace

void append_httplog(const Record& r, std::string_view prefix, LocalClock& clock, std::string& out) {
  append(out, line_max(r, prefix), [&](LineWriter& w) {
    put_begin(w, r, prefix, clock);
    const Timers t = timers(r);
    for (const int64_t timer : {t.head, t.queue, t.connect, t.response}) {
      w.number(timer);
      w.byte('/');
    }
    w.number(t.total);
    w.byte(' ');
    w.number(r.status == 0 ? -1 : r.status);
    w.byte(' ');
    w.count(r.down_out);
    w.raw(" - - ");
    put_state(w, r);
    w.raw("-- ");
    put_counters(w, r);
    w.byte(' ');
    put_request(w, r);
  });
}

void append_tcplog(const Record& r, std::string_view prefix, LocalClock& clock, std::string& out) {
  append(out, line_max(r, prefix), [&](LineWriter& w) {
    put_begin(w, r, prefix, clock);
    const Timers t = timers(r);
    w.number(t.queue);
    w.byte('/');
    w.number(t.connect);
    w.byte('/');
    w.number(t.total);
    w.byte(' ');
    w.count(r.down_out);
    w.byte(' ');
    put_state(w, r);
    w.byte(' ');
    put_counters(w, r);
  });
}

void append_syslog_message(std::string_view prefix, std::string_view message, base::WallTime now,
                           LocalClock& clock, std::string& out) {
  append(out, kFixedMax + prefix.size() + message.size(), [&](LineWriter& w) {
    put_prefix(w, now, prefix, clock);
    w.raw(message);
  });
}

}  // namespace giliran::telemetry
