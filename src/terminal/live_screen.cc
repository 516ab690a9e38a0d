#include "terminal/live_screen.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace giliran::terminal {
namespace {

constexpr size_t kColumnsLeast = 10;
constexpr size_t kRowsLeast = 3;
constexpr int kFlags = O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;

// A job that a shell runs in the background shares its terminal with the shell's prompt.
bool in_foreground() {
  const pid_t owner = ::tcgetpgrp(STDERR_FILENO);
  return owner <= 0 || owner == ::getpgrp();
}

}  // namespace

bool colour_wanted() {
  const char* const no = std::getenv("NO_COLOR");
  return no == nullptr || *no == '\0';
}

bool moves_cursor(int fd) {
  const char* const name = std::getenv("TERM");
  return ::isatty(fd) == 1 && name != nullptr && std::strcmp(name, "dumb") != 0;
}

bool LiveScreen::possible() {
  return moves_cursor(STDERR_FILENO);
}

LiveScreen::Size LiveScreen::size() {
  winsize now{};
  const bool known = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &now) == 0;
  Size size;
  if (known && now.ws_col >= kColumnsLeast) size.columns = now.ws_col;
  if (known && now.ws_row >= kRowsLeast) size.rows = now.ws_row;
  return size;
}

LiveScreen::LiveScreen()
    : descriptor_(possible() ? ::open("/proc/self/fd/2", kFlags) : -1), block_(colour_wanted()) {}

LiveScreen::~LiveScreen() {
  clear();
  if (descriptor_ >= 0) ::close(descriptor_);
}

void LiveScreen::show(std::vector<LiveLine> lines) {
  const std::lock_guard lock(mutex_);
  lines_ = std::move(lines);
  draw();
}

void LiveScreen::clear() {
  const std::lock_guard lock(mutex_);
  lines_.clear();
  erase();
}

void LiveScreen::above(base::FunctionRef<bool()> print) {
  const std::lock_guard lock(mutex_);
  erase();
  if (print() && !lines_.empty()) draw();
}

void LiveScreen::draw() {
  if (in_foreground()) return write(block_.draw(lines_, size().columns));
  forget();
}

void LiveScreen::erase() {
  if (in_foreground()) return write(block_.erase(size().columns));
  forget();
}

// Whatever is on the screen now is not ours to rewrite.
void LiveScreen::forget() {
  block_ = LiveBlock(colour_wanted());
}

// What the terminal does not take now is not sent later: the next block is whole again.
void LiveScreen::write(std::string_view bytes) {
  const int to = descriptor_ >= 0 ? descriptor_ : STDERR_FILENO;
  while (!bytes.empty()) {
    const ssize_t n = ::write(to, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return forget();
    bytes.remove_prefix(static_cast<size_t>(n));
  }
}

}  // namespace giliran::terminal
