// The file of a log: whole lines out, whatever the disk or the reader of a pipe does.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/function_ref.h"

namespace giliran::telemetry {

// One thread's. Nothing here waits for a disk's room or for a reader.
class LogFile {
 public:
  explicit LogFile(std::string path) : path_(std::move(path)) {}
  LogFile(const LogFile&) = delete;
  LogFile& operator=(const LogFile&) = delete;
  ~LogFile();

  // "-" is standard output; a file is created 0644 and appended to; a named pipe is opened without
  // its reader.
  base::Result<void> open();
  // Opens the path anew; an error keeps the file there was. `before_change` is called where the old
  // file is about to be closed.
  base::Result<void> reopen(base::FunctionRef<void()> before_change);

  struct Outcome {
    size_t taken = 0;  // bytes, from the beginning
    int error = 0;     // why not all: EAGAIN where it may take more later
  };
  // Writes as much of the lines (each ending in '\n') as is taken now.
  Outcome write(std::string_view lines);
  // What was not taken of the last line never comes: what was taken of it is cut off again, or,
  // where that cannot be, what follows begins on a line of its own.
  void give_up_line();
  // Waits until more may be taken, at most that long.
  void wait_writable(std::chrono::milliseconds at_most) const;

  bool in_line() const { return line_taken_ != 0; }  // what was taken last is no whole line

 private:
  struct Opened {
    int descriptor = -1;
    bool ours = true;   // its flags are nobody else's
    bool torn = false;  // it ends in the middle of a line that nobody finishes
  };
  base::Result<Opened> open_path() const;
  static Opened open_standard_output();
  ssize_t write_some(std::string_view bytes) const;
  bool take_back(size_t bytes) const;

  std::string path_;
  Opened file_;
  size_t line_taken_ = 0;  // bytes of a line whose end was not taken yet
};

}  // namespace giliran::telemetry
