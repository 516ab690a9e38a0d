// One of giliran's own programs, started by the lab.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <string_view>

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
  virtual void on_ended(Process& process) = 0;

 protected:
  ~ProcessEvents() = default;
};

// Killed and waited for when destroyed. Loop thread only.
class Process final : private net::ChildEvents {
 public:
  static constexpr size_t kLastWordsMax = 12;  // lines kept

  Process(std::string name, ProcessEvents& events) : name_(std::move(name)), events_(events) {}
  base::Result<void> start(net::Io& io, const Command& command);

  const std::string& name() const { return name_; }
  const Command& command() const { return command_; }
  const std::string& address() const { return address_; }  // HOST:PORT, empty until it listens
  bool running() const { return child_ != nullptr && child_->running(); }
  void signal(int number) {
    if (child_ != nullptr) child_->signal(number);
  }
  const net::ChildExit& exit() const { return exit_; }  // after it ended
  base::Duration cpu() const { return exit_.user + exit_.system; }
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
  std::deque<std::string> last_words_;
  net::ChildExit exit_;
  std::unique_ptr<net::Child> child_;
};

// HOST:PORT of "listening on SCHEME://HOST:PORT", empty where the line is another one.
std::string_view announced_address(std::string_view line);

}  // namespace giliran::lab
