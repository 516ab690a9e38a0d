#include "cli/parse.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

namespace giliran::cli {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

// Words between spaces; ' holds a word together.
std::vector<std::string> words(const std::string& line) {
  std::vector<std::string> out;
  bool quoted = false, open = false;
  for (const char c : line) {
    if (c == '\'') {
      quoted = !quoted;
      if (!open) out.emplace_back();
      open = true;
    } else if (c == ' ' && !quoted) {
      open = false;
    } else {
      if (!open) out.emplace_back();
      open = true;
      out.back().push_back(c);
    }
  }
  return out;
}

base::Result<Parsed> parse_line(const std::string& line) {
  return parse(words(line));
}

template <typename Options>
Options parsed(const std::string& line) {
  auto result = parse_line(line);
  if (!result) {
    ADD_FAILURE() << line << ": " << result.error().message;
    return {};
  }
  const Options* options = std::get_if<Options>(&result->what);
  if (options == nullptr) {
    ADD_FAILURE() << line << ": options of another command";
    return {};
  }
  return *options;
}

std::string error_of(const std::string& line) {
  const auto result = parse_line(line);
  if (result) {
    ADD_FAILURE() << line << ": taken";
    return "";
  }
  EXPECT_THAT(result.error().message, Not(HasSubstr("\n"))) << "more than one line";
  return result.error().message;
}

TEST(Parse, EveryFlagOfTheServer) {
  const auto o = parsed<server::ServerOptions>(
      "server --listen 127.0.0.1:9001 --listen tcp://[::1]:9002 --name s1 --threads 4 "
      "--delay exp(5ms) --work 2ms --blocking --fail 1%:503 --body 16KiB --allow-to loopback "
      "--allow-to 127.0.0.1:9003 --log - --log-full wait --seed 7 --drain-timeout 2s -q");
  ASSERT_EQ(o.listens.size(), 2U);
  EXPECT_EQ(o.listens[0].scheme, config::Scheme::kHttp);
  EXPECT_EQ(o.listens[1].text(), "tcp://[::1]:9002");
  EXPECT_EQ(o.name, "s1");
  EXPECT_EQ(o.threads, 4U);
  EXPECT_EQ(o.delay->text(), "exp(5ms)");
  EXPECT_EQ(o.work->mean(), milliseconds(2));
  EXPECT_TRUE(o.blocking);
  EXPECT_DOUBLE_EQ(o.fail->rate, 0.01);
  EXPECT_EQ(o.fail->status, 503);
  EXPECT_EQ(o.body_bytes, 16384U);
  EXPECT_THAT(o.allow_to, ElementsAre("loopback", "127.0.0.1:9003"));
  EXPECT_EQ(o.log, "-");
  EXPECT_EQ(o.log_full, telemetry::LogFull::kWait);
  EXPECT_EQ(o.seed, 7U);
  EXPECT_EQ(o.drain_timeout, seconds(2));
  EXPECT_TRUE(o.quiet);
}

TEST(Parse, EveryFlagOfTheCoordinator) {
  const auto o =
      parsed<control::CoordinatorOptions>(
          "coordinator --listen http://127.0.0.1:8080 --listen tcp://:8081 --server 127.0.0.1:9001 "
          "--server [::1]:9002=3 --policy least-requests --threads 1 --log c.log --log-full wait "
          "--drain-timeout 1m --seed 9 --quiet --connect-timeout 1s --head-timeout 2s "
          "--response-timeout 3s --body-timeout 4s --write-timeout 5s --idle-timeout 6s "
          "--upstream-idle-timeout 7s --flow-idle-timeout 8s --upstream-idle-max 9 "
          "--head-bytes-max 32KiB --fields-max 50")
          .config;
  EXPECT_EQ(o.listeners.size(), 2U);
  ASSERT_EQ(o.pools[0].servers.size(), 2U);
  EXPECT_EQ(o.pools[0].servers[1].spec.weight, 3U);
  EXPECT_EQ(o.pools[0].policy, "least-requests");
  EXPECT_EQ(o.threads, 1U);
  EXPECT_EQ(o.log.path, "c.log");
  EXPECT_EQ(o.log.full, config::LogFull::kWait);
  EXPECT_EQ(o.drain_timeout, seconds(60));
  EXPECT_EQ(o.seed, 9U);
  EXPECT_TRUE(o.quiet);
  EXPECT_EQ(o.timeouts.connect_timeout, seconds(1));
  EXPECT_EQ(o.timeouts.head_timeout, seconds(2));
  EXPECT_EQ(o.timeouts.response_timeout, seconds(3));
  EXPECT_EQ(o.timeouts.body_timeout, seconds(4));
  EXPECT_EQ(o.timeouts.write_timeout, seconds(5));
  EXPECT_EQ(o.timeouts.idle_timeout, seconds(6));
  EXPECT_EQ(o.timeouts.upstream_idle_timeout, seconds(7));
  EXPECT_EQ(o.timeouts.flow_idle_timeout, seconds(8));
  EXPECT_EQ(o.limits.upstream_idle_max, 9U);
  EXPECT_EQ(o.limits.head_bytes_max, 32768U);
  EXPECT_EQ(o.limits.fields_max, 50U);
}

TEST(Parse, TheNewerFlagsOfTheCoordinator) {
  const auto c = parsed<control::CoordinatorOptions>(
                     "coordinator --listen http://fd@3 --server a:1 --log-format combined "
                     "--total-timeout 2m --attempt-timeout 0 --tunnel-idle-timeout 1s "
                     "--unacknowledged-timeout 2s --keepalive-idle 0 --backoff-first 2s "
                     "--backoff-max 3s --connections-max 20k --target-bytes-max 4KiB "
                     "--body-bytes-max 10MiB --requests-per-connection-max 5 --memory-max 64MiB "
                     "--body-rate-min 1KiB --body-rate-grace 5s --request-rate-max 50/s "
                     "--request-burst 7")
                     .config;
  EXPECT_EQ(c.listeners.at(0).listen.host_port, "fd@3");
  EXPECT_EQ(c.log.format, config::LogFormat::kCombined);
  EXPECT_EQ(c.timeouts.total_timeout, seconds(120));
  EXPECT_EQ(c.timeouts.keepalive_idle, seconds(0));
  EXPECT_EQ(c.timeouts.tunnel_idle_timeout, seconds(1));
  EXPECT_EQ(c.timeouts.unacknowledged_timeout, seconds(2));
  EXPECT_EQ(c.backoff_first, seconds(2));
  EXPECT_EQ(c.backoff_max, seconds(3));
  EXPECT_EQ(c.limits.connections_max, 20'000U);
  EXPECT_EQ(c.limits.target_bytes_max, 4096U);
  EXPECT_EQ(c.limits.body_bytes_max, 10U << 20);
  EXPECT_EQ(c.limits.requests_per_connection_max, 5U);
  EXPECT_EQ(c.limits.memory_max, 64U << 20);
  EXPECT_EQ(c.limits.body_rate_min, 1024U);
  EXPECT_EQ(c.limits.body_rate_grace, seconds(5));
  EXPECT_EQ(c.limits.request_rate_max, 50);
  EXPECT_EQ(c.limits.request_burst, 7U);
}

TEST(Parse, TheCoordinatorsDefaults) {
  const auto o = parsed<control::CoordinatorOptions>(
                     "coordinator --listen=127.0.0.1:8080 --server=a:1 --threads=auto")
                     .config;
  EXPECT_EQ(o.pools[0].policy, "round-robin");
  EXPECT_EQ(o.threads, 0U);
  EXPECT_EQ(o.log.path, "");
  EXPECT_EQ(o.pools[0].servers[0].spec.host_port, "a:1");
}

TEST(Parse, EveryFlagOfTheClient) {
  const auto o = parsed<client::ClientOptions>(
      "client http://127.0.0.1:8080/x -c 50 -n 20k -d 10s -t 2 -H 'A: b' -H 'C: d e' -m PUT "
      "--body hi --message m --new-connection --timeout 3s --source 127.0.0.2 --source [::1] "
      "--log c.log --log-full wait --json r.json --progress json --seed 3 -q");
  EXPECT_EQ(o.url, "http://127.0.0.1:8080/x");
  EXPECT_EQ(o.connections, 50U);
  EXPECT_EQ(o.requests, 20'000U);
  EXPECT_EQ(o.duration, seconds(10));
  EXPECT_EQ(o.threads, 2U);
  EXPECT_THAT(o.headers, ElementsAre("A: b", "C: d e"));
  EXPECT_EQ(o.method, "PUT");
  EXPECT_EQ(o.body, "hi");
  EXPECT_EQ(o.message, "m");
  EXPECT_TRUE(o.new_connection);
  EXPECT_EQ(o.timeout, seconds(3));
  ASSERT_EQ(o.sources.size(), 2U);
  EXPECT_EQ(o.sources[0].text(), "127.0.0.2:0");
  EXPECT_EQ(o.log_path, "c.log");
  EXPECT_EQ(o.log_full, telemetry::LogFull::kWait);
  EXPECT_EQ(o.json_path, "r.json");
  EXPECT_EQ(o.progress, client::Progress::kJson);
  EXPECT_EQ(o.seed, 3U);
  EXPECT_TRUE(o.quiet);
  EXPECT_EQ(parsed<client::ClientOptions>("client -c5 tcp://a:1 --body-file f").connections, 5U);
  const auto more = parsed<client::ClientOptions>(
      "client http://a:1 -d 10 --warmup 1.5s --body @f --append --log l --resolve a:1:127.0.0.1");
  EXPECT_EQ(more.duration, std::chrono::seconds(10));
  EXPECT_EQ(more.warmup, std::chrono::milliseconds(1500));
  EXPECT_EQ(more.body_file, "f");
  EXPECT_EQ(more.body, "");
  EXPECT_TRUE(more.append);
  EXPECT_EQ(more.resolve.front().addresses.front().text(), "127.0.0.1:1");
}

TEST(Parse, ReportAndLab) {
  const auto r =
      parsed<report::ReportOptions>("report a.log --json b.log --slowest 3 --complete -");
  EXPECT_THAT(r.paths, ElementsAre("a.log", "b.log", "-"));
  EXPECT_TRUE(r.json && r.complete);
  EXPECT_EQ(r.slowest, 3U);

  EXPECT_EQ(parsed<lab::LabOptions>("lab").scenario, "");
  EXPECT_EQ(parsed<lab::LabOptions>("lab list").command, lab::LabCommand::kList);
  const auto show = parsed<lab::LabOptions>("lab show threads");
  EXPECT_EQ(show.command, lab::LabCommand::kShow);
  EXPECT_EQ(show.scenario, "threads");
  const auto run = parsed<lab::LabOptions>("lab demo --out d --seed 5 --quiet");
  EXPECT_EQ(run.command, lab::LabCommand::kRun);
  EXPECT_EQ(run.scenario, "demo");
  EXPECT_EQ(run.out, "d");
  EXPECT_EQ(run.seed, 5U);
}

TEST(Parse, UnknownNamesTheNearest) {
  EXPECT_EQ(error_of("server --listen :1 --thread 4"),
            "giliran server: unknown flag --thread; did you mean --threads?");
  EXPECT_EQ(error_of("client http://a:1 --conections=4"),
            "giliran client: unknown flag --conections; did you mean --connections?");
  EXPECT_EQ(error_of("sever --listen :1"), "giliran: unknown command sever; did you mean server?");
  EXPECT_EQ(error_of("--versio"),
            "giliran: --versio is a flag of a command, which comes first: one of coordinator, "
            "server, client, lab, report, compare, check, help, version");
  EXPECT_EQ(error_of("report a.log --zzzzzz"),
            "giliran report: unknown flag --zzzzzz; giliran report --help-all lists them");
  EXPECT_THAT(error_of("coordinator --listen :1 --server a:1 --policy round-robn"),
              HasSubstr("round-robin"));
}

TEST(Parse, TargetsReplayAndThresholdsOfTheClient) {
  const auto o = parsed<client::ClientOptions>(
      "client http://a:1/{{seq}} '9 POST http://a:1/b' /c --targets t -H @h --header-file i "
      "--literal --replay l --speed 2x --expect 'p99<10ms,errors<1%' --expect rate>5k --hgrm p -R "
      "2k");
  EXPECT_EQ(o.url, "http://a:1/{{seq}}");
  EXPECT_THAT(o.more_targets, ElementsAre("9 POST http://a:1/b", "/c"));
  EXPECT_EQ(o.targets_file, "t");
  EXPECT_THAT(o.header_files, ElementsAre("h", "i"));
  EXPECT_TRUE(o.literal);
  EXPECT_EQ(o.replay_path, "l");
  EXPECT_EQ(o.speed, 2);
  ASSERT_EQ(o.expect.size(), 3U);
  EXPECT_EQ(o.expect[2].text(), "rate>5k");
  EXPECT_EQ(o.hgrm_path, "p");
  EXPECT_EQ(o.rate, 2000);
}

struct Bad {
  const char* line;
  const char* names;  // the flag or command, and what was expected
};

class BadInput : public ::testing::TestWithParam<Bad> {};

TEST_P(BadInput, IsOneLineThatSaysWhatWasExpected) {
  const std::string error = error_of(GetParam().line);
  EXPECT_THAT(error, StartsWith("giliran"));
  EXPECT_THAT(error, HasSubstr(GetParam().names)) << GetParam().line;
}

INSTANTIATE_TEST_SUITE_P(
    All, BadInput,
    ::testing::Values(
        Bad{"", "no command; one of"}, Bad{"server", "give --listen HOST:PORT"},
        Bad{"server --listen 127.0.0.1", "--listen: listen address '127.0.0.1': "},
        Bad{"server --listen 127.0.0.1:99999", "'127.0.0.1:99999'"},
        Bad{"server --listen ftp://a:1", "'ftp://a:1'"},
        Bad{"server --listen a:1 --listen http://A:01", "is given twice"},
        Bad{"server --listen", "--listen needs a value: --listen [http://|tcp://]HOST:PORT"},
        Bad{"server --listen :1 --threads 0", "--threads: '0': expected a number from 1 to 4096"},
        Bad{"server --listen :1 --threads 4097", "expected a number from 1 to 4096"},
        Bad{"server --listen :1 --threads two", "--threads: 'two'"},
        Bad{"server --listen :1 --threads 1 --threads 2", "--threads is given 2 times"},
        Bad{"server --listen :1 --delay 5", "--delay: '5'"},
        Bad{"server --listen :1 --work gauss(5ms)", "--work: 'gauss(5ms)'"},
        Bad{"server --listen :1 --fail 200%", "--fail: '200%'"},
        Bad{"server --listen :1 --fail 1%:abc", "expected RATE, RATE:STATUS or RATE:reset"},
        Bad{"server --listen :1 --body 2GiB", "--body: '2GiB': expected at most 1GiB"},
        Bad{"server --listen :1 --blocking=maybe", "--blocking"},
        Bad{"server --listen :1 --log-full never", "expected drop or wait"},
        Bad{"server --listen :1 --log ''", "--log: '': expected a text"},
        Bad{"server --listen :1 --seed -1", "--seed: '-1'"},
        Bad{"server --listen :1 --drain-timeout 0", "expected a time above zero"},
        Bad{"server --listen :1 extra", "unexpected argument 'extra'"},
        Bad{"coordinator --listen :1", "give --server HOST:PORT"},
        Bad{"coordinator --server a:1", "give --listen HOST:PORT"},
        Bad{"coordinator --listen :1 --server a:1 --server A:1", "--server: "},
        Bad{"coordinator --listen :1 --server a:1=0", "'a:1=0'"},
        Bad{"coordinator --listen :1 --server a", "'a'"},
        Bad{"coordinator --listen :1 --server a:1 --threads 4096", "for each processor"},
        Bad{"coordinator --listen :1 --server a:1 --threads 4097",
            "--threads: '4097': expected auto"},
        Bad{"coordinator --listen :1 --server a:1 --total-timeout 5",
            "--total-timeout: '5': expected a dur"},
        Bad{"coordinator --listen :1 --server a:1 --log-format xml",
            "--log-format: 'xml': expected auto, json, text, httplog, tcplog or combined"},
        Bad{"coordinator --listen :1 --server a:1 --quiet=yes", "--quiet takes no value"},
        Bad{"coordinator --listen fd@2 --server a:1", "expected fd@N with N from 3"},
        Bad{"coordinator --policy least-requests", "no address to listen on"},
        Bad{"check", "no file: giliran check FILE"}, Bad{"check a b", "unexpected argument 'b'"},
        Bad{"check --keys a", "--keys and --scenario-keys take no file"},
        Bad{"check --keys --print", "give one of --print, --keys and --scenario-keys"},
        Bad{"coordinator --listen :1 --server a:1 --threads many", "expected auto or a number"},
        Bad{"coordinator --listen :1 --server a:1 --head-bytes-max 1MiB", "expected 1KiB to 56KiB"},
        Bad{"client", "no URL"},
        Bad{"client http://a:1/ nonsense", "URL 'nonsense': the scheme is missing"},
        Bad{"client http://a:1/ --expect p99", "expected a threshold such as p99<10ms"},
        Bad{"client http://a:1/ --speed 0", "expected more than 0"},
        Bad{"client http://a:1/ -c 0", "--connections: '0'"},
        Bad{"client http://a:1/ -n 1.5", "--requests: '1.5'"},
        Bad{"client http://a:1/ -d 0", "--duration: '0'"},
        Bad{"client http://a:1/ --resolve a:80", "expected HOST:PORT:ADDRESS"},
        Bad{"client http://a:1/ --body @", "expected @FILE"},
        Bad{"client http://a:1/ --body @a --body-file b", "give one of them"},
        Bad{"client http://a:1/ -H novalue", "expected 'Name: value'"},
        Bad{"client http://a:1/ --source a.b", "expected an address of this machine"},
        Bad{"client http://a:1/ --progress fast", "expected auto, none or json"},
        Bad{"client http://a:1/ --body a --body-file b", "give one of them"},
        Bad{"report", "no log"}, Bad{"lab show", "expected the name of a scenario"},
        Bad{"lab a b", "unexpected argument 'b'"}, Bad{"help sever", "did you mean server?"}));

TEST(Parse, ManyThreadsAreWarnedOf) {
  const auto result = parse_line("server --listen :1 --threads 2000");
  ASSERT_TRUE(result);
  ASSERT_EQ(result->warnings.size(), 1U);
  EXPECT_THAT(result->warnings[0], StartsWith("giliran server: --threads 2000"));
  EXPECT_TRUE(parse_line("server --listen :1 --threads 1024")->warnings.empty());
}

TEST(Parse, HelpEverywhere) {
  for (const char* name : {"coordinator", "server", "client", "lab", "report", "check"}) {
    const std::string command = name;
    for (const std::string& line :
         {command + " --help", command + " -h", "help " + command, command + " --unknown --help"}) {
      const auto text = parsed<Text>(line).text;
      EXPECT_THAT(text, HasSubstr("Usage: giliran " + command)) << line;
      EXPECT_THAT(text, HasSubstr("Examples:\n  giliran " + command)) << line;
    }
    EXPECT_THAT(parsed<Text>("help").text, HasSubstr("\n  " + command));
  }
  EXPECT_EQ(parsed<Text>("--help").text, parsed<Text>("help").text);
  EXPECT_THAT(parsed<Text>("--version").text, StartsWith("giliran "));
}

// What help promises must be taken: every example of every command parses.
TEST(Parse, TheExamplesOfTheHelpAreTrue) {
  size_t tried = 0;
  const std::string file = ::testing::TempDir() + "giliran_examples.toml";
  std::ofstream(file) << "[[listener]]\naddress = \":80\"\npool = \"a\"\n"
                         "[[pool]]\nname = \"a\"\nservers = \"a:1\"\n";
  for (const char* name : {"coordinator", "server", "client", "lab", "report", "check"}) {
    std::istringstream text(parsed<Text>(std::string(name) + " --help").text);
    for (std::string line, more; std::getline(text, line);) {
      while (line.ends_with(" \\") && std::getline(text, more)) {
        line = line.substr(0, line.size() - 2) + more.substr(3);
      }
      if (!line.starts_with("  giliran ")) continue;
      line = line.substr(10, line.find("   ", 10) - 10);
      line = line.substr(0, std::min(line.find(" >"), line.find(" <")));
      if (const size_t at = line.find("-c giliran.toml"); at != std::string::npos) {
        line.replace(at + 3, 12, file);
      }
      const auto result = parse_line(line);
      EXPECT_TRUE(result) << line << ": " << (result ? "" : result.error().message);
      ++tried;
    }
  }
  EXPECT_GE(tried, 15U);
  std::filesystem::remove(file);
}

}  // namespace
}  // namespace giliran::cli
