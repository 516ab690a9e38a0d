#include "telemetry/log_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <system_error>

namespace giliran::telemetry {

namespace {

std::string errno_text(int code) {
  return std::generic_category().message(code);
}

}  // namespace

LogFile::~LogFile() {
  if (descriptor_ > STDERR_FILENO) ::close(descriptor_);
}

base::Result<int> LogFile::open_descriptor() const {
  if (path_ == "-") return STDOUT_FILENO;
  const int fd = ::open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
  if (fd >= 0) return fd;
  const int code = errno;
  return base::fail(
      fmt::format("cannot write to {}: {}; choose another with --log", path_, errno_text(code)),
      code);
}

base::Result<void> LogFile::open() {
  descriptor_ = GILIRAN_TRY(open_descriptor());
  return {};
}

void LogFile::reopen() {
  if (path_ == "-") return;
  const base::Result<int> fresh = open_descriptor();
  if (!fresh) {
    ++errors_;
    complain(fresh.error().message + " (going on with the file open before)");
    return;
  }
  ::close(descriptor_);
  descriptor_ = *fresh;
  torn_ = false;
}

size_t LogFile::write(std::string_view lines) {
  if (torn_ && !lines.empty()) {
    if (::write(descriptor_, "\n", 1) == 1) torn_ = false;
  }
  while (!lines.empty()) {
    const ssize_t n = ::write(descriptor_, lines.data(), lines.size());
    if (n > 0) {
      torn_ = lines[static_cast<size_t>(n) - 1] != '\n';
      lines.remove_prefix(static_cast<size_t>(n));
      continue;
    }
    const int code = n < 0 ? errno : ENOSPC;
    if (code == EINTR) continue;
    if (code == EAGAIN) {  // a pipe somebody made non-blocking
      base::sleep_blocking(std::chrono::milliseconds(1));
      continue;
    }
    ++errors_;
    const auto lost = static_cast<uint64_t>(std::count(lines.begin(), lines.end(), '\n'));
    untold_ += lost;
    complain(
        fmt::format("cannot write to {}: {}; {} records lost", path_, errno_text(code), untold_));
    return lines.size();
  }
  return 0;
}

void LogFile::complain(const std::string& what) {
  const base::Instant now = clock_.now();
  if (told_ever_ && now - told_ < std::chrono::seconds(1)) return;
  told_ever_ = true;
  told_ = now;
  untold_ = 0;
  const std::string line = "giliran: log: " + what + "\n";
  [[maybe_unused]] const auto written = std::fwrite(line.data(), 1, line.size(), stderr);
}

}  // namespace giliran::telemetry
