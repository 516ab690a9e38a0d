#include "config/coordinator_toml.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "config/test_config.h"

namespace giliran::config {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(CoordinatorToml, AnEmptyFileIsTheDefaults) {
  EXPECT_EQ(parsed(""), Coordinator());
  EXPECT_EQ(parsed("# nothing\n[log]\n[timeouts]\n[limits]\n"), Coordinator());
}

constexpr std::string_view kFull = R"(threads = 2
drain_timeout = "1m"
quiet = true
seed = 7

[log]
path = "c.log"
format = "combined"
full = "wait"

[timeouts]
connect_timeout = "250ms"
total_timeout = 0
attempt_timeout = "2s"
keepalive_idle = 0
backoff_first = "2s"
backoff_max = "1m"

[limits]
connections_max = "20k"
head_bytes_max = "32KiB"
fields_max = 64
body_bytes_max = 1048576
request_rate_max = "100/1s"
request_burst = 50

[answers]
503 = { content_type = "text/html", file = "sorry.html" }
404.body = "nothing here\n"

[[listener]]
name = "front"
address = "http://127.0.0.1:8080"
pool = "app"
trusted = ["10.0.0.0/8", "unix"]
proxy_protocol_from = "192.0.2.1"
forwarding = "append"
forwarded = true
connect = true
upgrade = false
connections_max = 1000

[[listener.route]]
host = "API.example.org"
path = "/v1"
methods = ["GET", "POST"]
header = { X-Version = "2", X-Beta = true }
pool = "api"
request_headers = { add = { Link = ["a", "b"] }, set = { X-Tier = "api" }, remove = ["Cookie"] }
response_headers.remove = "Server"
body_bytes_max = "1MiB"

[[listener.route]]
name = "old"
path = "/old"
redirect = { status = 308, to = "https://{host}/new{path}" }

[[listener.route]]
path = "/health"
answer = { status = 200, body = "good\n" }

[[listener]]
address = "tcp://fd@4"
pool = "app"

[[pool]]
name = "app"
policy = "least-requests"
servers = ["127.0.0.1:9001=2", { address = "unix:/run/a=b", name = "local", in_flight_max = 5 }]
in_flight_max = 100
queue_max = 10
queue_timeout = "1s"
retries_max = 2
retry_statuses = [502, 503]
retry_budget = "10%"
retry_budget_floor = 3
sticky_cookie = "giliran"
mark_down_after = 3
mark_down_on_5xx = true
proxy_protocol = "v2"

[[pool]]
name = "api"
servers = "app.internal:80"
)";

TEST(CoordinatorToml, TheProcess) {
  const Coordinator c = parsed(kFull);
  EXPECT_EQ(c.threads, 2U);
  EXPECT_EQ(c.drain_timeout, minutes(1));
  EXPECT_TRUE(c.quiet);
  EXPECT_EQ(c.seed, 7U);
  EXPECT_EQ(c.log, (Log{.path = "c.log", .format = LogFormat::kCombined, .full = LogFull::kWait}));
  EXPECT_EQ(c.timeouts.connect_timeout, milliseconds(250));
  EXPECT_EQ(c.timeouts.head_timeout, seconds(10));
  EXPECT_EQ(c.timeouts.attempt_timeout, seconds(2));
  EXPECT_EQ(c.timeouts.keepalive_idle, seconds(0));
  EXPECT_EQ(c.backoff_first, seconds(2));
  EXPECT_EQ(c.backoff_max, minutes(1));
  EXPECT_EQ(c.limits.connections_max, 20'000U);
  EXPECT_EQ(c.limits.head_bytes_max, 32768U);
  EXPECT_EQ(c.limits.fields_max, 64U);
  EXPECT_EQ(c.limits.body_bytes_max, 1048576U);
  EXPECT_EQ(c.limits.request_rate_max, 100);
  EXPECT_EQ(c.limits.request_burst, 50U);
  ASSERT_EQ(c.answers.size(), 2U);
  EXPECT_EQ(c.answers.at(503), (Answer{503, "text/html", "<p>sorry</p>\n"}));
  EXPECT_EQ(c.answers.at(404), (Answer{404, "text/plain; charset=utf-8", "nothing here\n"}));
}

TEST(CoordinatorToml, Listeners) {
  const Coordinator c = parsed(kFull);
  ASSERT_EQ(c.listeners.size(), 2U);
  const Listener& front = c.listeners[0];
  EXPECT_EQ(front.name, "front");
  EXPECT_EQ(front.listen.text(), "http://127.0.0.1:8080");
  EXPECT_EQ(front.pool, "app");
  ASSERT_EQ(front.trusted.size(), 2U);
  EXPECT_EQ(front.trusted[0].text(), "10.0.0.0/8");
  EXPECT_EQ(front.trusted[1].text(), "unix");
  EXPECT_EQ(front.proxy_protocol_from.size(), 1U);
  EXPECT_EQ(front.forwarding, Forwarding::kAppend);
  EXPECT_TRUE(front.forwarded && front.connect && !front.upgrade);
  EXPECT_EQ(front.connections_max, 1000U);
  EXPECT_EQ(c.listeners[1].listen.scheme, Scheme::kTcp);
  EXPECT_EQ(c.listeners[1].listen.host_port, "fd@4");
}

TEST(CoordinatorToml, Routes) {
  const std::vector<Route> routes = parsed(kFull).listeners.at(0).routes;
  ASSERT_EQ(routes.size(), 3U);
  using Kind = HeaderChange::Kind;
  const Route api{.name = "route-1",
                  .hosts = {"api.example.org"},
                  .path = "/v1",
                  .methods = {"GET", "POST"},
                  .headers = {{"X-Version", "2"}, {"X-Beta", std::nullopt}},
                  .pool = "api",
                  .redirect = std::nullopt,
                  .answer = std::nullopt,
                  .request_headers = {{Kind::kRemove, "Cookie", ""},
                                      {Kind::kSet, "X-Tier", "api"},
                                      {Kind::kAdd, "Link", "a"},
                                      {Kind::kAdd, "Link", "b"}},
                  .response_headers = {{Kind::kRemove, "Server", ""}},
                  .body_bytes_max = 1 << 20};
  EXPECT_EQ(routes[0], api);
  EXPECT_EQ(routes[1].name, "old");
  EXPECT_EQ(routes[1].redirect, (Redirect{308, "https://{host}/new{path}"}));
  EXPECT_EQ(routes[2].name, "route-3");
  EXPECT_EQ(routes[2].answer, (Answer{200, "text/plain; charset=utf-8", "good\n"}));
}

TEST(CoordinatorToml, Pools) {
  const Coordinator c = parsed(kFull);
  ASSERT_EQ(c.pools.size(), 2U);
  const Pool app{.name = "app",
                 .policy = "least-requests",
                 .servers = {{.spec = {"127.0.0.1:9001", 2}, .name = ""},
                             {.spec = {"unix:/run/a=b", 1}, .name = "local", .in_flight_max = 5}},
                 .in_flight_max = 100,
                 .queue_max = 10,
                 .queue_timeout = seconds(1),
                 .retries_max = 2,
                 .retry_on = {.statuses = {502, 503}},
                 .retry_budget = 0.1,
                 .retry_budget_floor = 3,
                 .sticky_cookie = "giliran",
                 .mark_down_after = 3,
                 .mark_down_on_5xx = true,
                 .proxy_protocol = ProxyProtocol::kV2};
  EXPECT_EQ(c.pools[0], app);
  ASSERT_EQ(c.pools[1].servers.size(), 1U);
  EXPECT_EQ(c.pools[1].servers[0].spec.host_port, "app.internal:80");
}

TEST(CoordinatorToml, RetryOn) {
  const auto pool = [](const std::string& more) {
    return parsed(
               "[[listener]]\naddress = \":80\"\npool = \"app\"\n[[pool]]\nname = \"app\"\n"
               "servers = \"a:1\"\n" +
               more)
        .pools[0]
        .retry_on;
  };
  const RetryOn usual{};
  EXPECT_TRUE(usual.connect && usual.reset && usual.timeout && !usual.bad_response);
  EXPECT_EQ(pool("retry_on = [\"connect\", \"bad-response\", 503, 502, 503]"),
            (RetryOn{.connect = true,
                     .reset = false,
                     .timeout = false,
                     .bad_response = true,
                     .statuses = {503, 502}}));
  EXPECT_EQ(pool("retry_on = []"), (RetryOn{.connect = false, .reset = false, .timeout = false}));
  // The older key adds statuses, wherever it stands.
  EXPECT_EQ(pool("retry_statuses = 503"), (RetryOn{.statuses = {503}}));
  const RetryOn both{.connect = true, .reset = false, .timeout = false, .statuses = {502, 503}};
  EXPECT_EQ(pool("retry_on = [\"connect\", 502]\nretry_statuses = [502, 503]"), both);
  EXPECT_EQ(pool("retry_statuses = [502, 503]\nretry_on = [\"connect\", 502]"), both);
}

// --- the effective configuration ---

constexpr std::string_view kSmall = R"([[listener]]
address = ":8080"
pool = "app"
[[listener.route]]
path = "/old"
redirect.to = "/new"
[[pool]]
name = "app"
servers = "127.0.0.1:9001"
)";

constexpr std::string_view kSmallEffective = R"(threads = "auto"
drain_timeout = "30s"
quiet = false
seed = 0

[log]
format = "auto"
full = "drop"

[timeouts]
connect_timeout = "5s"
head_timeout = "10s"
response_timeout = "1m"
body_timeout = "1m"
write_timeout = "1m"
idle_timeout = "1m"
upstream_idle_timeout = "4s"
flow_idle_timeout = "10m"
tunnel_idle_timeout = "1h"
total_timeout = "0s"
attempt_timeout = "0s"
unacknowledged_timeout = "2m"
keepalive_idle = "2m"
backoff_first = "1s"
backoff_max = "10s"

[limits]
connections_max = 0
head_bytes_max = "16KiB"
target_bytes_max = "8KiB"
fields_max = 100
body_bytes_max = 0
requests_per_connection_max = 0
memory_max = "1GiB"
body_rate_min = 100
body_rate_grace = "20s"
request_rate_max = 0
request_burst = 0
upstream_idle_max = 1024

[[listener]]
address = "http://:8080"
pool = "app"
forwarding = "replace"
forwarded = false
server_timing = false
half_close = "cancel"
connect = false
upgrade = true
connections_max = 0

[[listener.route]]
name = "route-1"
path = "/old"
redirect = { status = 302, to = "/new" }

[[pool]]
name = "app"
policy = "round-robin"
servers = [
  "127.0.0.1:9001",
]
in_flight_max = 0
queue_max = 1024
queue_timeout = "10s"
retries_max = 15
retry_on = ["connect", "reset", "timeout"]
retry_budget = "20%"
retry_budget_floor = 10
mark_down_after = 5
mark_down_on_5xx = false
proxy_protocol = "none"
)";

TEST(CoordinatorToml, TheEffectiveConfiguration) {
  EXPECT_EQ(print_coordinator(parsed(kSmall)), kSmallEffective);
}

TEST(CoordinatorToml, TheEffectiveConfigurationIsTheSame) {
  for (const std::string_view text : {std::string_view(""), kSmall, kFull}) {
    const Coordinator config = parsed(text);
    const std::string printed = print_coordinator(config);
    EXPECT_EQ(parsed(printed), config) << printed;
    EXPECT_EQ(print_coordinator(parsed(printed)), printed);
  }
}

// --- files ---

class Files : public ::testing::Test {
 protected:
  Files() { std::filesystem::create_directories(folder_ / "pages"); }
  ~Files() override { std::filesystem::remove_all(folder_); }

  std::string write(const std::string& name, std::string_view content) {
    std::ofstream(folder_ / name, std::ios::binary) << content;
    return (folder_ / name).string();
  }

  const std::filesystem::path folder_ =
      std::filesystem::path(::testing::TempDir()) /
      ("giliran_config_" + std::to_string(getpid()) + "_" +
       ::testing::UnitTest::GetInstance()->current_test_info()->name());
};

TEST_F(Files, AnswersAreReadFromTheFolderOfTheConfiguration) {
  write("pages/503.html", "<p>later</p>");
  const std::string path = write("g.toml", "[answers]\n503.file = \"pages/503.html\"\n");
  const auto config = load_coordinator(path);
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->answers.at(503).body, "<p>later</p>");
}

TEST_F(Files, WhatCannotBeReadIsSaid) {
  const auto error = [&](std::string_view text) {
    const auto config = load_coordinator(write("g.toml", text));
    return config ? "" : config.error().message;
  };
  write("large", std::string(kAnswerBytesMax + 1, 'x'));
  write("full", std::string(kAnswerBytesMax, 'x'));
  EXPECT_EQ(error("answers.503.file = \"none\""),
            (folder_ / "g.toml").string() +
                ":1:20: key 'answers.503.file': bad value 'none': there is no such file");
  EXPECT_THAT(error("answers.503.file = \"pages\""), HasSubstr("'pages': is no regular file"));
  EXPECT_THAT(error("answers.503.file = \"large\""), HasSubstr("'large': is longer than 32KiB"));
  EXPECT_EQ(error("answers.503.file = \"full\""), "");
  EXPECT_THAT(load_coordinator((folder_ / "no.toml").string()).error().message,
              HasSubstr("no.toml: cannot be read: No such file"));
  EXPECT_THAT(load_coordinator(folder_.string()).error().message, HasSubstr("is a folder"));
}

// --- flags and file together ---

TEST(Complete, WhatFlagsBringLater) {
  constexpr std::string_view text = "[[listener]]\naddress = \":80\"\npool = \"default\"\n";
  EXPECT_THAT(problems_of(text),
              ElementsAre("3:8: key 'listener.pool': bad value 'default': there is no pool"));
  auto config = parse_coordinator(text, "t", {.check = {.later_pool = "default"}});
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(complete(*config).error().message,
            "key 'listener.pool': bad value 'default': there is no pool");
  config->pools.push_back(
      {.name = "default", .servers = {{.spec = {"a:1", 1}, .name = ""}}, .sticky_cookie = ""});
  EXPECT_TRUE(complete(*config));
  config->pools[0].servers.push_back({.spec = {"A:01", 1}, .name = ""});
  EXPECT_EQ(complete(*config).error().message,
            "key 'pool.servers': bad value 'A:01': it is given twice; for a larger share give it a "
            "weight, to have it twice a name each: { address = \"A:01\", name = \"...\" }");
  EXPECT_THAT(complete({}).error().message, HasSubstr("give --listen HOST:PORT"));
}

}  // namespace
}  // namespace giliran::config
