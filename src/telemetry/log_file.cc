// Whatever is no regular file may stop taking bytes for ever: a pipe without a reader, a terminal
// that was stopped with ^S. It is therefore never written to where that blocks: the process has to
// be able to end. A terminal or pipe on standard output is shared with others, so it is opened anew
// to get flags of its own; where that cannot be, small pieces are written when poll() allows one.
#include "telemetry/log_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <system_error>
#include <utility>

namespace giliran::telemetry {

namespace {

constexpr int kFlags = O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;

std::string errno_text(int code) {
  return std::generic_category().message(code);
}

bool is_regular(int fd) {
  struct stat status{};
  return ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

// A process that was killed left half a line.
bool ends_within_a_line(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  struct stat status{};
  char last = '\n';
  const bool any = ::fstat(fd, &status) == 0 && status.st_size > 0 &&
                   ::pread(fd, &last, 1, status.st_size - 1) == 1;
  ::close(fd);
  return any && last != '\n';
}

}  // namespace

LogFile::~LogFile() {
  if (file_.descriptor > STDERR_FILENO) ::close(file_.descriptor);
}

LogFile::Opened LogFile::open_standard_output() {
  if (is_regular(STDOUT_FILENO)) return {.descriptor = STDOUT_FILENO};
  const int own = ::open("/proc/self/fd/1", kFlags);
  if (own >= 0) return {.descriptor = own};
  return {.descriptor = STDOUT_FILENO, .ours = false};
}

base::Result<LogFile::Opened> LogFile::open_path() const {
  if (path_ == "-") return open_standard_output();
  struct stat status{};
  const bool pipe = ::stat(path_.c_str(), &status) == 0 && S_ISFIFO(status.st_mode);
  // Both ends of a named pipe: its reader may come later, and come again.
  const int fd = pipe ? ::open(path_.c_str(), (kFlags & ~O_WRONLY) | O_RDWR)
                      : ::open(path_.c_str(), kFlags | O_CREAT, 0644);
  if (fd >= 0) {
    return Opened{.descriptor = fd, .torn = is_regular(fd) && ends_within_a_line(path_)};
  }
  const int code = errno;
  return base::fail(
      fmt::format("cannot write to {}: {}; choose another with --log", path_, errno_text(code)),
      code);
}

base::Result<void> LogFile::open() {
  file_ = GILIRAN_TRY(open_path());
  return {};
}

base::Result<void> LogFile::reopen(base::FunctionRef<void()> before_change) {
  if (path_ == "-") return {};
  const Opened fresh = GILIRAN_TRY(open_path());
  before_change();
  ::close(file_.descriptor);
  file_ = fresh;
  line_taken_ = 0;
  return {};
}

ssize_t LogFile::write_some(std::string_view bytes) const {
  size_t size = bytes.size();
  if (!file_.ours) {
    // What poll() calls writable takes this much without blocking.
    pollfd ready{.fd = file_.descriptor, .events = POLLOUT, .revents = 0};
    if (::poll(&ready, 1, 0) == 0) {
      errno = EAGAIN;
      return -1;
    }
    size = std::min<size_t>(size, PIPE_BUF);
  }
  return ::write(file_.descriptor, bytes.data(), size);
}

LogFile::Outcome LogFile::write(std::string_view lines) {
  size_t taken = 0;
  while (taken != lines.size()) {
    const ssize_t n = write_some(file_.torn ? std::string_view("\n") : lines.substr(taken));
    if (n > 0) {
      if (std::exchange(file_.torn, false)) continue;
      const std::string_view now = lines.substr(taken, static_cast<size_t>(n));
      const size_t end = now.rfind('\n');
      line_taken_ = end == now.npos ? line_taken_ + now.size() : now.size() - end - 1;
      taken += now.size();
      continue;
    }
    const int code = n < 0 ? errno : ENOSPC;
    if (code != EINTR) return {.taken = taken, .error = code};
  }
  return {.taken = taken};
}

// Cuts what was taken of the last line off a regular file. Not where others may write to it
// through the same descriptor, nor where another process has appended something since.
bool LogFile::take_back(size_t bytes) const {
  if (path_ == "-" || !is_regular(file_.descriptor)) return false;
  struct stat status{};
  if (::fstat(file_.descriptor, &status) != 0) return false;
  const off_t written_to = ::lseek(file_.descriptor, 0, SEEK_CUR);
  return written_to == status.st_size && written_to >= static_cast<off_t>(bytes) &&
         ::ftruncate(file_.descriptor, written_to - static_cast<off_t>(bytes)) == 0;
}

void LogFile::give_up_line() {
  const size_t taken = std::exchange(line_taken_, 0);
  if (taken != 0 && !take_back(taken)) file_.torn = true;
}

void LogFile::wait_writable(std::chrono::milliseconds at_most) const {
  pollfd ready{.fd = file_.descriptor, .events = POLLOUT, .revents = 0};
  ::poll(&ready, 1, static_cast<int>(at_most.count()));
}

}  // namespace giliran::telemetry
