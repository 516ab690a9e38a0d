// Flags and a configuration file together.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "cli/commands.h"
#include "cli/parse.h"
#include "config/key_rows.h"
#include "config/keys.h"

namespace giliran::cli {
namespace {

using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr std::string_view kFile = R"(
threads = 1
[timeouts]
connect_timeout = "3s"
idle_timeout = "7s"
[[listener]]
address = ":8080"
pool = "app"
[[pool]]
name = "app"
servers = "127.0.0.1:9001"
)";

class ConfigFile : public ::testing::Test {
 protected:
  ~ConfigFile() override { std::filesystem::remove(path_); }

  void write(std::string_view content) { std::ofstream(path_) << content; }

  base::Result<Parsed> parse_with(std::vector<std::string> flags) {
    flags.insert(flags.begin(), {"coordinator", "-c", path_});
    return parse(flags);
  }
  control::CoordinatorOptions options(std::vector<std::string> flags) {
    const auto outcome = parse_with(std::move(flags));
    if (outcome) return std::get<control::CoordinatorOptions>(outcome->what);
    ADD_FAILURE() << outcome.error().message;
    return {};
  }
  std::string error(std::vector<std::string> flags) {
    const auto outcome = parse_with(std::move(flags));
    return outcome ? "" : outcome.error().message;
  }

  const std::string path_ = ::testing::TempDir() + "giliran_cli_" + std::to_string(getpid()) + "_" +
                            ::testing::UnitTest::GetInstance()->current_test_info()->name() +
                            ".toml";
};

TEST_F(ConfigFile, FlagsOverrideAndAdd) {
  write(kFile);
  EXPECT_EQ(options({}).config.timeouts.idle_timeout, seconds(7));
  const auto c = options({"--idle-timeout", "9s", "--listen", "tcp://:8081", "--server", "a:1=2",
                          "--policy", "least-requests", "--log-full", "wait", "-q"})
                     .config;
  EXPECT_EQ(c.timeouts.idle_timeout, seconds(9));
  EXPECT_EQ(c.timeouts.connect_timeout, seconds(3));
  EXPECT_EQ(c.log.full, config::LogFull::kWait);
  EXPECT_TRUE(c.quiet);
  ASSERT_EQ(c.listeners.size(), 2U);
  EXPECT_EQ(c.listeners[0].pool, "app");
  EXPECT_EQ(c.listeners[1].pool, "default");
  ASSERT_EQ(c.pools.size(), 2U);
  EXPECT_EQ(c.pools[0].policy, "round-robin");
  EXPECT_EQ(c.pools[1].name, "default");
  EXPECT_EQ(c.pools[1].policy, "least-requests");
  EXPECT_EQ(c.pools[1].servers.at(0).spec, (config::ServerSpec{"a:1", 2}));
}

TEST_F(ConfigFile, FlagsAddToTheDefaultPoolOfTheFile) {
  write(
      "[[listener]]\naddress = \":80\"\npool = \"default\"\n"
      "[[pool]]\nname = \"default\"\nservers = [\"a:1\"]\n");
  EXPECT_EQ(options({"--server", "a:2"}).config.pools.at(0).servers.size(), 2U);
  EXPECT_THAT(error({"--server", "A:01"}), HasSubstr("'A:01': it is given twice"));
  EXPECT_EQ(options({"--policy", "least-requests"}).config.pools.at(0).policy, "least-requests");
}

TEST_F(ConfigFile, ServersOfFlagsThatNothingUsesAreWarnedOf) {
  write(kFile);
  const auto idle = parse_with({"--server", "a:2"});
  ASSERT_TRUE(idle) << idle.error().message;
  EXPECT_THAT(idle->warnings, ElementsAre(HasSubstr("warning: --server: no listener and no route "
                                                    "gives anything to its pool 'default'")));
  EXPECT_TRUE(parse_with({"--server", "a:2", "--listen", ":81"})->warnings.empty());
  write(
      "[[listener]]\naddress = \":80\"\n[[listener.route]]\npath = \"/\"\n"
      "pool = \"default\"\n");
  EXPECT_TRUE(parse_with({"--server", "a:2"})->warnings.empty());
}

TEST_F(ConfigFile, APoolOfTheFileMayComeByFlags) {
  write("[[listener]]\naddress = \":80\"\npool = \"default\"\n");
  EXPECT_EQ(options({"--server", "a:2"}).config.pools.size(), 1U);
  EXPECT_THAT(error({}), HasSubstr("there is no pool"));
}

TEST_F(ConfigFile, TheFileAndTheFlagsMustFit) {
  write(kFile);
  EXPECT_THAT(error({"--listen", "*:8080", "--server", "a:1"}), HasSubstr("it is given twice"));
  EXPECT_THAT(error({"--policy", "least-requests"}), HasSubstr("--policy"));
  EXPECT_THAT(error({"--listen", ":81"}), HasSubstr("give --server"));
  EXPECT_THAT(error({"--head-bytes-max", "4KiB"}), HasSubstr("target_bytes_max (8KiB)"));
  write("threads = 5000\nquit = true\n[log]\nformat = 1\n");
  EXPECT_EQ(error({}), "giliran coordinator: the configuration is not good\n" +  //
                           path_ +
                           ":1:11: key 'threads': bad value '5000': expected auto or a number "
                           "from 1 to 4096\n" +
                           path_ + ":2:1: unknown key 'quit'; did you mean 'quiet'?\n" + path_ +
                           ":4:10: key 'log.format': bad value '1': expected auto, json, text, "
                           "httplog, tcplog or combined");
  std::filesystem::remove(path_);
  EXPECT_THAT(error({}), HasSubstr("cannot be read"));
}

TEST_F(ConfigFile, AReloadReadsTheFileAgainAndAppliesTheFlagsAgain) {
  EXPECT_FALSE(
      std::get<control::CoordinatorOptions>(
          parse(std::vector<std::string>{"coordinator", "--listen", ":1", "--server", "a:1"})->what)
          .reload);
  write(kFile);
  const auto first = options({"--connect-timeout", "1s", "--listen", ":81", "--server", "a:1"});
  EXPECT_EQ(first.reload().value(), first.config);
  write(std::string(kFile) + "  [[pool]]\nname = \"more\"\nservers = \"b:1\"\n");
  const auto second = first.reload();
  ASSERT_TRUE(second) << second.error().message;
  EXPECT_EQ(second->pools.size(), 3U);
  EXPECT_EQ(second->timeouts.connect_timeout, seconds(1));
  write("bogus = 1");
  EXPECT_THAT(first.reload().error().message, StartsWith(path_ + ":1:1: unknown key 'bogus'"));
}

// --- check ---

TEST_F(ConfigFile, Check) {
  const auto check = [&](CheckWhat what) {
    std::ostringstream out, err;
    const int status = run_check({.file = path_, .what = what}, out, err);
    return std::make_tuple(status, out.str(), err.str());
  };
  write(kFile);
  EXPECT_EQ(check(CheckWhat::kCheck),
            std::make_tuple(0, path_ + ": good: 1 listener, 1 pool, 1 server\n", ""));
  const auto [status, printed, errors] = check(CheckWhat::kPrint);
  EXPECT_EQ(status, 0);
  EXPECT_THAT(printed, HasSubstr("\nconnect_timeout = \"3s\"\n"));
  write(printed);
  EXPECT_EQ(check(CheckWhat::kPrint), std::make_tuple(0, printed, ""));

  write(
      "[[listener]]\naddress = \":80\"\npool = \"a\"\n[[pool]]\nname = \"a\"\n"
      "servers = \"a:1\"\npolicy = \"round-robn\"\n");
  EXPECT_EQ(check(CheckWhat::kCheck),
            std::make_tuple(2, "",
                            path_ + ":7:10: key 'pool.policy': bad value 'round-robn': did you "
                                    "mean 'round-robin'?\n"));
  write("");
  EXPECT_THAT(std::get<2>(check(CheckWhat::kCheck)), HasSubstr("no [[listener]]"));
  write(std::string(kFile) + "[[pool]]\nname = \"idle\"\nservers = \"b:1\"\n");
  EXPECT_EQ(std::get<0>(check(CheckWhat::kCheck)), 0);
  EXPECT_THAT(std::get<2>(check(CheckWhat::kCheck)), HasSubstr(":13:8: warning: key 'pool.name'"));
}

TEST_F(ConfigFile, CheckOfAServersFile) {
  const auto check = [&](CheckWhat what) {
    std::ostringstream out, err;
    const int status = run_check({.file = path_, .what = what}, out, err);
    return std::make_tuple(status, out.str(), err.str());
  };
  write("delay = \"5ms\"\nfail = \"1%:503\"\n");
  const auto [status, said, errors] = check(CheckWhat::kCheck);
  EXPECT_EQ(status, 0) << errors;
  EXPECT_THAT(said, StartsWith(path_ + ": good: of giliran server -c, delay 5ms"));
  EXPECT_THAT(std::get<1>(check(CheckWhat::kPrint)), HasSubstr("delay = \"5ms\"\n"));
  write("delay = \"5ms\"\nwrok = \"1ms\"\n");
  EXPECT_THAT(std::get<2>(check(CheckWhat::kCheck)),
              HasSubstr(":2:1: unknown key 'wrok'; did you mean 'work'?"));
}

TEST_F(ConfigFile, APipeIsForCheckAlone) {
  for (const std::string command : {"coordinator", "server"}) {
    const auto outcome = parse(std::vector<std::string>{command, "-c", "-"});
    ASSERT_FALSE(outcome);
    EXPECT_THAT(outcome.error().message, HasSubstr("giliran check - reads one"));
  }
}

// --- flags and keys are the same ---

TEST(Flags, EachHasAKey) {
  CoordinatorFlags flags;
  const Command command = coordinator_command(flags);
  size_t found = 0;
  for (const Flag& flag : command.flags) {
    std::string name(flag.names.substr(flag.names.find("--") + 2));
    if (name == "config") continue;
    if (name == "listen") name = "address";
    if (name == "server") name = "servers";
    if (name == "log") name = "path";
    if (name == "log-format") name = "format";
    if (name == "log-full") name = "full";
    std::ranges::replace(name, '-', '_');
    const auto& rows = config::key_rows();
    EXPECT_TRUE(std::ranges::find(rows, name, &config::KeyRow::name) != rows.end()) << name;
    ++found;
  }
  EXPECT_EQ(found, 3 + config::top_keys().size() + config::log_keys().size() +
                       config::timeout_keys().size() + config::limit_keys().size());
}

}  // namespace
}  // namespace giliran::cli
