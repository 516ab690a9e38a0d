// What the log thread writes: a line a record, and lines that say what is missing between them.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "telemetry/log.h"
#include "telemetry/log_file.h"
#include "telemetry/log_format.h"

namespace giliran::telemetry {

// The log thread's, but for counts() and be_patient_for(). Nothing waits but wait().
class LogWriter {
 public:
  LogWriter(const LogOptions& options, base::Clock& clock);

  // Opens the file. The log begins with the next flush.
  base::Result<void> open();
  // Takes a record for the next flush; not where blocked().
  void take(const Record& record);
  // Says before the next record that `dropped` are missing.
  void take_dropped(uint64_t dropped);
  // Writes what was taken, as far as the file takes it. What it refuses is lost, counted, and said
  // before the next record; where none comes, as soon as the file takes that.
  void flush();
  // The file takes nothing now and may take the rest later: a reader is slow, or the disk is full
  // and records are to be kept.
  bool blocked() const { return blocked_; }
  // Where blocked(): a moment, or until the file may take more.
  void wait() const;
  // Opens the path anew: the old file has its end mark, the new one begins. What the old one did
  // not take goes to the new one.
  void reopen();
  // Says that the log ends, and flushes.
  void end();
  // Tells the operator in the end of what is lost and not said in the log.
  void sum_up();

  // From now on a file that takes nothing for so long is given up for good. Thread-safe; only ever
  // shortens.
  void be_patient_for(base::Duration at_most);
  // dropped: lost by the file. Thread-safe.
  Log::Counts counts() const;

 private:
  // A line in `buffer_` that is no record.
  struct Note {
    size_t end;        // of its line
    uint64_t dropped;  // records that it says are missing
  };
  void note(uint64_t dropped) { notes_.push_back({.end = buffer_.size(), .dropped = dropped}); }
  void mark(Mark mark);
  void begin_anew();
  void declare();
  LogFile::Outcome write();
  void written(size_t bytes);
  void take_off(size_t bytes);
  bool worth_waiting(int error);
  void lose(size_t bytes, int error);
  void say_waiting(int error);
  void recovered();
  void complain(const std::string& what, bool urgent = false);

  const LogOptions options_;
  base::Clock& clock_;
  LogFile file_;
  LineEncoder encoder_;
  std::string buffer_;
  uint64_t buffered_ = 0;  // records in `buffer_`
  std::vector<Note> notes_;
  uint64_t missing_ = 0;  // records that are not in the log and of which it does not say so yet
  bool failing_ = false;  // the last write lost something
  base::Instant failed_{};
  bool blocked_ = false;
  int blocked_by_ = 0;
  base::Instant blocked_since_{};
  std::atomic<int64_t> patience_ns_{INT64_MAX};
  base::Instant hurried_{};  // when this thread saw that patience has a bound
  int given_up_ = 0;         // the error it was given up for
  base::Instant told_{};
  base::Instant told_waiting_{};  // since when; none: it is not waited for room, or not said
  std::atomic<uint64_t> written_{0};
  std::atomic<uint64_t> lost_{0};
  std::atomic<uint64_t> write_errors_{0};
  std::atomic<uint64_t> left_out_{0};
};

}  // namespace giliran::telemetry
