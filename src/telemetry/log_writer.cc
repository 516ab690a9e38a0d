// A log must be true while it is written, not only when it is over: whatever is missing from it is
// said as soon as the file takes a line again, before the next record. Waiting for a file is a
// state and not a call, so that a log that waits can still be opened elsewhere, or given up.
#include "telemetry/log_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>

namespace giliran::telemetry {

namespace {

constexpr size_t kWriteBytes = size_t{256} << 10;
constexpr auto kTryAgain = std::chrono::seconds(1);
constexpr auto kSayAgain = std::chrono::seconds(1);
constexpr auto kSayWaitingAgain = std::chrono::seconds(10);
constexpr auto kWait = std::chrono::milliseconds(20);

uint64_t lines_in(std::string_view text) {
  return static_cast<uint64_t>(std::count(text.begin(), text.end(), '\n'));
}

std::string why(const std::string& path, int error) {
  if (error == EAGAIN) return fmt::format("nobody reads {}", path);
  return fmt::format("cannot write to {}: {}", path, std::generic_category().message(error));
}

}  // namespace

LogWriter::LogWriter(const LogOptions& options, base::Clock& clock)
    : options_(options),
      clock_(clock),
      file_(options.path),
      encoder_(options.format, options.process, options.run) {
  buffer_.reserve(kWriteBytes * 2);
}

base::Result<void> LogWriter::open() {
  GILIRAN_TRY_VOID(file_.open());
  mark(Mark::kBegin);
  return {};
}

void LogWriter::mark(Mark mark) {
  if (encoder_.append_mark(options_.tier, mark, clock_.wall(), buffer_)) note(0);
}

void LogWriter::take(const Record& record) {
  declare();
  if (encoder_.append(record, buffer_)) {
    ++buffered_;
  } else {
    left_out_.fetch_add(1, std::memory_order_relaxed);
  }
  if (buffer_.size() >= kWriteBytes) flush();
}

void LogWriter::take_dropped(uint64_t dropped) {
  missing_ += dropped;
  declare();
}

void LogWriter::declare() {
  if (missing_ == 0) return;
  encoder_.append_dropped(options_.tier, missing_, clock_.wall(), buffer_);
  note(std::exchange(missing_, 0));
}

void LogWriter::flush() {
  if (buffer_.empty() && failing_ && clock_.now() - failed_ >= kTryAgain) declare();
  if (buffer_.empty()) return;
  const LogFile::Outcome outcome = write();
  const bool was_blocked = std::exchange(blocked_, false);
  if (outcome.taken != 0 || !was_blocked) blocked_since_ = clock_.now();
  const size_t rest = buffer_.size() - outcome.taken;
  written(outcome.taken);
  if (rest == 0) return recovered();
  if (worth_waiting(outcome.error)) {
    blocked_ = true;
    blocked_by_ = outcome.error;
  } else {
    lose(rest, outcome.error);
  }
}

LogFile::Outcome LogWriter::write() {
  if (given_up_ != 0) return {.taken = 0, .error = given_up_};
  if (!options_.around_write) return file_.write(buffer_);
  LogFile::Outcome outcome;
  options_.around_write([&] {
    outcome = file_.write(buffer_);
    return !file_.in_line();
  });
  return outcome;
}

// Counts what was written and takes it off the buffer.
void LogWriter::written(size_t bytes) {
  uint64_t records = buffered_;
  if (bytes != buffer_.size()) {
    records = lines_in(std::string_view(buffer_).substr(0, bytes));
    records -= static_cast<uint64_t>(
        std::ranges::count_if(notes_, [bytes](const Note& note) { return note.end <= bytes; }));
  }
  take_off(bytes);
  buffered_ -= records;
  written_.fetch_add(records, std::memory_order_relaxed);
}

void LogWriter::take_off(size_t bytes) {
  std::erase_if(notes_, [bytes](const Note& note) { return note.end <= bytes; });
  for (Note& note : notes_) note.end -= bytes;
  buffer_.erase(0, bytes);
}

bool LogWriter::worth_waiting(int error) {
  const bool full = error == ENOSPC || error == EDQUOT;
  if (given_up_ != 0 || !(error == EAGAIN || (full && options_.full == LogFull::kWait))) {
    return false;
  }
  if (full) say_waiting(error);
  const int64_t patience = patience_ns_.load(std::memory_order_relaxed);
  if (patience == INT64_MAX) return true;
  const base::Instant now = clock_.now();
  if (hurried_ == base::Instant{}) hurried_ = now;
  if ((now - std::max(blocked_since_, hurried_)).count() >= patience) given_up_ = error;
  return given_up_ == 0;
}

// What is left in the buffer is lost: its first `bytes`.
void LogWriter::lose(size_t bytes, int error) {
  file_.give_up_line();
  write_errors_.fetch_add(1, std::memory_order_relaxed);
  uint64_t records = lines_in(std::string_view(buffer_).substr(0, bytes));
  for (const Note& note : notes_) {
    if (note.end > bytes) continue;
    missing_ += note.dropped;
    --records;
  }
  missing_ += records;
  take_off(bytes);
  buffered_ -= records;
  const uint64_t all = lost_.fetch_add(records, std::memory_order_relaxed) + records;
  const bool news = records != 0 || !failing_;
  failing_ = true;
  failed_ = clock_.now();
  if (!news) return;
  const std::string text = why(options_.path, error);
  complain(all == 0 ? text : fmt::format("{}; {} records lost", text, all));
}

void LogWriter::say_waiting(int error) {
  const base::Instant now = clock_.now();
  if (told_waiting_ != base::Instant{} && now - told_waiting_ < kSayWaitingAgain) return;
  told_waiting_ = now;
  complain(why(options_.path, error) + "; requests wait until there is room", true);
}

void LogWriter::recovered() {
  const bool waited = std::exchange(told_waiting_, {}) != base::Instant{};
  if (!std::exchange(failing_, false) && !waited) return;
  complain(fmt::format("{} is written again; {} records lost", options_.path,
                       lost_.load(std::memory_order_relaxed)),
           true);
}

void LogWriter::wait() const {
  if (blocked_by_ == EAGAIN) {
    file_.wait_writable(kWait);
  } else {
    base::sleep_blocking(kWait);
  }
}

void LogWriter::reopen() {
  flush();
  const auto before_change = [this] {
    if (blocked_) {
      // What the old file has not of a line is not for the new one to begin with.
      const size_t line = buffer_.find('\n') + 1;
      if (file_.in_line()) {
        lose(line, blocked_by_);
      } else if (!notes_.empty() && notes_[0].end == line && notes_[0].dropped == 0) {
        take_off(line);  // the mark that the old file begins
      }
      blocked_ = false;
      return;
    }
    end();
    if (blocked_) lose(buffer_.size(), blocked_by_);
    blocked_ = false;
  };
  if (const auto opened = file_.reopen(before_change); !opened) {
    write_errors_.fetch_add(1, std::memory_order_relaxed);
    return complain(opened.error().message + " (going on with the file open before)");
  }
  begin_anew();
  flush();
}

// The new file begins before what the old one did not take.
void LogWriter::begin_anew() {
  const std::string rest = std::exchange(buffer_, {});
  const std::vector<Note> notes = std::exchange(notes_, {});
  mark(Mark::kBegin);
  declare();
  const size_t shift = buffer_.size();
  buffer_ += rest;
  for (const Note& n : notes) notes_.push_back({.end = n.end + shift, .dropped = n.dropped});
}

void LogWriter::end() {
  declare();
  mark(Mark::kEnd);
  flush();
}

void LogWriter::sum_up() {
  if (missing_ == 0) return;
  complain(fmt::format("{} does not tell of {} records that are lost", options_.path, missing_),
           true);
}

void LogWriter::be_patient_for(base::Duration at_most) {
  int64_t now = patience_ns_.load(std::memory_order_relaxed);
  while (at_most.count() < now && !patience_ns_.compare_exchange_weak(now, at_most.count())) {
  }
}

void LogWriter::complain(const std::string& what, bool urgent) {
  const base::Instant now = clock_.now();
  if (!urgent && told_ != base::Instant{} && now - told_ < kSayAgain) return;
  told_ = now;
  if (options_.say) return options_.say(what);
  const std::string line = "giliran: log: " + what + "\n";
  [[maybe_unused]] const auto written = std::fwrite(line.data(), 1, line.size(), stderr);
}

Log::Counts LogWriter::counts() const {
  return {.written = written_.load(std::memory_order_relaxed),
          .dropped = lost_.load(std::memory_order_relaxed),
          .write_errors = write_errors_.load(std::memory_order_relaxed),
          .left_out = left_out_.load(std::memory_order_relaxed)};
}

}  // namespace giliran::telemetry
