#include "lab/process.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/assert.h"

namespace giliran::lab {

std::string_view announced_address(std::string_view line) {
  constexpr std::string_view kBefore = "listening on ";
  if (!line.starts_with(kBefore)) return {};
  const std::string_view url = line.substr(kBefore.size());
  const size_t slashes = url.find("://");
  if (slashes == std::string_view::npos) return {};
  const std::string_view rest = url.substr(slashes + 3);
  return rest.substr(0, rest.find_first_of("/ "));
}

base::Result<void> Process::start(net::Io& io, const Command& command) {
  GILIRAN_ASSERT(!running());
  command_ = command;
  listening_ = false;
  ++starts_;
  child_ = GILIRAN_TRY(net::Child::start(io, {.argv = command}, *this));
  return {};
}

void Process::on_output(net::Child&, std::string_view line, bool is_stderr) {
  if (!is_stderr) {
    events_.on_output(*this, line);
    return;
  }
  if (last_words_.size() == kLastWordsMax) last_words_.pop_front();
  last_words_.emplace_back(line);
  events_.on_words(*this, line);
  const std::string_view address = announced_address(line);
  if (address.empty() || listening_) return;
  address_ = address;
  listening_ = true;
  events_.on_listening(*this);
}

void Process::on_exit(net::Child&, const net::ChildExit& exit) {
  exit_ = exit;
  user_ += exit.user;
  system_ += exit.system;
  events_.on_ended(*this);
}

void Process::sample(base::Instant now) {
  if (!running()) return;
  samples_.push_back({.at = now, .cpu = cpu() + child_->cpu_time()});
  memory_max_bytes_ = std::max(memory_max_bytes_, child_->memory_max_bytes());
}

std::string Process::how_it_ended() const {
  if (exit_.signal != 0) return fmt::format("{} was ended by signal {}", name_, exit_.signal);
  return fmt::format("{} ended with status {}", name_, exit_.status);
}

}  // namespace giliran::lab
