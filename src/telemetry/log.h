// The log of one process: a ring per worker, one thread that drains them all into a file.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/function_ref.h"
#include "telemetry/log_format.h"
#include "telemetry/record.h"

namespace giliran::telemetry {

enum class LogFull : uint8_t {
  kDrop,  // what a full ring or a full disk does not take is lost, counted, and said in the log
  kWait   // a full ring makes its worker wait, and a full disk the log: only an error loses records
};

struct LogOptions {
  std::string path;                     // "-": standard output; empty: no log, sinks take nothing
  size_t workers = 1;                   // number of sinks
  size_t ring_bytes = size_t{4} << 20;  // per worker
  LogFull full = LogFull::kDrop;
  Tier tier = Tier::kCoordinator;
  LogFormat format = LogFormat::kJson;
  LogProcess process = {};  // in the prefix of kHttplog and kTcplog, and in marks
  // Hears, on the log's thread, what the operator must know; empty: standard error.
  std::function<void(const std::string&)> say = {};
  // Each write to the file happens inside a call of this, where it is given: whoever draws on the
  // same terminal steps aside. False where the write stopped within a line.
  using Around = std::function<void(base::FunctionRef<bool()> write)>;
  Around around_write = {};
  // kJson: in each record, where several runs share a file; empty: none.
  std::string run = {};
};

// Whether a log of that path is shown to a person: the default format is kText there.
bool goes_to_terminal(const std::string& path);

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
  // The process is to end at once: a file that takes nothing for half a second from now on is
  // given up, its records are lost and counted. Workers that wait for room go on. Thread-safe.
  virtual void hurry() = 0;
  // Producers have stopped: writes everything out, and the end mark. `finished` is called on the
  // log's thread, or here where there is none. A file that takes nothing for five seconds is given
  // up. A second call does nothing.
  virtual void finish(std::function<void()> finished) = 0;
  // Finishes and joins the thread.
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
