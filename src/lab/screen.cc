#include "lab/screen.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "base/text.h"
#include "report/format.h"
#include "report/table.h"
#include "terminal/live_screen.h"

namespace giliran::lab {
namespace {

size_t columns() {
  winsize size{};
  const bool known = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 10;
  return known ? size.ws_col : 80;
}

}  // namespace

void put_text(std::FILE* to, std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), to);
  std::fflush(to);
}

Screen::Mode Screen::mode_here(bool quiet) {
  if (quiet) return Mode::kQuiet;
  return terminal::moves_cursor(STDERR_FILENO) ? Mode::kLive : Mode::kLines;
}

void Screen::live(std::string_view text) {
  if (mode_ != Mode::kLive) return;
  put_text(stderr, fmt::format("\r{}\x1b[K", report::printable(text, columns() - 1)));
  shown_ = true;
}

void Screen::line(std::string_view text) {
  if (mode_ == Mode::kQuiet) return;
  clear();
  std::string_view left = text;
  while (!left.empty()) {
    const size_t end = std::min(left.find('\n'), left.size());
    put_text(stderr, report::printable(left.substr(0, end)) + "\n");
    left.remove_prefix(std::min(end + 1, left.size()));
  }
}

void Screen::clear() {
  if (shown_) put_text(stderr, "\r\x1b[K");
  shown_ = false;
}

std::string progress_text(std::string_view run, const ClientProgress& progress) {
  std::string text =
      fmt::format("{}  {}  p50 {}  p99 {}  {} error{}", run, report::format_rate(progress.rate),
                  report::format_latency(progress.p50), report::format_latency(progress.p99),
                  report::format_count(progress.errors), base::plural(progress.errors));
  uint64_t all = 0;
  for (const auto& share : progress.shares) all += share.answers;
  if (all == 0) return text;
  text += "  ";
  for (const auto& share : progress.shares) {
    const double percent = 100.0 * static_cast<double>(share.answers) / static_cast<double>(all);
    text += fmt::format("{}{:.0f}", &share == &progress.shares.front() ? "" : "/", percent);
  }
  return text + "%";
}

}  // namespace giliran::lab
