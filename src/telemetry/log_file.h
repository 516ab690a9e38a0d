// The file of a log: whole lines out, whatever the disk does.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"

namespace giliran::telemetry {

// One thread's. Errors after the opening are counted and told on stderr at most once a second.
class LogFile {
 public:
  LogFile(std::string path, base::Clock& clock) : path_(std::move(path)), clock_(clock) {}
  LogFile(const LogFile&) = delete;
  LogFile& operator=(const LogFile&) = delete;
  ~LogFile();

  // "-" is standard output; anything else is created 0644 and appended to.
  base::Result<void> open();
  // Opens the path anew; an error keeps the file there was.
  void reopen();
  // Writes lines (each ending in '\n'), blocking as long as the file does. Returns how many bytes
  // at the end were lost to an error.
  size_t write(std::string_view lines);
  uint64_t errors() const { return errors_; }

 private:
  base::Result<int> open_descriptor() const;
  void complain(const std::string& what);

  std::string path_;
  base::Clock& clock_;
  int descriptor_ = -1;
  bool torn_ = false;  // the file ends in the middle of a line
  uint64_t errors_ = 0;
  uint64_t untold_ = 0;
  base::Instant told_{};
  bool told_ever_ = false;
};

}  // namespace giliran::telemetry
