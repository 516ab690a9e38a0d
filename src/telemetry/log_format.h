// The formats of a log: our JSON (record.md), and those of logs.md.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "telemetry/local_clock.h"
#include "telemetry/mark.h"
#include "telemetry/record.h"

namespace giliran::telemetry {

enum class LogFormat : uint8_t {
  kJson,
  kHttplog,   // HAProxy's; flows as kTcplog
  kTcplog,    // HAProxy's; exchanges too, without what they have more
  kCombined,  // NGINX's; has no line for flows and messages
  kText       // for people at a terminal
};

// Who writes, as syslog lines begin with it: "host name[id]: ".
struct LogProcess {
  std::string name = "giliran";
  std::string host;  // empty: this machine's
  uint32_t id = 0;   // 0: this process
};

// One thread's. No allocation but growth of `out`.
class LineEncoder {
 public:
  // run: as LogOptions has it; hexadecimal digits.
  LineEncoder(LogFormat format, const LogProcess& process, std::string_view run = {});

  // Appends one line, with its end; false where the format has none for such a record.
  bool append(const Record& record, std::string& out);
  // Appends the line that says that the log begins or ends here; false where the format has none.
  bool append_mark(Tier tier, Mark mark, base::WallTime now, std::string& out);
  // Appends the line that says that `count` records were dropped; readers of the format skip it.
  void append_dropped(Tier tier, uint64_t count, base::WallTime now, std::string& out);

 private:
  LogFormat format_;
  uint32_t process_;
  std::string prefix_;  // "host name[id]: "
  std::string run_;     // what a JSON line ends with, its line end too; empty: nothing of its own
  LocalClock clock_;
};

}  // namespace giliran::telemetry
