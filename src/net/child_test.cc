#include "net/child.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <cerrno>
#include <filesystem>

#include "net/engine.h"
#include "net/test_loop.h"

namespace giliran::net {
namespace {

class ChildTest : public testing::Test, public ChildEvents {
 protected:
  void on_output(Child&, std::string_view line, bool is_stderr) override {
    (is_stderr ? errors_ : lines_).emplace_back(line);
  }
  void on_exit(Child& child, const ChildExit& exit) override {
    EXPECT_FALSE(child.running());
    exit_ = exit;
    exited_ = true;
  }
  std::unique_ptr<Child> shell(const std::string& script) {
    auto child = Child::start(*io_, {.argv = {"/bin/sh", "-c", script}}, *this);
    EXPECT_TRUE(child);
    return std::move(*child);
  }
  bool exited() {
    return run_until(*io_, [&] { return exited_; });
  }

  base::SystemClock clock_;
  std::unique_ptr<Io> io_ = std::move(*make_epoll_io(clock_));
  std::vector<std::string> lines_, errors_;
  ChildExit exit_;
  bool exited_ = false;
};

TEST_F(ChildTest, GivesOutputByLineAndItsStatus) {
  auto child = shell("echo one; echo two >&2; printf 'three\\n\\nno end'; exit 7");
  EXPECT_TRUE(child->running());
  ASSERT_TRUE(exited());
  EXPECT_EQ(exit_.status, 7);
  EXPECT_EQ(exit_.signal, 0);
  EXPECT_EQ(lines_, (std::vector<std::string>{"one", "three", "", "no end"}));
  EXPECT_EQ(errors_, (std::vector<std::string>{"two"}));
  EXPECT_GT(exit_.memory_max_bytes, 0u);
  EXPECT_EQ(child->cpu_time(), base::Duration{});
  EXPECT_EQ(child->memory_max_bytes(), 0u);
}

TEST_F(ChildTest, MuchOutputArrivesWholeBeforeTheExit) {
  auto child = shell("i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done");
  ASSERT_TRUE(exited());
  ASSERT_EQ(lines_.size(), 20000u);
  EXPECT_EQ(lines_[19999], "line 19999");
  EXPECT_GT(exit_.user + exit_.system, base::Duration{});
}

TEST_F(ChildTest, SignalsAndCountsCpu) {
  auto child = shell("while :; do :; done");
  ASSERT_TRUE(run_until(*io_, [&] { return child->cpu_time() >= std::chrono::milliseconds(20); }));
  // A shell takes some hundred KiB; much more would be another process.
  EXPECT_GT(child->memory_max_bytes(), 100u << 10);
  EXPECT_LT(child->memory_max_bytes(), 64u << 20);
  child->signal(SIGTERM);
  ASSERT_TRUE(exited());
  EXPECT_EQ(exit_.signal, SIGTERM);
  EXPECT_EQ(exit_.status, 128 + SIGTERM);
}

TEST_F(ChildTest, DestroyingARunningChildKillsItsGroup) {
  auto child = shell("sleep 1000 & echo $!; wait");
  ASSERT_TRUE(run_until(*io_, [&] { return !lines_.empty(); }));
  const pid_t pid = child->pid();
  child.reset();
  EXPECT_EQ(::kill(pid, 0), -1);
  EXPECT_EQ(errno, ESRCH);
  // The grandchild is reaped by whoever inherits it.
  const std::string process = "/proc/" + lines_[0] + "/cmdline";
  EXPECT_TRUE(run_until(*io_, [&] {
    std::error_code ignored;
    FILE* file = std::fopen(process.c_str(), "r");
    if (file == nullptr) return true;
    const bool zombie = std::fgetc(file) == EOF;
    std::fclose(file);
    return zombie;
  }));
  EXPECT_FALSE(exited_);
}

TEST_F(ChildTest, RunsInItsDirectoryWithoutBlockedSignals) {
  auto child = Child::start(
      *io_, {.argv = {"/bin/sh", "-c", "pwd; grep SigBlk /proc/self/status"}, .directory = "/"},
      *this);
  ASSERT_TRUE(child);
  ASSERT_TRUE(exited());
  EXPECT_EQ(lines_, (std::vector<std::string>{"/", "SigBlk:\t0000000000000000"}));
}

TEST_F(ChildTest, AProgramThatIsNotThereIsAnError) {
  const auto child = Child::start(*io_, {.argv = {"/no/such/program"}}, *this);
  ASSERT_FALSE(child);
  EXPECT_EQ(child.error().code, ENOENT);
  EXPECT_NE(child.error().message.find("/no/such/program"), std::string::npos);
}

}  // namespace
}  // namespace giliran::net
