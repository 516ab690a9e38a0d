#include "lab/run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <csignal>
#include <fstream>

#include "lab/test_folder.h"
#include "net/engine.h"

namespace giliran::lab {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

// Runs whose program is a shell script that plays the roles: $1 is the role.
class RunTest : public testing::Test {
 protected:
  RunTest() {
    auto io = net::make_epoll_io(clock_);
    EXPECT_TRUE(io);
    io_ = std::move(*io);
  }

  static std::string forever() { return "trap 'exit 0' TERM; while :; do sleep 0.01; done"; }

  Ran execute(const std::string& server, const std::string& coordinator,
              const std::string& client) {
    const std::string path = temporary_.path("program");
    std::ofstream(path) << "#!/bin/sh\ncase $1 in\nserver) " << server << ";;\ncoordinator) "
                        << coordinator << ";;\nclient) " << client << ";;\nesac\n";
    ::chmod(path.c_str(), 0755);
    place_ = {.program = path, .folder = temporary_.path("x")};
    lab::Run run(*io_, plan_, place_, [this](const ClientProgress& p) {
      progress_.push_back(p.rate);
      if (on_progress_) on_progress_();
    });
    run_ = &run;
    return run.execute();
  }

  static std::string listening(int port) {
    return "echo plan >&2; echo listening on http://127.0.0.1:" + std::to_string(port) + " >&2; ";
  }

  TestFolder temporary_;
  base::SystemClock clock_;
  std::unique_ptr<net::Io> io_;
  RunPlan plan_{.name = "x", .servers = RunPlan::equal_servers(2)};
  RunPlace place_;
  lab::Run* run_ = nullptr;
  std::vector<double> progress_;
  std::function<void()> on_progress_;
};

TEST_F(RunTest, StartsInOrderAndStopsInTheOther) {
  const Ran ran = execute(listening(5) + forever(), listening(6) + forever(),
                          R"(echo '{"rate":7.5}'; echo other; exit 0)");
  EXPECT_EQ(ran.failure, "");
  EXPECT_FALSE(ran.interrupted);
  EXPECT_THAT(ran.server_addresses, ElementsAre("127.0.0.1:5", "127.0.0.1:5"));
  ASSERT_THAT(ran.commands, SizeIs(4));
  EXPECT_EQ(ran.commands[2][1], "coordinator");
  EXPECT_THAT(ran.commands[2], testing::Contains("127.0.0.1:5").Times(2));
  EXPECT_EQ(ran.commands[3][2], "http://127.0.0.1:6/");
  EXPECT_THAT(progress_, ElementsAre(7.5));
  EXPECT_GT(ran.cpu.servers.count(), 0);
}

TEST_F(RunTest, AServerThatDoesNotStartHasTheLastWord) {
  const Ran ran = execute("echo port in use >&2; exit 2", forever(), forever());
  EXPECT_THAT(ran.failure, HasSubstr("ended with status 2"));
  EXPECT_THAT(ran.last_words, ElementsAre("port in use"));
  EXPECT_THAT(ran.commands, SizeIs(2));
}

TEST_F(RunTest, ACoordinatorThatDiesEndsTheRun) {
  const Ran ran = execute(listening(5) + forever(), listening(6) + "kill -9 $$", forever());
  EXPECT_EQ(ran.failure, "coordinator was ended by signal 9");
  EXPECT_FALSE(ran.interrupted);
}

TEST_F(RunTest, AClientThatFailsEndsTheRun) {
  const Ran ran = execute(listening(5) + forever(), listening(6) + forever(), "exit 1");
  EXPECT_EQ(ran.failure, "client ended with status 1");
}

TEST_F(RunTest, AnInterruptLeavesNothingBehind) {
  on_progress_ = [this] { run_->interrupt(); };
  const Ran ran =
      execute(listening(5) + forever(), listening(6) + forever(), "echo '{}'; " + forever());
  EXPECT_TRUE(ran.interrupted);
  EXPECT_EQ(ran.failure, "");
}

TEST_F(RunTest, WhoDoesNotListenToTermIsKilled) {
  on_progress_ = [this] {
    run_->interrupt();
    run_->interrupt();
  };
  const Ran ran = execute(listening(5) + forever(), listening(6) + forever(),
                          "trap '' TERM; echo '{}'; while :; do sleep 0.01; done");
  EXPECT_TRUE(ran.interrupted);
}

TEST_F(RunTest, WhatTheTimelineKillsIsStartedAgainAtItsAddress) {
  using std::chrono::milliseconds;
  plan_.timeline = {
      {.at = milliseconds(50), .action = Action::kKill, .servers = {0}, .text = "kill server-1"},
      {.at = milliseconds(60), .action = Action::kStart, .servers = {0}, .text = "start server-1"},
      {.at = std::chrono::hours(1), .action = Action::kKill, .servers = {1}, .text = "never"}};
  const Ran ran = execute(listening(5) + forever(), listening(6) + forever(),
                          "echo plan >&2; sleep 0.8; exit 0");
  EXPECT_EQ(ran.failure, "");
  EXPECT_THAT(ran.killed, ElementsAre("server-1"));
  ASSERT_THAT(ran.marks, SizeIs(2));
  EXPECT_EQ(ran.marks[1].text, "start server-1");
  EXPECT_GE(ran.marks[1].at.ns, ran.marks[0].at.ns);
  EXPECT_THAT(ran.missed, ElementsAre("never"));
  ASSERT_THAT(ran.processes, SizeIs(4));
  EXPECT_EQ(ran.processes[2].name, "server-1");
  EXPECT_EQ(ran.processes[2].starts, 2U);
  EXPECT_EQ(ran.processes[3].starts, 1U);
  ASSERT_THAT(ran.commands, SizeIs(5));
  EXPECT_THAT(ran.commands[4], testing::Contains("http://127.0.0.1:5"));
  EXPECT_THAT(ran.said, HasSubstr("server-1: listening on http://127.0.0.1:5"));
}

TEST_F(RunTest, AnotherServerThatDiesMeanwhileIsNotForgiven) {
  plan_.timeline = {{.at = {}, .action = Action::kKill, .servers = {0}, .text = "kill server-1"}};
  const Ran ran =
      execute("case $* in *server-2*) " + listening(5) + "sleep 0.4; echo tired >&2; exit 1;; *) " +
                  listening(5) + forever() + ";; esac",
              listening(6) + forever(), forever());
  EXPECT_EQ(ran.failure, "server-2 ended with status 1");
  EXPECT_THAT(ran.last_words, testing::Contains("tired"));
}

TEST_F(RunTest, WhatIsStoppedIsEndedAllTheSame) {
  plan_.timeline = {{.at = {}, .action = Action::kStop, .servers = {0, 1}, .text = "stop both"}};
  const Ran ran = execute(listening(5) + forever(), listening(6) + forever(), "sleep 0.2; exit 0");
  EXPECT_EQ(ran.failure, "");
  EXPECT_THAT(ran.marks, SizeIs(1));
  on_progress_ = [this] { run_->interrupt(); };
  const Ran interrupted = execute(listening(5) + forever(), listening(6) + forever(),
                                  "sleep 0.2; echo '{}'; " + forever());
  EXPECT_TRUE(interrupted.interrupted);
}

TEST_F(RunTest, AProgramThatIsNotThere) {
  place_ = {.program = "no/such/program", .folder = "x"};
  lab::Run run(*io_, plan_, place_, nullptr);
  EXPECT_THAT(run.execute().failure, HasSubstr("no/such/program"));
}

TEST(AnnouncedAddress, IsHostAndPort) {
  EXPECT_EQ(announced_address("listening on tcp://127.0.0.1:80"), "127.0.0.1:80");
  EXPECT_EQ(announced_address("listening on http://[::1]:80/ now"), "[::1]:80");
  EXPECT_THAT(announced_address("listening"), IsEmpty());
  EXPECT_THAT(announced_address("now listening on http://a:1"), IsEmpty());
}

}  // namespace
}  // namespace giliran::lab
