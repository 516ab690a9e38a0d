// The lines that `--log-format httplog`, `tcplog` and `combined` write, read back as records.
// docs/formats/logs.md says which field is what; what a line does not say is absent.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "telemetry/access_fields.h"
#include "telemetry/local_clock.h"
#include "telemetry/reader.h"

namespace giliran::telemetry {

// One thread's; reusable.
class AccessRecordParser {
 public:
  // `out` borrows from `line` and from this until the next call. After kDropped, `dropped` is how
  // many.
  LineParser::What parse(std::string_view line, Line& out, uint64_t& dropped);

 private:
  bool haproxy(std::string_view line, Line& out);
  bool combined(std::string_view line, Line& out);
  void request(std::string_view text, std::string_view mark, Line& out);
  // `text` with its escapes undone: itself where it has none.
  std::string_view undone(std::string_view text, std::string_view mark, std::string& room);
  base::WallTime utc(base::WallTime local);

  LocalClock clock_;
  std::string listener_, pool_, server_, target_, referer_, user_agent_;
  bool combined_last_ = false;  // tried first
};

}  // namespace giliran::telemetry
