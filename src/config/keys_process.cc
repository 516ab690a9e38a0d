// The top of the file, [log], [timeouts] and [limits].
#include <array>

#include "config/key_of.h"
#include "config/keys.h"

namespace giliran::config {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

constexpr std::array<Choice<LogFormat>, 6> kLogFormats = {{{"auto", LogFormat::kAuto},
                                                           {"json", LogFormat::kJson},
                                                           {"text", LogFormat::kText},
                                                           {"httplog", LogFormat::kHttplog},
                                                           {"tcplog", LogFormat::kTcplog},
                                                           {"combined", LogFormat::kCombined}}};
constexpr std::array<Choice<LogFull>, 2> kLogFull = {
    {{"drop", LogFull::kDrop}, {"wait", LogFull::kWait}}};

constexpr TimeRange kOrNever{.zero = Zero::kYes};
// Of what the kernel takes: whole seconds up to 32767 of them, milliseconds as an int.
constexpr TimeRange kKeepalive{.min = seconds(1), .max = hours(9), .zero = Zero::kYes};
constexpr TimeRange kUnacknowledged{
    .min = std::chrono::milliseconds(1), .max = hours(500), .zero = Zero::kNo};

constexpr uint64_t kMany = 10'000'000;

base::Result<uint32_t> to_threads(const Value& value) {
  if (value.kind == Value::Kind::kText && value.text == "auto") return 0;
  const auto number = to_number(value, {.min = 1, .max = 4096});
  if (!number) return base::fail("expected auto or a number from 1 to 4096");
  return static_cast<uint32_t>(*number);
}

std::string from_threads(uint32_t threads) {
  return threads == 0 ? "\"auto\"" : from_number(threads);
}

base::Result<std::string> to_path(const Value& value) {
  std::string path = GILIRAN_TRY(to_text(value));
  if (path.empty() || path.find('\0') != std::string::npos) {
    return base::fail("expected a text that is not empty");
  }
  return path;
}

std::vector<Key<Timeouts>> of_timeouts() {
  using T = Timeouts;
  return {
      time_key({"connect_timeout", "\"1s\"", "one attempt to connect to a server"},
               &T::connect_timeout),
      time_key({"head_timeout", "\"5s\"",
                "a client's request head, the PROXY header before it included"},
               &T::head_timeout),
      time_key({"response_timeout", "\"30s\"", "request sent to response head"},
               &T::response_timeout),
      time_key({"body_timeout", "\"30s\"", "a body that stops coming"}, &T::body_timeout),
      time_key({"write_timeout", "\"30s\"", "a reader that stops reading"}, &T::write_timeout),
      time_key({"idle_timeout", "\"15s\"", "a client between two requests"}, &T::idle_timeout),
      time_key({"upstream_idle_timeout", "\"20s\"",
                "an idle connection to a server; below the time after which the servers close"},
               &T::upstream_idle_timeout),
      time_key({"flow_idle_timeout", "\"1h\"", "a tcp:// connection on which nothing moves"},
               &T::flow_idle_timeout),
      time_key({"tunnel_idle_timeout", "\"10m\"",
                "a tunnel (after an upgrade or CONNECT) on which nothing moves"},
               &T::tunnel_idle_timeout),
      time_key({"total_timeout", "\"2m\"",
                "an exchange, from the first byte of the request to the last of the response, all "
                "attempts and the queue included; 0: none"},
               &T::total_timeout, kOrNever),
      time_key({"attempt_timeout", "\"10s\"",
                "one attempt, from its begin to the response head; 0: none"},
               &T::attempt_timeout, kOrNever),
      time_key({"unacknowledged_timeout", "\"10s\"",
                "a peer that acknowledges nothing of what was sent for so long is gone "
                "(TCP_USER_TIMEOUT)"},
               &T::unacknowledged_timeout, kUnacknowledged),
      time_key({"keepalive_idle", "\"1m\"",
                "the first TCP keepalive probe, after so long without a byte; 0: none"},
               &T::keepalive_idle, kKeepalive),
  };
}

std::vector<Key<Limits>> of_limits() {
  using L = Limits;
  return {
      number_key({"connections_max", "20000",
                  "clients' connections in all; 0: what the descriptors allow, less a reserve"},
                 &L::connections_max, {.max = kMany}),
      bytes_key(
          {"head_bytes_max", "\"32KiB\"", "a request head: start line and fields, with line ends"},
          &L::head_bytes_max, {.min = kHeadBytesLeast, .max = kHeadBytesMost}),
      bytes_key({"target_bytes_max", "\"4KiB\"", "the target in the start line of a request"},
                &L::target_bytes_max, {.min = 1, .max = kHeadBytesMost}),
      number_key({"fields_max", "64", "header fields of a request"}, &L::fields_max,
                 {.min = 1, .max = kFieldsMost}),
      bytes_key({"body_bytes_max", "\"10MiB\"", "the body of a request; 0: no limit"},
                &L::body_bytes_max, {.max = UINT64_MAX}),
      number_key({"requests_per_connection_max", "1000",
                  "requests on one connection of a client; 0: no limit"},
                 &L::requests_per_connection_max, {}),
      bytes_key({"memory_max", "\"512MiB\"", "buffers of all workers together; 0: no limit"},
                &L::memory_max, {.min = 1 << 20, .max = UINT64_MAX, .zero = Zero::kYes}),
      bytes_key({"body_rate_min", "\"1KiB\"",
                 "bytes per second: a request body that is slower on average is given up, once it "
                 "has taken body_rate_grace; 0: no limit"},
                &L::body_rate_min, {}),
      time_key({"body_rate_grace", "\"10s\"", "how long a request body may be slower than that"},
               &L::body_rate_grace),
      absent(key_of(
                 {"request_rate_max", "\"50/1s\"",
                  "requests per second of one client address (of IPv6: its /64); 0: no limit"},
                 "rate", &L::request_rate_max,
                 [](const Value& value) { return to_rate(value, 1e9); }, from_double),
             ""),
      number_key({"request_burst", "100",
                  "so many requests at once above that rate; 0: one second's worth"},
                 &L::request_burst, {.max = kMany}),
      number_key({"upstream_idle_max", "64", "idle connections to servers, per worker"},
                 &L::upstream_idle_max, {.max = 1'000'000}),
  };
}

template <typename Part>
std::vector<Key<Coordinator>> lift_all(const std::vector<Key<Part>>& keys,
                                       Part Coordinator::* part) {
  std::vector<Key<Coordinator>> all;
  for (const Key<Part>& key : keys) all.push_back(lift(key, part));
  return all;
}

Key<Coordinator> section(std::string_view name, std::span<const Key<Coordinator>> keys) {
  return {.name = name,
          .form = "section",
          .example = "",
          .meaning = "",
          .read = [keys](const Value& value, Coordinator& out,
                         Reader& reader) { read_table(value, keys, out, reader); },
          .write_tables =
              [keys](const Coordinator& from, const std::string& path, std::string& out) {
                out += fmt::format("\n[{}]\n", path);
                write_table(from, keys, path, out);
              }};
}

std::vector<Key<Coordinator>> of_file() {
  std::vector<Key<Coordinator>> keys(top_keys().begin(), top_keys().end());
  keys.push_back(section("log", log_keys()));
  keys.push_back(section("timeouts", timeout_keys()));
  keys.push_back(section("limits", limit_keys()));
  keys.push_back({.name = "answers",
                  .form = "section",
                  .example = "",
                  .meaning = "",
                  .read = [](const Value& value, Coordinator& out,
                             Reader& reader) { read_answers(value, out.answers, reader); },
                  .write_tables = [](const Coordinator& from, const std::string&,
                                     std::string& out) { write_answers(from.answers, out); }});
  keys.push_back(tables_key({"listener", "", ""}, &Coordinator::listeners, listener_keys()));
  keys.push_back(tables_key({"pool", "", ""}, &Coordinator::pools, pool_keys()));
  return keys;
}

}  // namespace

std::span<const Key<Coordinator>> top_keys() {
  using C = Coordinator;
  static const std::vector<Key<C>> keys = {
      key_of({"threads", "2", "workers; auto is one per processor"}, "auto or a number",
             &C::threads, to_threads, from_threads),
      time_key({"drain_timeout", "\"1m\"",
                "how long TERM and INT wait for what is under way; QUIT waits without bound"},
               &C::drain_timeout),
      bool_key({"quiet", "true", "nothing on standard error but warnings and errors"}, &C::quiet),
      number_key({"seed", "7", "of everything random; 0: a random one"}, &C::seed,
                 {.max = UINT64_MAX}),
  };
  return keys;
}

std::span<const Key<Coordinator>> log_keys() {
  using L = Log;
  static const std::vector<Key<Coordinator>> keys = lift_all<Log>(
      {
          absent(text_key({"path", "\"coordinator.log\"",
                           "a record for each exchange and tcp:// connection goes there; -: "
                           "standard output"},
                          "path", &L::path, to_path),
                 "no log"),
          choice_key<L, LogFormat>(
              {"format", "\"combined\"",
               "JSON, one object a line; text for people; auto: that on a terminal, else JSON; or "
               "as HAProxy (httplog, tcplog) or NGINX (combined) write it"},
              "auto, json, text, httplog, tcplog or combined", &L::format, kLogFormats),
          choice_key<L, LogFull>({"full", "\"wait\"",
                                  "when the log cannot keep up: drop records and count them, or "
                                  "make the workers wait"},
                                 "drop or wait", &L::full, kLogFull),
      },
      &Coordinator::log);
  return keys;
}

std::span<const Key<Coordinator>> timeout_keys() {
  using C = Coordinator;
  static const std::vector<Key<C>> keys = [] {
    std::vector<Key<C>> all = lift_all(of_timeouts(), &C::timeouts);
    all.push_back(time_key(
        {"backoff_first", "\"500ms\"",
         "how long a server that does not connect, or keeps failing, is left out the first time"},
        &C::backoff_first));
    all.push_back(
        time_key({"backoff_max", "\"30s\"", "and at most; it doubles each time"}, &C::backoff_max));
    return all;
  }();
  return keys;
}

std::span<const Key<Coordinator>> limit_keys() {
  static const std::vector<Key<Coordinator>> keys = lift_all(of_limits(), &Coordinator::limits);
  return keys;
}

std::span<const Key<Coordinator>> file_keys() {
  static const std::vector<Key<Coordinator>> keys = of_file();
  return keys;
}

}  // namespace giliran::config
