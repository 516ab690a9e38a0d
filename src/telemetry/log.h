// The log of one process: a ring per worker, one thread that drains them all into a file.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "telemetry/log_format.h"
#include "telemetry/record.h"

namespace giliran::telemetry {

enum class LogFull : uint8_t {
  kDrop,  // a full ring drops the record and counts it
  kWait   // a full ring makes its worker wait: loses none
};

struct LogOptions {
  std::string path;                     // "-": standard output; empty: no log, sinks take nothing
  size_t workers = 1;                   // number of sinks
  size_t ring_bytes = size_t{4} << 20;  // per worker
  LogFull full = LogFull::kDrop;
  Tier tier = Tier::kCoordinator;
  LogFormat format = LogFormat::kJson;
  LogProcess process = {};  // in the prefix of kHttplog and kTcplog
};

class Log {
 public:
  // Opens the file (append, created 0644) and starts the thread. An error names the path.
  static base::Result<std::unique_ptr<Log>> open(const LogOptions& options, base::Clock& clock);
  virtual ~Log() = default;

  // The sink of worker i; single producer.
  virtual RecordSink& sink(size_t worker) = 0;
  // Opens the path anew (logrotate) without losing a line. Thread-safe. An error keeps the old
  // file.
  virtual void reopen() = 0;
  // Writes everything out, closes, joins the thread. Producers must have stopped.
  virtual void close() = 0;

  struct Counts {
    uint64_t written = 0;
    uint64_t dropped = 0;
    uint64_t write_errors =
        0;                  // e.g. disk full; the records of a failed write are lost and counted
    uint64_t left_out = 0;  // records for which the format has no line
  };
  virtual Counts counts() const = 0;  // thread-safe
};

}  // namespace giliran::telemetry
