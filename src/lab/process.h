// One of giliran's own programs, started by the lab.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "lab/commands.h"
#include "net/child.h"

namespace giliran::lab {

class Process;
class ProcessEvents {
 public:
  // It listens: address() is known.
  virtual void on_listening(Process& process) = 0;
  virtual void on_output(Process& process, std::string_view line) = 0;  // of standard output
  virtual void on_words(Process& process, std::string_view line) = 0;   // of standard error
  virtual void on_ended(Process& process) = 0;

 protected:
  ~ProcessEvents() = default;
};

// CPU time that a process had used at some moment.
struct CpuSample {
  base::Instant at{};
  base::Duration cpu{};
};

// Killed and waited for when destroyed. May be started again once it has ended. Loop thread only.
class Process final : private net::ChildEvents {
 public:
  static constexpr size_t kLastWordsMax = 12;  // lines kept

  Process(std::string name, ProcessEvents& events) : name_(std::move(name)), events_(events) {}
  base::Result<void> start(net::Io& io, const Command& command);

  const std::string& name() const { return name_; }
  const Command& command() const { return command_; }
  // HOST:PORT, empty until it listens for the first time.
  const std::string& address() const { return address_; }
  bool running() const { return child_ != nullptr && child_->running(); }
  bool listening() const { return running() && listening_; }
  uint32_t starts() const { return starts_; }
  void signal(int number) {
    if (child_ != nullptr) child_->signal(number);
  }
  const net::ChildExit& exit() const { return exit_; }  // of its last end
  // Of all its lives that have ended.
  base::Duration user() const { return user_; }
  base::Duration system() const { return system_; }
  base::Duration cpu() const { return user_ + system_; }
  // Peak resident, as far as it was sampled.
  uint64_t memory_max_bytes() const { return memory_max_bytes_; }
  // Notes what it has used by now; its earlier lives included.
  void sample(base::Instant now);
  const std::vector<CpuSample>& samples() const { return samples_; }
  // The last lines it wrote to standard error.
  const std::deque<std::string>& last_words() const { return last_words_; }
  // "server-2 ended with status 1", "server-2 was killed by signal 9"
  std::string how_it_ended() const;

 private:
  void on_output(net::Child& child, std::string_view line, bool is_stderr) override;
  void on_exit(net::Child& child, const net::ChildExit& exit) override;

  std::string name_;
  ProcessEvents& events_;
  Command command_;
  std::string address_;
  bool listening_ = false;
  uint32_t starts_ = 0;
  std::deque<std::string> last_words_;
  net::ChildExit exit_;
  base::Duration user_{}, system_{};
  uint64_t memory_max_bytes_ = 0;
  std::vector<CpuSample> samples_;
  std::unique_ptr<net::Child> child_;
};

// HOST:PORT of "listening on SCHEME://HOST:PORT", empty where the line is another one.
std::string_view announced_address(std::string_view line);

}  // namespace giliran::lab
