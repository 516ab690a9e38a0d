// Everything that can be wrong in a file: told with its line and column.
#include <gmock/gmock.h>

#include <sstream>

#include "config/keys.h"
#include "config/test_config.h"
#include "wire/http1/head.h"

namespace giliran::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

static_assert(kFieldsMost == wire::http1::kFieldsMax);

struct Bad {
  const char* text;
  const char* problem;  // behind "t.toml:"
};

class Problems : public ::testing::TestWithParam<Bad> {};

TEST_P(Problems, AreToldWithTheirPlace) {
  EXPECT_THAT(problems_of(GetParam().text), ElementsAre(GetParam().problem)) << GetParam().text;
}

INSTANTIATE_TEST_SUITE_P(
    Values, Problems,
    ::testing::Values(
        Bad{"threads = 0",
            "1:11: key 'threads': bad value '0': expected auto or a number from 1 "
            "to 4096"},
        Bad{"quiet = 1", "1:9: key 'quiet': bad value '1': expected true or false"},
        Bad{"seed = -1", "1:8: key 'seed': bad value '-1': expected 0 or more"},
        Bad{"seed = 1979-05-27",
            "1:8: key 'seed': bad value '1979-05-27': expected a whole number "
            "such as 100 or \"20k\""},
        Bad{"drain_timeout = 30",
            "1:17: key 'drain_timeout': bad value '30': expected a time in "
            "quotes, with its unit, such as \"250ms\", \"5s\", \"2m\""},
        Bad{"drain_timeout = \"5 s\"",
            "1:17: key 'drain_timeout': bad value '5 s': expected a "
            "duration such as 250us, 5ms, 10s, 2m; did you mean 5s?"},
        Bad{"drain_timeout = \"9000h\"",
            "1:17: key 'drain_timeout': bad value '9000h': expected at most 8760h"},
        Bad{"drain_timeout = 0",
            "1:17: key 'drain_timeout': bad value '0': expected a time above "
            "zero, such as 5s"},
        Bad{"[timeouts]\nkeepalive_idle = \"1ms\"",
            "2:18: key 'timeouts.keepalive_idle': bad value '1ms': expected 0, or 1s to 9h"},
        Bad{"[log]\npath = \"\"",
            "2:8: key 'log.path': bad value '': expected a text that is not empty"},
        Bad{"log.format = \"xml\"",
            "1:14: key 'log.format': bad value 'xml': expected auto, json, text, "
            "httplog, tcplog or combined"},
        Bad{"log = \"c.log\"", "1:7: key 'log': bad value 'c.log': expected a table"},
        Bad{"[limits]\nhead_bytes_max = \"61KiB\"",
            "2:18: key 'limits.head_bytes_max': bad value '61KiB': expected 1KiB to 56KiB"},
        Bad{"[limits]\nmemory_max = 1000",
            "2:14: key 'limits.memory_max': bad value '1000': expected 0, or 1MiB or more"},
        Bad{"[limits]\nmemory_max = \"1 GB\"",
            "2:14: key 'limits.memory_max': bad value '1 GB': expected a size such as 512, 16KiB, "
            "100MiB, 1GiB; did you mean 1GiB?"},
        Bad{"[limits]\nrequest_rate_max = nan",
            "2:20: key 'limits.request_rate_max': bad value 'nan': expected a rate per second up "
            "to 1000000000, such as 100, \"20k\", \"50/1s\""},
        Bad{"[limits]\nfields_max = 129",
            "2:14: key 'limits.fields_max': bad value '129': expected 1 to 128"},
        Bad{"[limits]\nhead_bytes_max = 4096",
            "2:18: key 'limits.head_bytes_max': target_bytes_max (8KiB) is more than "
            "head_bytes_max (4KiB), of which it is a part"},
        Bad{"[timeouts]\nbackoff_first = \"1m\"",
            "2:17: key 'timeouts.backoff_first': backoff_first (1m) is more than backoff_max "
            "(10s)"}));

INSTANTIATE_TEST_SUITE_P(
    Keys, Problems,
    ::testing::Values(
        Bad{"a = ", "1:5: not TOML: Error while parsing key-value pair: encountered end-of-file"},
        Bad{"threds = 2", "1:1: unknown key 'threds'; did you mean 'threads'?"},
        Bad{"idle_timeout = \"1s\"", "1:1: unknown key 'idle_timeout'; it belongs into [timeouts]"},
        Bad{"[log]\n  zzz = 1", "2:3: unknown key 'log.zzz'; known here: path, format, full"},
        Bad{"\"a\\nb\" = 1\n",
            "1:1: unknown key 'a\\nb'; known here: threads, drain_timeout, "
            "quiet, seed, log, timeouts, limits, answers, listener, pool"},
        Bad{"[answers]\n200 = {}",
            "2:1: key 'answers.200': expected the status of an error, 400 "
            "to 599"},
        Bad{"[answers]\n0503 = {}",
            "2:1: key 'answers.0503': expected the status of an error, "
            "400 to 599"},
        Bad{"answers = 1",
            "1:11: key 'answers': bad value '1': expected a table such as { 503 = { "
            "body = \"...\" } }"},
        Bad{"[answers]\n503 = { body = \"a\", file = \"sorry.html\" }",
            "2:21: key 'answers.503': has a body and a file; give one of them"},
        Bad{"[answers]\n503 = { file = \"gone.html\" }",
            "2:16: key 'answers.503.file': bad value 'gone.html': there is no such file"},
        Bad{"[answers]\n503 = { file = \"latin1.html\" }",
            "2:16: key 'answers.503.file': bad value 'latin1.html': expected a file of text in "
            "UTF-8"},
        Bad{"[answers]\n503 = { content_type = \"\" }",
            "2:24: key 'answers.503.content_type': bad value '': expected a type such as "
            "\"text/html; charset=utf-8\""}));

// A listener with a pool, on six lines; what follows belongs to the pool.
#define POOL "[[listener]]\naddress = \":80\"\npool = \"app\"\n[[pool]]\nname = \"app\"\n"

INSTANTIATE_TEST_SUITE_P(
    Pools, Problems,
    ::testing::Values(
        Bad{POOL,
            "4:1: key 'pool.servers': is missing, such as servers = [\"10.0.0.1:80\", "
            "\"10.0.0.2:80=3\"]"},
        Bad{POOL "servers = []", "6:11: key 'pool.servers': pool 'app' has no server"},
        Bad{POOL "servers = [\"a:1\", \"A:01=3\"]",
            "6:19: key 'pool.servers': bad value 'A:01': line 6 has it already; for a larger share "
            "give it a weight, to have it twice a name each: { address = \"A:01\", name = "
            "\"...\" }"},
        Bad{POOL "servers = [\"a:1\", { address = \"a:1\", name = \"x\" }]",
            "6:19: key 'pool.servers': bad value 'a:1': line 6 has it already; for a larger share "
            "give it a weight, to have it twice a name each: { address = \"a:1\", name = "
            "\"...\" }"},
        Bad{POOL "servers = [\"a:1\", { address = \"b:1\", name = \"a:1\" }]",
            "6:45: key 'pool.servers.name': bad value 'a:1': line 6 has it already"},
        Bad{POOL "servers = [\"a:1=0\"]",
            "6:12: key 'pool.servers': bad value 'a:1=0': weight "
            "'0': expected a whole number from 1 to 256"},
        Bad{POOL "servers = \"http://a:1\"",
            "6:11: key 'pool.servers': bad value 'http://a:1': a server has no scheme (the "
            "listener's holds), expected HOST:PORT or HOST:PORT=WEIGHT: a:1"},
        Bad{POOL "servers = 80",
            "6:11: key 'pool.servers': bad value '80': expected \"HOST:PORT\", "
            "\"HOST:PORT=WEIGHT\" or { address = ... }"},
        Bad{POOL "servers = [{ name = \"a\" }]",
            "6:12: key 'pool.servers.address': is missing, such as address = \"10.0.0.1:80\""},
        Bad{POOL "servers = [{ address = \"a:1\", weigth = 2 }]",
            "6:31: unknown key 'pool.servers.weigth'; did you mean 'weight'?"},
        Bad{POOL "servers = [{ address = \"a:1\", name = \"x\" }, { address = \"a:2\", name = "
                 "\"x\" }]",
            "6:71: key 'pool.servers.name': bad value 'x': line 6 has it already"},
        Bad{POOL "servers = \"a:1\"\npolicy = \"round_robin\"",
            "7:10: key 'pool.policy': bad value 'round_robin': did you mean 'round-robin'?"},
        Bad{POOL "servers = \"a:1\"\nretry_budget = \"120%\"",
            "7:16: key 'pool.retry_budget': bad value '120%': expected a part between 0 and 1, or "
            "0% and 100%"},
        Bad{POOL "servers = \"a:1\"\nretry_statuses = [503, 200]",
            "7:24: key 'pool.retry_statuses': bad value '200': expected 400 to 599"},
        Bad{POOL "servers = \"a:1\"\nretry_on = [\"connect\", \"5xx\"]",
            "7:24: key 'pool.retry_on': bad value '5xx': expected connect, reset, timeout, "
            "bad-response or a status such as 503"},
        Bad{POOL "servers = \"a:1\"\nretry_on = [200]",
            "7:13: key 'pool.retry_on': bad value '200': expected 400 to 599"},
        Bad{POOL "servers = \"a:1\"\nsticky_cookie = \"a b\"",
            "7:17: key 'pool.sticky_cookie': bad value 'a b': expected letters, digits and "
            "!#$%&'*+-.^_`|~"},
        Bad{POOL "servers = \"a:1\"\nproxy_protocol = \"v3\"",
            "7:18: key 'pool.proxy_protocol': bad value 'v3': expected none, v1 or v2"},
        Bad{POOL "servers = \"a:1\"\n[[pool]]\nname = \"app\"\nservers = \"b:1\"",
            "8:8: key 'pool.name': bad value 'app': line 5 has it already"},
        Bad{POOL "servers = \"a:1\"\n[[listener]]\naddress = \":81\"\npool = \"apt\"",
            "9:8: key 'listener.pool': bad value 'apt': there is no such pool; did you mean "
            "'app'?"},
        Bad{POOL "servers = \"a:1\"\n[[pool]]\nname = \"a b\"\nservers = \"b:1\"",
            "8:8: key 'pool.name': bad value 'a b': expected a name of 1 to 64 characters of ASCII "
            "without space and quotes"}));

// A pool on three lines; what follows is a listener's.
#define LISTENER "[[pool]]\nname = \"app\"\nservers = \"a:1\"\n[[listener]]\n"

INSTANTIATE_TEST_SUITE_P(
    Listeners, Problems,
    ::testing::Values(
        Bad{LISTENER "pool = \"app\"",
            "4:1: key 'listener.address': is missing, such as address = \"http://127.0.0.1:8080\""},
        Bad{LISTENER "address = \":80\"",
            "4:1: key 'listener.pool': is missing, and there is no route either"},
        Bad{LISTENER "address = \"tcp://:80\"",
            "4:1: key 'listener.pool': is missing: a tcp:// listener needs one"},
        Bad{LISTENER "pool = \"app\"\naddress = \"https://:443\"",
            "6:11: key 'listener.address': bad value 'https://:443': https is not supported yet, "
            "use http://"},
        Bad{LISTENER "pool = \"app\"\naddress = \"fd@1\"",
            "6:11: key 'listener.address': bad value 'fd@1': expected fd@N with N from 3 to "
            "65535"},
        Bad{LISTENER "pool = \"app\"\naddress = \":80\"\n[[listener]]\npool = \"app\"\naddress = "
                     "\"tcp://*:080\"",
            "9:11: key 'listener.address': bad value 'tcp://*:080': line 6 has it already"},
        Bad{LISTENER "pool = \"app\"\naddress = \"fd@3\"\n[[listener]]\npool = \"app\"\naddress = "
                     "\"fd@03\"",
            "9:11: key 'listener.address': bad value 'http://fd@3': line 6 has it already"},
        Bad{LISTENER "pool = \"app\"\nname = \"x\"\naddress = \":80\"\n[[listener]]\npool = "
                     "\"app\"\naddress = \":81\"\nname = \"x\"",
            "11:8: key 'listener.name': bad value 'x': line 6 has it already"},
        Bad{LISTENER "pool = \"app\"\naddress = \":80\"\ntrusted = [\"10.0.0.0/8\", 1]",
            "7:26: key 'listener.trusted': bad value '1': expected a text in quotes"},
        Bad{LISTENER "pool = \"app\"\naddress = \":80\"\nforwarding = \"on\"",
            "7:14: key 'listener.forwarding': bad value 'on': expected replace, append or off"},
        Bad{LISTENER "address = \"tcp://:80\"\npool = \"app\"\n[[listener.route]]\npool = \"app\"",
            "7:1: key 'listener.route': a tcp:// listener has no routes"}));

#define ROUTE LISTENER "address = \":80\"\n[[listener.route]]\n"

INSTANTIATE_TEST_SUITE_P(
    Routes, Problems,
    ::testing::Values(
        Bad{ROUTE,
            "6:1: key 'listener.route': route 'route-1' has none of pool, redirect and "
            "answer; give one"},
        Bad{ROUTE "pool = \"app\"\nanswer = {}",
            "6:1: key 'listener.route': route 'route-1' has two of pool, redirect and answer; give "
            "one"},
        Bad{ROUTE "pool = \"ap\"",
            "7:8: key 'listener.route.pool': bad value 'ap': there is no "
            "such pool; did you mean 'app'?"},
        Bad{ROUTE "pool = \"app\"\nhost = \"a:80\"",
            "8:8: key 'listener.route.host': bad value 'a:80': expected a host without port, such "
            "as \"example.org\", \"*.example.org\" or \"[::1]\""},
        Bad{ROUTE "pool = \"app\"\nhost = [\"a\"]\nhosts = [\"b\"]",
            "9:1: key 'listener.route.host': 'hosts' is another spelling of it; give one of them"},
        Bad{ROUTE "pool = \"app\"\npath = \"api\"",
            "8:8: key 'listener.route.path': bad value 'api': expected the beginning of a path, "
            "such as \"/api\"; without query"},
        Bad{ROUTE "pool = \"app\"\nmethod = [\"GET\", \"post\"]",
            "8:18: key 'listener.route.method': bad value 'post': methods are case-sensitive: "
            "expected POST"},
        Bad{ROUTE "pool = \"app\"\nheader = { A = 1 }",
            "8:16: key 'listener.route.header.A': bad value '1': expected its value as a text, or "
            "true: it is enough that it is there"},
        Bad{ROUTE "pool = \"app\"\nheader = { A = \"1\", a = true }",
            "8:21: key 'listener.route.header.a': is given twice: names are compared without "
            "case"},
        Bad{ROUTE "pool = \"app\"\nheader = { \"A:\" = true }",
            "8:12: key 'listener.route.header.A:': is not the name of a header field"},
        Bad{ROUTE "redirect = { status = 300, to = \"/x\" }",
            "7:23: key 'listener.route.redirect.status': bad value '300': expected 301, 302, 303, "
            "307 or 308"},
        Bad{ROUTE "redirect = { to = \"/{hots}\" }",
            "7:19: key 'listener.route.redirect.to': bad value '/{hots}': braces hold one of "
            "{host}, {port}, {authority}, {path}"},
        Bad{ROUTE "redirect = {}",
            "7:12: key 'listener.route.redirect.to': is missing, such as to "
            "= \"https://{host}{path}\""},
        Bad{ROUTE "answer = { status = 101 }",
            "7:21: key 'listener.route.answer.status': bad value '101': expected 200 to 599"},
        Bad{ROUTE "answer = { status = 204, body = \"x\" }",
            "7:10: key 'listener.route.answer': an answer 204 has no body"},
        Bad{ROUTE "pool = \"app\"\nrequest_headers.set = { A = \"x\\r\\nB: y\" }",
            "8:29: key 'listener.route.request_headers.set.A': bad value 'x\\r\\nB: y': expected "
            "no "
            "line ends or other control characters"},
        Bad{ROUTE "pool = \"app\"\nrequest_headers.set = { A = \"x \" }",
            "8:29: key 'listener.route.request_headers.set.A': bad value 'x ': expected no space "
            "at the ends"},
        Bad{ROUTE "pool = \"app\"\nresponse_headers.add = { content-length = \"5\" }",
            "8:26: key 'listener.route.response_headers.add.content-length': is the connection's "
            "own, or frames the message, and cannot be changed"},
        Bad{ROUTE "pool = \"app\"\nrequest_headers.remove = [\"A\", \"Host\"]",
            "8:32: key 'listener.route.request_headers.remove.Host': is the connection's own, or "
            "frames the message, and cannot be changed"},
        Bad{ROUTE "pool = \"app\"\nrequest_headers.set = { A = \"1\", a = \"2\" }",
            "8:34: key 'listener.route.request_headers.set.a': is set twice: names are compared "
            "without case"},
        Bad{ROUTE "pool = \"app\"\nbody_bytes_max = -1",
            "8:18: key 'listener.route.body_bytes_max': bad value '-1': expected 0 or more"},
        Bad{ROUTE "pool = \"app\"\n[[listener.route]]\nname = \"route-1\"\npath = \"/x\"\npool = "
                  "\"app\"",
            "9:8: key 'listener.route.name': bad value 'route-1': line 6 has it already"}));

TEST(Problems, BoundsOfHeaderChanges) {
  const auto with = [](const std::string& changes) {
    return problems_of(ROUTE "pool = \"app\"\nrequest_headers = " + changes);
  };
  std::string names;
  for (uint32_t i = 0; i < kHeaderChangesMax; ++i) names += "\"n" + std::to_string(i) + "\",";
  EXPECT_THAT(with("{ remove = [" + names + "] }"), IsEmpty());
  EXPECT_THAT(
      with("{ remove = [" + names + "\"m\"] }"),
      ElementsAre("8:19: key 'listener.route.request_headers': has 33 changes, at most 32"));
  const std::string value(kHeaderChangeBytesMax - 1, 'v');
  EXPECT_THAT(with("{ set = { A = \"" + value + "\" } }"), IsEmpty());
  EXPECT_THAT(with("{ set = { AB = \"" + value + "\" } }"),
              ElementsAre("8:19: key 'listener.route.request_headers': has 4097 bytes of names and "
                          "values, at most 4096"));
}

TEST(Problems, BoundsOfAnswers) {
  const auto with = [](size_t bytes) {
    return problems_of("[answers]\n503 = { body = \"" + std::string(bytes, 'x') + "\" }");
  };
  EXPECT_THAT(with(kAnswerBytesMax), IsEmpty());
  EXPECT_THAT(with(kAnswerBytesMax + 1),
              ElementsAre("2:16: key 'answers.503.body': is longer than 32KiB"));
}

// They stand in heads, which have to fit a block.
TEST(Problems, BoundsOfWhatStandsInAHead) {
  const auto type = [](size_t bytes) {
    return problems_of("[answers]\n503 = { content_type = \"" + std::string(bytes, 'x') + "\" }");
  };
  EXPECT_THAT(type(kContentTypeBytesMax), IsEmpty());
  EXPECT_THAT(type(kContentTypeBytesMax + 1), SizeIs(1));
  const auto cookie = [](size_t bytes) {
    return problems_of(POOL "servers = \"a:1\"\nsticky_cookie = \"" + std::string(bytes, 'c') +
                       "\"");
  };
  EXPECT_THAT(cookie(kCookieNameBytesMax), IsEmpty());
  EXPECT_THAT(cookie(kCookieNameBytesMax + 1), SizeIs(1));
}

TEST(Problems, AllAreToldInTheOrderOfTheText) {
  EXPECT_THAT(problems_of("seed = -1\n" ROUTE "answer = { status = 1 }\n[limits]\nx = 1\n"),
              SizeIs(3));
  std::string text;
  for (int i = 0; i < 25; ++i) text += "x" + std::to_string(i) + "yyyyyy = 1\n";
  const auto problems = problems_of(text);
  ASSERT_THAT(problems, SizeIs(kProblemsToldMax + 1));
  for (size_t i = 0; i < kProblemsToldMax; ++i) {
    EXPECT_TRUE(problems[i].starts_with(std::to_string(i + 1) + ":1: unknown key")) << problems[i];
  }
  EXPECT_EQ(problems.back(), " and 5 more");
}

TEST(Problems, LongValuesAreCut) {
  EXPECT_THAT(problems_of("threads = \"" + std::string(59, 'x') + "\u00e9\u00e9\""),
              ElementsAre(HasSubstr("bad value '" + std::string(59, 'x') + "...'")));
}

TEST(Problems, AKeyCannotBeNestedWithoutEnd) {
  std::string key = "a";
  for (int i = 0; i < 400'000; ++i) key += ".a";
  EXPECT_THAT(problems_of("# a.b\nq = \"....\"\n" + key + " = 1"),
              ElementsAre("3:66: not TOML: no key is nested so deep"));
  const std::string dots(100, '.');
  for (const std::string quote : {"\"", "'", "\"\"\"", "'''"}) {
    EXPECT_THAT(problems_of("[answers]\n503.body = " + quote + dots + quote + " # " + dots),
                IsEmpty());
  }
  EXPECT_THAT(problems_of("[answers]\n503.body = \"\"\"\n\\\"\"\"" + dots + "\"\"\"\n"), IsEmpty());
  EXPECT_THAT(problems_of(std::string(100'000, '[')), SizeIs(1));
  EXPECT_THAT(problems_of("a = " + std::string(100'000, '[')), SizeIs(1));
  EXPECT_THAT(problems_of("threads = 1\n\n [[[a]]]\n"),
              ElementsAre("3:1: not TOML: this is no key"));
}

TEST(Problems, CharactersBeyondAscii) {
  EXPECT_THAT(problems_of("threads = 1 \u00b5\n"), SizeIs(1));
  EXPECT_THAT(problems_of("\u00b5 = 1\n"), SizeIs(1));
  const auto config = parsed("[answers]\n503.body = \"\"\"a \\\n  \u00e9\u2026\"\"\" # \u00b5");
  EXPECT_EQ(config.answers.at(503).body, "a \u00e9\u2026");
}

// --- what is legal and probably not meant ---

std::vector<std::string> warnings_of(std::string_view text) {
  std::vector<std::string> warnings;
  EXPECT_TRUE(parse_test(text, &warnings)) << text;
  return warnings;
}

TEST(Warnings, WhatIsNeverUsed) {
  EXPECT_THAT(warnings_of(LISTENER "address = \":80\"\npool = \"app\""), IsEmpty());
  EXPECT_THAT(warnings_of("[[pool]]\nname = \"app\"\nservers = \"a:1\"\n"),
              ElementsAre("t.toml:2:8: warning: key 'pool.name': no listener and no route gives "
                          "anything to pool 'app'"));
  EXPECT_THAT(warnings_of(LISTENER "address = \"tcp://:80\"\npool = \"app\"\nupgrade = false"),
              ElementsAre("t.toml:7:11: warning: key 'listener.upgrade': has no effect on a tcp:// "
                          "listener"));
}

// Each of these does something where what it depends on is there.
TEST(Warnings, WhatAnotherKeyMakesIdle) {
  const std::string listener = LISTENER "address = \":80\"\npool = \"app\"\n";
  for (const auto& [idle, useful] : std::vector<std::pair<std::string, std::string>>{
           {listener + "forwarding = \"off\"\nforwarded = true", listener + "forwarded = true"},
           {POOL "servers = \"a:1\"\nqueue_max = 5",
            POOL "servers = \"a:1\"\nqueue_max = 5\nin_flight_max = 1"},
           {POOL "servers = \"a:1\"\nqueue_timeout = \"1s\"",
            POOL "servers = [{ address = \"a:1\", in_flight_max = 1 }]\nqueue_timeout = \"1s\""},
           {POOL "servers = \"a:1\"\nretries_max = 0\nretry_statuses = 503",
            POOL "servers = \"a:1\"\nretry_statuses = 503"},
           {POOL "servers = \"a:1\"\nretries_max = 0\nretry_budget = 0.3",
            POOL "servers = \"a:1\"\nretries_max = 0"},
           {POOL "servers = \"a:1\"\nmark_down_after = 0\nmark_down_on_5xx = true",
            POOL "servers = \"a:1\"\nmark_down_on_5xx = true"},
           {LISTENER
            "address = \"tcp://:80\"\npool = \"app\"\n[[pool]]\nname = \"b\"\nservers = "
            "\"a:2\"\nsticky_cookie = \"c\"\n[[listener]]\naddress = \"tcp://:81\"\npool = "
            "\"b\"",
            LISTENER "address = \"tcp://:80\"\npool = \"app\"\n[[pool]]\nname = \"b\"\nservers = "
                     "\"a:2\"\nsticky_cookie = \"c\"\n[[listener]]\naddress = \"http://:81\"\npool "
                     "= \"b\""},
           {listener + "[[listener.route]]\nanswer = { status = 200 }\nbody_bytes_max = 5",
            ROUTE "pool = \"app\"\nbody_bytes_max = 5"},
           {listener +
                "[[listener.route]]\nredirect = { to = \"/\" }\nresponse_headers.remove = [\"A\"]",
            ROUTE "pool = \"app\"\nresponse_headers.remove = [\"A\"]"},
           {POOL "servers = \"a:1\"\n[limits]\nrequest_burst = 5",
            POOL "servers = \"a:1\"\n[limits]\nrequest_burst = 5\nrequest_rate_max = 5"},
           {POOL "servers = \"a:1\"\n[limits]\nbody_rate_grace = \"5s\"\nbody_rate_min = 0",
            POOL "servers = \"a:1\"\n[limits]\nbody_rate_grace = \"5s\""}}) {
    EXPECT_THAT(warnings_of(idle), ElementsAre(HasSubstr("has no effect: "))) << idle;
    EXPECT_THAT(warnings_of(useful), IsEmpty()) << useful;
  }
  EXPECT_THAT(warnings_of(listener + "forwarding = \"off\"\nforwarded = true"),
              ElementsAre("t.toml:8:13: warning: key 'listener.forwarded': has no effect: nothing "
                          "is added where forwarding is off"));
}

TEST(Warnings, ServersMayShareAnAddressUnderTwoNames) {
  EXPECT_THAT(warnings_of(POOL "servers = [{ address = \"a:1\", name = \"x\" }, { address = "
                               "\"a:1\", name = \"y\" }]"),
              IsEmpty());
}

TEST(Warnings, RoutesBehindOneThatMatchesAllOfThem) {
  const auto routes = [](const std::string& earlier, const std::string& later) {
    return warnings_of(ROUTE "pool = \"app\"\n" + earlier +
                       "\n[[listener.route]]\npool = \"app\"\n" + later);
  };
  EXPECT_THAT(routes("", "path = \"/x\""),
              ElementsAre("t.toml:9:1: warning: key 'listener.route': route 'route-2' is never "
                          "reached: 'route-1' before it matches all of it"));
  for (const auto& [earlier, later] : std::vector<std::pair<std::string, std::string>>{
           {"", ""},
           {"path = \"/a/\"", "path = \"/a/b\""},
           {"path = \"/\"", "path = \"/b\""},
           {"host = \"*.a.org\"", "host = [\"x.a.org\", \"*.y.a.org\"]"},
           {"method = [\"GET\", \"PUT\"]", "method = \"PUT\""},
           {"header = { A = true }", "header = { a = \"1\", B = true }"}}) {
    EXPECT_THAT(routes(earlier, later), SizeIs(1)) << earlier << " | " << later;
  }
  for (const auto& [earlier, later] : std::vector<std::pair<std::string, std::string>>{
           {"path = \"/x\"", ""},
           {"path = \"/\"", ""},
           {"path = \"/a\"", "path = \"/ab\""},
           {"host = \"*.a.org\"", "host = \"a.org\""},
           {"host = \"a.org\"", "host = [\"a.org\", \"b.org\"]"},
           {"method = \"GET\"", ""},
           {"header = { A = \"2\" }", "header = { A = \"1\" }"},
           {"header = { A = \"2\" }", "header = { A = true }"}}) {
    EXPECT_THAT(routes(earlier, later), IsEmpty()) << earlier << " | " << later;
  }
}

}  // namespace
}  // namespace giliran::config
