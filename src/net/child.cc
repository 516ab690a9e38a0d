#include "net/child.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <span>

#include "base/assert.h"
#include "net/descriptor.h"

namespace giliran::net {
namespace {

constexpr size_t kLineBytesMax = 65536;  // a longer line is given in parts

struct Pipe {
  Descriptor read;
  Descriptor write;
};

bool open_pipe(Pipe& pipe) {
  int fds[2];
  if (::pipe2(fds, O_CLOEXEC) != 0) return false;
  pipe.read = Descriptor(fds[0]);
  pipe.write = Descriptor(fds[1]);
  return true;
}

base::Duration to_duration(const timeval& t) {
  return std::chrono::seconds(t.tv_sec) + std::chrono::microseconds(t.tv_usec);
}

// What the new process does until it becomes the program. Only calls that are safe between fork()
// and exec() in a process with threads: nothing that takes a lock or allocates.
struct Preparation {
  std::vector<char*> argv;
  const char* directory = nullptr;
  int out_fd = -1, err_fd = -1, failure_fd = -1;
  pid_t parent = 0;

  [[noreturn]] void become() const {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(127);  // it had died before the line above
    ::setpgid(0, 0);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::signal(SIGPIPE, SIG_DFL);
    const bool ready = (out_fd < 0 || ::dup2(out_fd, STDOUT_FILENO) >= 0) &&
                       (err_fd < 0 || ::dup2(err_fd, STDERR_FILENO) >= 0) &&
                       (directory == nullptr || ::chdir(directory) == 0);
    if (ready) ::execv(argv[0], argv.data());
    const int error = errno;
    [[maybe_unused]] const ssize_t n = ::write(failure_fd, &error, sizeof error);
    ::_exit(127);
  }
};

class ChildProcess final : public Child {
 public:
  ChildProcess(Io& io, ChildEvents& events) : io_(io), events_(events) {}

  ~ChildProcess() override {
    for (Output* output : {&out_, &err_}) output->close();
    if (!running()) return;
    io_.unwatch_fd(pid_fd_.get());
    ::kill(-pid_, SIGKILL);
    ::kill(pid_, SIGKILL);  // where it left the group
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }

  int spawn(const ChildOptions& options);

  pid_t pid() const override { return pid_; }
  bool running() const override { return running_; }
  void signal(int number) override {
    if (running_) ::kill(pid_, number);
  }
  base::Duration cpu_time() const override;
  uint64_t memory_max_bytes() const override;

 private:
  std::string_view read_proc(std::string_view file, std::span<char> room) const;
  // One pipe of output, cut into lines.
  struct Output final : FdEvents {
    Output(ChildProcess& child, bool stderr_of) : owner(child), is_stderr(stderr_of) {}
    void start(Descriptor read) {
      fd = std::move(read);
      ::fcntl(fd.get(), F_SETFL, O_NONBLOCK);
      owner.io_.watch_fd(fd.get(), *this);
    }
    void on_ready(int) override { read_some(); }
    bool read_some();  // false at the end, or where there is nothing now
    void finish();
    void close() {
      if (fd) owner.io_.unwatch_fd(fd.get());
      fd.reset();
    }
    ChildProcess& owner;
    bool is_stderr;
    Descriptor fd;
    std::string partial;
  };

  struct Exit final : FdEvents {
    explicit Exit(ChildProcess& child) : owner(child) {}
    void on_ready(int) override { owner.reap(); }
    ChildProcess& owner;
  };

  void reap();

  Io& io_;
  ChildEvents& events_;
  pid_t pid_ = -1;
  bool running_ = false;
  Descriptor pid_fd_;
  Exit exit_{*this};
  Output out_{*this, false};
  Output err_{*this, true};
};

int ChildProcess::spawn(const ChildOptions& options) {
  GILIRAN_ASSERT(!options.argv.empty());
  Pipe out, err, failure;
  if (!open_pipe(failure)) return errno;
  if (options.capture_output && (!open_pipe(out) || !open_pipe(err))) return errno;
  Preparation preparation;
  for (const std::string& word : options.argv) {
    preparation.argv.push_back(const_cast<char*>(word.c_str()));
  }
  preparation.argv.push_back(nullptr);
  if (!options.directory.empty()) preparation.directory = options.directory.c_str();
  preparation.out_fd = out.write.get();
  preparation.err_fd = err.write.get();
  preparation.failure_fd = failure.write.get();
  preparation.parent = ::getpid();

  pid_ = ::fork();
  if (pid_ < 0) return errno;
  if (pid_ == 0) preparation.become();
  ::setpgid(pid_, pid_);  // on both sides, so that it holds when either goes on
  failure.write.reset();
  int error = 0;
  ssize_t n = 0;
  do {
    n = ::read(failure.read.get(), &error, sizeof error);
  } while (n < 0 && errno == EINTR);
  if (n == 0) {
    pid_fd_ = Descriptor(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
    if (!pid_fd_) error = errno;
  }
  if (error != 0) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    return error;
  }
  running_ = true;
  io_.watch_fd(pid_fd_.get(), exit_);
  if (out.read) out_.start(std::move(out.read));
  if (err.read) err_.start(std::move(err.read));
  return 0;
}

bool ChildProcess::Output::read_some() {
  if (!fd) return false;
  std::array<char, 16384> bytes;
  const ssize_t n = ::read(fd.get(), bytes.data(), bytes.size());
  if (n < 0) return errno == EINTR;
  if (n == 0) {
    finish();
    return false;
  }
  partial.append(bytes.data(), static_cast<size_t>(n));
  size_t start = 0;
  for (size_t end = 0; (end = partial.find('\n', start)) != std::string::npos; start = end + 1) {
    owner.events_.on_output(owner, std::string_view(partial).substr(start, end - start), is_stderr);
  }
  partial.erase(0, start);
  if (partial.size() >= kLineBytesMax) {
    owner.events_.on_output(owner, partial, is_stderr);
    partial.clear();
  }
  return true;
}

void ChildProcess::Output::finish() {
  close();
  if (!partial.empty()) owner.events_.on_output(owner, partial, is_stderr);
  partial.clear();
}

void ChildProcess::reap() {
  int status = 0;
  rusage usage{};
  if (::wait4(pid_, &status, WNOHANG, &usage) != pid_) return;
  running_ = false;
  io_.unwatch_fd(pid_fd_.get());
  pid_fd_.reset();
  // What it had written is in the pipes still; who inherited them may keep them open.
  for (Output* output : {&out_, &err_}) {
    while (output->read_some()) {
    }
    output->finish();
  }
  ChildExit exit;
  exit.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  exit.status = exit.signal != 0 ? 128 + exit.signal : WEXITSTATUS(status);
  exit.user = to_duration(usage.ru_utime);
  exit.system = to_duration(usage.ru_stime);
  exit.memory_max_bytes = static_cast<uint64_t>(usage.ru_maxrss) * 1024;
  events_.on_exit(*this, exit);
}

// /proc/PID/FILE, as much of it as there is room for; empty where it cannot be read.
std::string_view ChildProcess::read_proc(std::string_view file, std::span<char> room) const {
  if (!running_) return {};
  const Descriptor fd(::open(fmt::format("/proc/{}/{}", pid_, file).c_str(), O_RDONLY | O_CLOEXEC));
  const ssize_t n = fd ? ::read(fd.get(), room.data(), room.size()) : -1;
  return {room.data(), n <= 0 ? 0 : static_cast<size_t>(n)};
}

base::Duration ChildProcess::cpu_time() const {
  std::array<char, 1024> room;
  std::string_view rest = read_proc("stat", room);
  if (rest.empty()) return {};
  rest.remove_prefix(std::min(rest.size(), rest.rfind(')') + 2));  // the name may hold anything
  int64_t ticks = 0;
  // rest begins with field 3; user and system time are fields 14 and 15.
  for (int field = 3; field <= 15 && !rest.empty(); ++field) {
    const std::string_view word = rest.substr(0, rest.find(' '));
    int64_t value = 0;
    if (field >= 14) std::from_chars(word.data(), word.data() + word.size(), value);
    ticks += value;
    rest.remove_prefix(std::min(rest.size(), word.size() + 1));
  }
  return std::chrono::nanoseconds(ticks * (1'000'000'000 / ::sysconf(_SC_CLK_TCK)));
}

uint64_t ChildProcess::memory_max_bytes() const {
  constexpr std::string_view kKey = "VmHWM:";
  std::array<char, 4096> room;
  std::string_view rest = read_proc("status", room);
  const size_t at = rest.find(kKey);
  if (at == std::string_view::npos) return 0;
  rest.remove_prefix(at + kKey.size());
  rest.remove_prefix(std::min(rest.size(), rest.find_first_not_of(" \t")));
  uint64_t kib = 0;
  std::from_chars(rest.data(), rest.data() + rest.size(), kib);
  return kib * 1024;
}

}  // namespace

base::Result<std::unique_ptr<Child>> Child::start(Io& io, const ChildOptions& options,
                                                  ChildEvents& events) {
  auto child = std::make_unique<ChildProcess>(io, events);
  if (const int error = child->spawn(options); error != 0) {
    const std::string name = options.argv.empty() ? "" : options.argv[0];
    return base::fail(fmt::format("cannot start {}: {}", name, std::strerror(error)), error);
  }
  return child;
}

}  // namespace giliran::net
