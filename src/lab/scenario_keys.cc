#include "lab/scenario_keys.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <deque>

#include "base/parse.h"
#include "config/key_of.h"
#include "config/keys.h"
#include "report/expect.h"

namespace giliran::lab {
namespace {

using config::Choice;
using config::Key;
using config::Reader;
using config::Value;

constexpr uint32_t kThreadsMax = 1024;
constexpr uint32_t kServersMax = 100;
constexpr uint32_t kRepetitionsMax = 100;
constexpr double kRateMax = 10e6;
constexpr base::Duration kRunMax = std::chrono::hours(24);
constexpr size_t kTextMax = 4000;
constexpr uint32_t kFanOutMax = 16;  // what a server takes: server/ask.h

constexpr std::array<Choice<config::Scheme>, 2> kSchemes = {
    {{"http", config::Scheme::kHttp}, {"tcp", config::Scheme::kTcp}}};
constexpr std::array<Choice<Arrivals>, 2> kArrivals = {
    {{"constant", Arrivals::kConstant}, {"poisson", Arrivals::kPoisson}}};
constexpr std::array<Choice<Role>, 3> kRoles = {
    {{"balanced", Role::kBalanced}, {"spare", Role::kSpare}, {"leaf", Role::kLeaf}}};
constexpr std::array<Choice<Action>, 9> kActions = {{{"kill", Action::kKill},
                                                     {"start", Action::kStart},
                                                     {"stop", Action::kStop},
                                                     {"continue", Action::kContinue},
                                                     {"change", Action::kChange},
                                                     {"add", Action::kAdd},
                                                     {"drain", Action::kDrain},
                                                     {"weight", Action::kWeight},
                                                     {"rate", Action::kRate}}};

base::Result<std::string> to_words(const Value& value) {
  std::string text = GILIRAN_TRY(config::to_text(value));
  if (text.size() <= kTextMax && text.find('\0') == std::string::npos) return text;
  return base::fail(fmt::format("expected a text of at most {} characters", kTextMax));
}

base::Result<std::string> to_line(const Value& value) {
  std::string text = GILIRAN_TRY(to_words(value));
  if (std::ranges::all_of(text, [](unsigned char c) { return c >= 0x20 && c != 0x7f; })) {
    return text;
  }
  return base::fail("expected one line, without control characters");
}

base::Result<std::string> to_expectation(const Value& value) {
  std::string text = GILIRAN_TRY(to_line(value));
  GILIRAN_TRY(report::Expectation::parse(text));
  return text;
}

base::Result<base::Distribution> to_distribution(const Value& value) {
  if (value.kind != Value::Kind::kText) {
    return base::fail("expected a text, such as \"5ms\" or \"exp(5ms)\"");
  }
  auto parsed = base::Distribution::parse(value.text);
  if (parsed) return parsed;
  return base::fail(config::without_prefix(parsed.error().message, "'" + value.text + "': "));
}

std::string from_distribution(const base::Distribution& its) {
  return its.zero() ? std::string() : config::quoted(its.text());
}

base::Result<double> to_load(const Value& value) {
  const double rate = GILIRAN_TRY(config::to_rate(value, kRateMax));
  if (rate > 0) return rate;
  return base::fail("expected a rate above 0, such as 500 or \"20k\"");
}

base::Result<std::string> to_header(const Value& value) {
  std::string text = GILIRAN_TRY(to_line(value));
  const size_t colon = text.find(':');
  if (colon != std::string::npos && config::is_token(text.substr(0, colon))) return text;
  return base::fail("expected \"Name: value\"");
}

base::Result<std::string> to_path(const Value& value) {
  std::string text = GILIRAN_TRY(to_line(value));
  if (text.starts_with('/') && text.find_first_of(" #") == std::string::npos) return text;
  return base::fail("expected a path that begins with '/', such as \"/orders?id={{seq}}\"");
}

base::Result<client::Stage> to_stage(const Value& value) {
  const auto text = GILIRAN_TRY(config::to_text(value));
  auto stages = client::parse_stages(text);
  if (stages && stages->size() == 1 && stages->front().rate <= kRateMax &&
      stages->front().length <= kRunMax) {
    return stages->front();
  }
  return base::fail("expected TIME:RATE (a ramp) or TIME:=RATE (a jump), such as \"10s:1k\"");
}

std::string from_stage(const client::Stage& stage) {
  return config::quoted(fmt::format("{}:{}{}", base::format_duration(stage.length),
                                    stage.jump ? "=" : "", stage.rate));
}

template <typename T>
Key<T> words_key(const config::KeyText& text, std::string T::* member, auto convert) {
  return config::text_key(text, "text", member, convert);
}

template <typename T>
Key<T> distribution_key(const config::KeyText& text, base::Distribution T::* member) {
  return absent(config::key_of(text, "distribution", member, to_distribution, from_distribution),
                "the servers' own");
}

std::string from_optional_number(const std::optional<uint32_t>& number) {
  return number ? config::from_number(*number) : std::string();
}

std::string from_optional_rate(const std::optional<double>& rate) {
  return rate ? config::from_double(*rate) : std::string();
}

// --- the coordinator: pool keys beside those of the whole, as there is one pool ---

std::vector<Key<config::Coordinator>> of_coordinator() {
  using C = config::Coordinator;
  std::vector<Key<C>> keys;
  for (const Key<C>& key : config::top_keys()) {
    if (key.name == "threads") {
      keys.push_back(key);
      keys.back().meaning = "workers; auto is one per processor";
      keys.back().example = "4";
    }
  }
  const auto pool = [](auto& whole) -> auto& { return whole.pools.front(); };
  for (const Key<config::Pool>& key : config::pool_keys()) {
    if (key.name == "name" || key.name == "servers") continue;
    keys.push_back(config::lift_by<C>(key, pool));
  }
  for (const Key<C>& key : config::file_keys()) {
    if (key.name == "timeouts" || key.name == "limits") keys.push_back(key);
  }
  static const std::vector<Key<config::Listener>> listener = [] {
    std::vector<Key<config::Listener>> some;
    for (const Key<config::Listener>& key : config::listener_keys()) {
      if (key.name != "address" && key.name != "pool" && key.name != "name") some.push_back(key);
    }
    return some;
  }();
  keys.push_back(
      {.name = "listener",
       .form = "table",
       .example = "",
       .meaning = "",
       .read =
           [](const Value& value, C& out, Reader& reader) {
             config::read_table<config::Listener>(value, listener, out.listeners.front(), reader);
           },
       .write_tables =
           [](const C& from, const std::string& path, std::string& out) {
             out += fmt::format("\n[{}]\n", path);
             config::write_table<config::Listener>(from.listeners.front(), listener, path, out);
           }});
  return keys;
}

// --- servers and their character ---

// The keys of a server's file, as keys of what has a character.
template <typename T>
void add_character(std::vector<Key<T>>& keys, auto get) {
  for (const Key<server::Character>& key : server::character_keys()) {
    keys.push_back(config::lift_by<T>(key, get));
  }
}

std::vector<Key<ServerGroup>> of_server_group() {
  using G = ServerGroup;
  const auto like = [](auto& group) -> auto& { return group.like; };
  std::vector<Key<G>> keys = {
      absent(config::text_key<G>({"name", "\"slow\"",
                                  "what logs and events call it; with a count above 1, slow-1, "
                                  "slow-2, ..."},
                                 "name", &G::name, to_plain_name),
             "server-1, ..."),
      absent(config::key_of<G>(
                 {"count", "4", "so many of this kind"}, "number", &G::count,
                 [](const Value& value) {
                   return config::to_number(value, {.min = 1, .max = kServersMax});
                 },
                 from_optional_number),
             "three; one where there is a name"),
      config::lift_by<G>(config::number_key<ServerPlan>(
                             {"threads", "16",
                              "service threads, each with one request at a time; \"cores\" and "
                              "\"2*cores\" are of this machine"},
                             &ServerPlan::threads, {.min = 1, .max = kThreadsMax}),
                         like),
  };
  add_character<G>(keys, [](auto& group) -> auto& { return group.like.character; });
  keys.push_back(config::lift_by<G>(
      config::number_key<ServerPlan>({"weight", "3", "a larger share of the requests"},
                                     &ServerPlan::weight, {.min = 1, .max = 256}),
      like));
  keys.push_back(config::lift_by<G>(
      config::number_key<ServerPlan>(
          {"in_flight_max", "8", "requests on it at a time; 0: what the coordinator says"},
          &ServerPlan::in_flight_max, {.max = 1'000'000}),
      like));
  keys.push_back(config::lift_by<G>(
      config::choice_key<ServerPlan, Role>(
          {"role", "\"spare\"",
           "balanced: in the pool; spare: not before an event adds it; leaf: never, called by "
           "other servers (fan_out)"},
          "balanced, spare or leaf", &ServerPlan::role, kRoles),
      like));
  return keys;
}

// --- the client ---

std::vector<Key<ClientPlan>> of_load() {
  using C = ClientPlan;
  return {
      config::number_key<C>({"connections", "50",
                             "simulated clients; in an open loop, how many connections there may "
                             "be at most"},
                            &C::connections, {.min = 1, .max = 1'000'000}),
      absent(config::number_key<C>({"threads", "1", "of the client"}, &C::threads,
                                   {.min = 1, .max = kThreadsMax, .zero = config::Zero::kYes}),
             "one per processor"),
      absent(config::key_of<C>(
                 {"rate", "\"2k\"", "requests a second, whatever the servers do (open loop)"},
                 "rate", &C::rate, to_load, from_optional_rate),
             "closed loop: each asks again once it was answered"),
      config::list_key<C>({"stages", "[\"5s:1k\", \"5s:=3k\"]",
                           "an open loop whose rate goes to RATE in a straight line within TIME "
                           "(TIME:RATE), or is RATE at once (TIME:=RATE); begins at rate"},
                          "list of TIME:RATE", &C::stages, to_stage, from_stage),
      config::choice_key<C, Arrivals>({"arrivals", "\"poisson\"",
                                       "of an open loop: evenly spaced, or as those of many "
                                       "people who know nothing of each other"},
                                      "constant or poisson", &C::arrivals, kArrivals),
      config::time_key<C>({"duration", "\"10s\"", "how long requests are issued"}, &C::duration,
                          {.max = kRunMax}),
      absent(config::number_key<C>({"requests", "\"10k\"", "so many, instead of a duration"},
                                   &C::requests, {.min = 1, .max = UINT64_MAX}),
             "no bound"),
      absent(config::time_key<C>(
                 {"warmup", "\"1s\"", "before that, with the same load: counts for nothing"},
                 &C::warmup, {.max = kRunMax, .zero = config::Zero::kYes}),
             "none"),
      config::bool_key<C>({"new_connection", "true", "a connection for each request"},
                          &C::new_connection),
  };
}

std::vector<Key<ClientPlan>> of_request() {
  using C = ClientPlan;
  return {
      absent(config::text_key<C>({"method", "\"POST\"", "of the requests"}, "token", &C::method,
                                 config::to_token),
             "GET, or POST with a body"),
      config::text_key<C>({"path", "\"/orders?id={{seq}}\"", "of the requests, with its query"},
                          "path", &C::path, to_path),
      config::list_key<C>({"headers", "[\"Accept: text/plain\"]", "header fields"},
                          "list of \"Name: value\"", &C::headers, to_header,
                          [](const std::string& text) { return config::quoted(text); }),
      absent(words_key<C>({"body", "\"{}\"", "of the requests"}, &C::body, to_words), "none"),
      absent(words_key<C>({"message", "\"hi\"", "with tcp: the line that is sent"}, &C::message,
                          to_line),
             "hello"),
      config::time_key<C>({"timeout", "\"2s\"", "of a request, connecting included"}, &C::timeout,
                          {.max = kRunMax}),
      distribution_key<C>({"delay", "\"exp(5ms)\"",
                           "how long each request asks its server to wait: drawn by the client, so "
                           "that all runs of a repetition get the same work"},
                          &C::delay),
      distribution_key<C>({"work", "\"1ms\"", "and to compute"}, &C::work),
      absent(config::number_key<C>({"fan_out", "4",
                                    "each request makes its server call so many leaves, and is "
                                    "done when the last has answered; delay and work are theirs"},
                                   &C::fan_out,
                                   {.min = 1, .max = kFanOutMax, .zero = config::Zero::kYes}),
             "none"),
  };
}

// Written where it means something, and then whatever it is.
Key<ClientPlan> written_if(Key<ClientPlan> key, bool (*matters)(const ClientPlan&)) {
  if (key.absent.empty()) {
    static std::deque<std::string> defaults;
    key.absent = defaults.emplace_back(key.write(ClientPlan{}));
  }
  key.write = [write = key.write, matters](const ClientPlan& from) {
    return matters(from) ? write(from) : std::string();
  };
  return key;
}

std::vector<Key<ClientPlan>> of_client() {
  using C = ClientPlan;
  struct Condition {
    std::string_view name;
    bool (*matters)(const C&);
  };
  static constexpr Condition kConditions[] = {
      {"threads", [](const C& c) { return c.threads != 0; }},
      {"arrivals", [](const C& c) { return c.loop() == Loop::kOpen; }},
      {"duration", [](const C& c) { return c.requests == 0 && c.stages.empty(); }},
      {"requests", [](const C& c) { return c.requests != 0; }},
      {"warmup", [](const C& c) { return c.warmup.count() != 0; }},
      {"path", [](const C& c) { return c.path != "/"; }},
      {"fan_out", [](const C& c) { return c.fan_out != 0; }},
  };
  std::vector<Key<C>> keys = of_load();
  for (Key<C>& key : of_request()) keys.push_back(std::move(key));
  for (const Condition& each : kConditions) {
    const auto key = std::ranges::find(keys, each.name, &Key<C>::name);
    *key = written_if(std::move(*key), each.matters);
  }
  return keys;
}

// --- the timeline ---

// Of an event that changes a server: the rest has no character.
template <typename T>
Key<T> only_of_changes(Key<T> key) {
  key.write = [write = key.write](const T& from) {
    return from.action == Action::kChange ? write(from) : std::string();
  };
  key.absent = "as before";
  return key;
}

std::vector<Key<EventDraft>> of_event() {
  using E = EventDraft;
  std::vector<Key<E>> keys = {
      absent(required(
                 config::time_key<E>({"at", "\"5s\"", "after the first request, warm-up included"},
                                     &E::at, {.max = kRunMax, .zero = config::Zero::kYes})),
             "required"),
      absent(required(config::choice_key<E, Action>(
                 {"do", "\"kill\"",
                  "kill: as a crash; start: what was killed, at the same address; stop: it hangs; "
                  "continue; change: how it behaves; add: into the pool; drain: out of it, what it "
                  "has is finished; weight; rate: of the client"},
                 "kill, start, stop, continue, change, add, drain, weight or rate", &E::action,
                 kActions)),
             "required"),
      config::list_key<E>({"server", "\"server-1\"",
                           "a server's name, that of a group of servers, or a list of such; not "
                           "of rate"},
                          "name or list of names", &E::servers, to_plain_name,
                          [](const std::string& text) { return config::quoted(text); }),
      absent(
          config::key_of<E>(
              {"weight", "3", "with weight: from now on"}, "number", &E::weight,
              [](const Value& value) { return config::to_number(value, {.min = 1, .max = 256}); },
              from_optional_number),
          "none"),
      absent(config::key_of<E>({"rate", "\"5k\"", "with rate: from now on"}, "rate", &E::rate,
                               to_load, from_optional_rate),
             "none"),
  };
  const size_t first = keys.size();
  add_character<E>(keys, [](auto& event) -> auto& { return event.character; });
  for (size_t i = first; i < keys.size(); ++i) keys[i] = only_of_changes(std::move(keys[i]));
  return keys;
}

std::string heading(const std::string& section) {
  return section.empty() ? "The top of the file" : fmt::format("`{}`", section);
}

std::vector<config::KeyRow> all_rows() {
  std::vector<config::KeyRow> rows;
  const auto table = [&](std::string_view name, std::string_view form, std::string_view example,
                         std::string_view meaning) {
    rows.push_back({.section = "",
                    .name = name,
                    .form = form,
                    .default_text = "none",
                    .example = example,
                    .meaning = meaning});
  };
  config::add_rows(rows, "", head_keys());
  config::add_rows(rows, "", body_keys());
  table("vary", "table", "{ \"servers.threads\" = [1, 4] }",
        "a list of values for each key that varies, by its path; all combinations are run. "
        "`servers.slow.threads` is of the servers with that name, `servers.threads` of all");
  table(
      "run", "tables", "{ name = \"one\", servers = { threads = 1 } }",
      "runs that differ in several keys: what a [[run]] has stands instead of what the file has, "
      "table by table; its name, any of protocol, coordinator, servers, client, timeline, expect, "
      "and a vary of its own");
  config::add_rows(rows, "[coordinator]", coordinator_keys(), RunPlan::default_coordinator());
  config::add_rows(rows, "[[servers]]", server_group_keys());
  config::add_rows(rows, "[client]", client_keys());
  config::add_rows(rows, "[[timeline]]", event_keys());
  return rows;
}

}  // namespace

base::Result<std::string> to_plain_name(const Value& value) {
  constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyz0123456789-";
  const bool good = value.kind == Value::Kind::kText && !value.text.empty() &&
                    value.text.size() <= kScenarioNameMax &&
                    value.text.find_first_not_of(kAllowed) == std::string::npos;
  if (good) return value.text;
  return base::fail(
      fmt::format("expected a name of 1 to {} lower-case letters, digits and -", kScenarioNameMax));
}

std::optional<uint64_t> of_cores(std::string_view text, uint32_t cores) {
  constexpr std::string_view kCores = "cores";
  if (text == kCores) return cores;
  if (!text.ends_with("*cores")) return std::nullopt;
  text.remove_suffix(kCores.size() + 1);
  const auto times = base::parse_uint(text, kThreadsMax);
  if (!times || *times == 0) return std::nullopt;
  return *times * cores;
}

std::span<const Key<Head>> head_keys() {
  using H = Head;
  static const std::vector<Key<H>> keys = {
      absent(required(config::text_key<H>(
                 {"scenario", "\"two-servers\"", "its name; says that the file is a scenario"},
                 "name", &H::name, to_plain_name)),
             "required"),
      absent(words_key<H>({"about", "\"one server is slow\"", "one line"}, &H::about, to_line),
             "none"),
      absent(words_key<H>({"look_for", "\"p99 of each run\"",
                           "a few lines: what to see in the result, and why"},
                          &H::look_for, to_words),
             "none"),
      config::number_key<H>({"repetitions", "3",
                             "of each run; the order rotates, so that no run is always the first"},
                            &H::repetitions, {.min = 1, .max = kRepetitionsMax}),
      absent(config::number_key<H>({"seed", "7",
                                    "of everything random; runs of one repetition share it, and "
                                    "with it arrivals and work"},
                                   &H::seed, {.max = UINT64_MAX}),
             "a random one"),
      absent(config::text_key<H>({"telling", "\"one\"", "the run to look at first; its logs stay"},
                                 "name", &H::telling, to_plain_name),
             "the last"),
  };
  return keys;
}

std::span<const Key<Body>> body_keys() {
  using B = Body;
  static const std::vector<Key<B>> keys = {
      config::choice_key<B, config::Scheme>(
          {"protocol", "\"tcp\"", "what is spoken: HTTP, or lines over TCP"}, "http or tcp",
          &B::scheme, kSchemes),
      config::list_key<B>({"expect", "[\"p99<50ms\", \"errors<1%\"]",
                           "thresholds, as `giliran client --expect` has them, for each run; at "
                           "the top of the file also between runs, by the median of their "
                           "repetitions: \"p99 of one < 0.5 * p99 of two\""},
                          "list of texts", &B::expect, to_expectation,
                          [](const std::string& text) { return config::quoted(text); }),
      config::table_key<B>({"coordinator", "", ""}, &B::coordinator, coordinator_keys()),
      config::tables_key<B>({"servers", "", ""}, &B::servers, server_group_keys()),
      config::table_key<B>({"client", "", ""}, &B::client, client_keys()),
      config::tables_key<B>({"timeline", "", ""}, &B::timeline, event_keys()),
  };
  return keys;
}

std::span<const Key<config::Coordinator>> coordinator_keys() {
  static const std::vector<Key<config::Coordinator>> keys = of_coordinator();
  return keys;
}

std::span<const Key<ServerGroup>> server_group_keys() {
  static const std::vector<Key<ServerGroup>> keys = of_server_group();
  return keys;
}

std::span<const Key<ClientPlan>> client_keys() {
  static const std::vector<Key<ClientPlan>> keys = of_client();
  return keys;
}

std::span<const Key<EventDraft>> event_keys() {
  static const std::vector<Key<EventDraft>> keys = of_event();
  return keys;
}

const std::vector<config::KeyRow>& scenario_rows() {
  static const std::vector<config::KeyRow> rows = all_rows();
  return rows;
}

std::string scenario_key_tables() {
  return config::key_tables(scenario_rows(), heading);
}

std::string scenario_section_with(std::string_view name) {
  for (const config::KeyRow& row : scenario_rows()) {
    if (row.name == name && !row.section.empty()) return row.section;
  }
  return "";
}

}  // namespace giliran::lab
