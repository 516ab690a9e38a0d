#include "cli/neighbours.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/commands.h"
#include "cli/parse.h"

namespace giliran::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;
using Args = std::vector<std::string>;

std::string refused(const Args& args) {
  const auto parsed = parse(args);
  if (parsed) return "taken";
  EXPECT_EQ(parsed.error().message.find('\n'), std::string::npos) << parsed.error().message;
  return parsed.error().message;
}

std::vector<std::string> split(std::string_view names) {
  std::vector<std::string> out;
  for (size_t at = 0; at <= names.size();) {
    const size_t comma = std::min(names.find(',', at), names.size());
    out.emplace_back(names.substr(at, comma - at));
    at = comma + 1;
  }
  return out;
}

void expect_table_fits(const Command& command) {
  Args ours;
  for (const Flag& flag : command.flags) {
    for (const std::string& name : split(flag.names)) ours.push_back(name);
  }
  Args seen;
  for (const Neighbour& row : neighbours_of(command.name)) {
    if (row.is == Neighbour::Is::kFlag) {
      EXPECT_THAT(ours, testing::Contains(std::string(row.here))) << command.name;
    }
    for (const std::string& name : split(row.names)) {
      const std::string where = std::string(command.name) + ' ' + name;
      if (row.is == Neighbour::Is::kValue) {
        EXPECT_THAT(ours, testing::Contains(name)) << where;
        continue;
      }
      EXPECT_THAT(ours, testing::Not(testing::Contains(name))) << where << " is a flag: a dead row";
      EXPECT_THAT(seen, testing::Not(testing::Contains(name))) << where << " is there twice";
      seen.push_back(name);
    }
  }
}

TEST(Neighbours, EveryRowIsReached) {
  std::vector<std::string> warnings;
  CoordinatorFlags coordinator;
  server::ServerOptions server;
  client::ClientOptions client;
  report::ReportOptions report;
  CompareFlags compare;
  lab::LabOptions lab;
  CheckOptions check;
  expect_table_fits(coordinator_command(coordinator));
  expect_table_fits(server_command(server, warnings));
  expect_table_fits(client_command(client, warnings));
  expect_table_fits(report_command(report));
  expect_table_fits(compare_command(compare));
  expect_table_fits(lab_command(lab));
  expect_table_fits(check_command(check));
}

TEST(Neighbours, WhatMeansTheSameIsTaken) {
  const auto parsed = parse(
      Args{"client", "http://a:1/", "-X", "PUT", "--vus=7", "-z", "3s", "--disable-keepalive"});
  ASSERT_TRUE(parsed) << parsed.error().message;
  const auto& o = std::get<client::ClientOptions>(parsed->what);
  EXPECT_EQ(o.method, "PUT");
  EXPECT_EQ(o.connections, 7U);
  EXPECT_EQ(o.duration, std::chrono::seconds(3));
  EXPECT_TRUE(o.new_connection);
  EXPECT_EQ(
      std::get<client::ClientOptions>(parse(Args{"client", "http://a:1/", "-XPUT"})->what).method,
      "PUT");
  EXPECT_EQ(refused({"client", "http://a:1/", "-X", "PUT", "-m", "GET"}),
            "giliran client: --method is given 2 times; once is enough");
}

TEST(Neighbours, WhatIsNotHereIsAnswered) {
  const auto client = [](const Args& more) {
    Args args = {"client", "http://a:1/"};
    args.insert(args.end(), more.begin(), more.end());
    return refused(args);
  };
  EXPECT_THAT(client({"-k"}), StartsWith("giliran client: -k: there is no https yet"));
  EXPECT_THAT(client({"--insecure"}), HasSubstr("--insecure: there is no https yet"));
  EXPECT_THAT(client({"--user", "a:b"}), HasSubstr("-H \"Authorization: Basic"));
  EXPECT_THAT(client({"-ua:b"}), HasSubstr("-u: a password"));
  EXPECT_THAT(client({"--rps", "100"}), HasSubstr("-R 100 sends 100 requests a second"));
  EXPECT_THAT(client({"--latency"}), HasSubstr("the summary always has the percentiles"));
  EXPECT_THAT(client({"-d", "{\"a\":1}"}), HasSubstr("is --body TEXT here"));
  EXPECT_THAT(client({"-t", "30s"}), HasSubstr("--timeout TIME"));
  EXPECT_THAT(client({"-t", "0"}), testing::Not(HasSubstr("hey")));
  EXPECT_THAT(client({"-q=1"}), HasSubstr("a short flag takes its value without '='"));
  EXPECT_THAT(client({"-n", "0"}), HasSubstr("'0': expected 1 or more"));
  EXPECT_THAT(client({"-q", "100"}), HasSubstr("-R 100 so many a second"));
  EXPECT_THAT(client({"-rate", "100"}), HasSubstr("unknown flag -rate; did you mean --rate?"));
  EXPECT_THAT(client({"-insecure"}), HasSubstr("--insecure: there is no https yet"));
  EXPECT_THAT(client({"-disable-keepalive"}), HasSubstr("did you mean --disable-keepalive?"));
  EXPECT_THAT(refused({"coordinator", "-sf", "12"}), HasSubstr("-sf: send the process a signal"));
  EXPECT_THAT(refused({"coordinator", "--health-check"}), HasSubstr("mark_down_after"));
  EXPECT_THAT(refused({"coordinator", "--tls"}), HasSubstr("there is no TLS yet"));
  EXPECT_THAT(refused({"server", "--port", "9001"}), HasSubstr("--listen 127.0.0.1:PORT"));
  EXPECT_THAT(refused({"report", "a.log", "--follow"}), HasSubstr("comes later"));
}

TEST(Neighbours, ArgumentsThatAreNotTaken) {
  EXPECT_EQ(refused({"coordinator", "config.toml"}),
            "giliran coordinator: unexpected argument 'config.toml'; a file is given with -c: "
            "giliran coordinator -c config.toml");
  EXPECT_THAT(refused({"coordinator", "127.0.0.1:80"}),
              HasSubstr("--listen 127.0.0.1:80 to listen there, --server 127.0.0.1:80"));
  EXPECT_THAT(refused({"coordinator", "http://a:80/"}), HasSubstr("--server a:80 for a server"));
  EXPECT_THAT(refused({"coordinator", "reload"}), HasSubstr("HUP"));
  EXPECT_THAT(refused({"server", "9001"}), HasSubstr("--listen 127.0.0.1:9001"));
  EXPECT_THAT(refused({"server", "start", "--listen", ":1"}), HasSubstr("leave it out"));
}

TEST(Neighbours, CommandsOfOthers) {
  EXPECT_THAT(refused({"bench"}), HasSubstr("giliran client URL"));
  EXPECT_THAT(refused({"http://127.0.0.1:80/"}), HasSubstr("giliran client http://127.0.0.1:80/"));
  EXPECT_THAT(refused({"127.0.0.1:80"}), HasSubstr("giliran client 127.0.0.1:80"));
  EXPECT_THAT(refused({"giliran.toml"}), HasSubstr("giliran coordinator -c giliran.toml"));
  EXPECT_THAT(refused({"demo"}), HasSubstr("giliran lab demo"));
  EXPECT_THAT(refused({"a.log"}), HasSubstr("giliran report a.log"));
  EXPECT_THAT(refused({"coordnator"}), HasSubstr("did you mean coordinator?"));
  EXPECT_THAT(refused({"-c", "5"}), HasSubstr("-c is a flag of a command, which comes first"));
}

TEST(Neighbours, TheVersionIsToldWhereverItIsAskedFor) {
  const std::string expected = std::get<Text>(parse(Args{"--version"})->what).text;
  for (const Args& args : {Args{"version"}, Args{"-v"}, Args{"-V"}, Args{"client", "--version"}}) {
    EXPECT_EQ(std::get<Text>(parse(args)->what).text, expected);
  }
}

TEST(Neighbours, ASchemeThatIsLeftOutIsHttp) {
  const auto asked = [](const Args& targets) {
    Args args = {"client"};
    args.insert(args.end(), targets.begin(), targets.end());
    return parse(args);
  };
  const auto one = asked({"127.0.0.1:8088"});
  ASSERT_TRUE(one) << one.error().message;
  EXPECT_EQ(std::get<client::ClientOptions>(one->what).url, "http://127.0.0.1:8088");
  EXPECT_THAT(one->warnings, testing::ElementsAre("giliran client: no scheme in '127.0.0.1:8088', "
                                                  "http://127.0.0.1:8088 is asked"));
  const auto two = asked({"9 POST localhost/x", "http://localhost/y"});
  ASSERT_TRUE(two) << two.error().message;
  EXPECT_EQ(std::get<client::ClientOptions>(two->what).url, "9 POST http://localhost/x");
  EXPECT_THAT(asked({"http://a:1/", "/path"})->warnings, IsEmpty());
  EXPECT_THAT(refused({"client", "nonsense"}), HasSubstr("the scheme is missing"));
  EXPECT_THAT(refused({"client", "htp://a"}), HasSubstr("unknown scheme 'htp'"));
}

}  // namespace
}  // namespace giliran::cli
