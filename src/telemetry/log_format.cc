#include "telemetry/log_format.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <ctime>

#include "telemetry/combined_line.h"
#include "telemetry/haproxy_line.h"
#include "telemetry/json.h"
#include "telemetry/text_line.h"

namespace giliran::telemetry {

namespace {

constexpr std::string_view kJsonEnd = "}\n";

std::string this_host() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0 || name[0] == '\0') return "localhost";
  return name.data();
}

// Fields of a syslog line end at spaces.
std::string one_word(std::string text) {
  for (char& c : text) {
    if (c <= ' ' || c > '~') c = '_';
  }
  return text;
}

}  // namespace

LineEncoder::LineEncoder(LogFormat format, const LogProcess& process, std::string_view run)
    : format_(format),
      process_(process.id == 0 ? static_cast<uint32_t>(::getpid()) : process.id),
      prefix_(
          fmt::format("{} {}[{}]: ", one_word(process.host.empty() ? this_host() : process.host),
                      one_word(process.name), process_)),
      run_(run.empty() ? std::string() : fmt::format(",\"run\":\"{}\"}}\n", run)) {
  ::tzset();  // localtime_r() alone need not look at TZ
}

bool LineEncoder::append(const Record& record, std::string& out) {
  switch (format_) {
    case LogFormat::kJson:
      append_json(record, out);
      if (!run_.empty()) out.replace(out.size() - kJsonEnd.size(), kJsonEnd.size(), run_);
      return true;
    case LogFormat::kHttplog:
      if (record.kind == Kind::kExchange) {
        append_httplog(record, prefix_, clock_, out);
      } else {
        append_tcplog(record, prefix_, clock_, out);
      }
      return true;
    case LogFormat::kTcplog:
      append_tcplog(record, prefix_, clock_, out);
      return true;
    case LogFormat::kCombined:
      if (record.kind != Kind::kExchange) return false;
      append_combined(record, clock_, out);
      return true;
    case LogFormat::kText:
      append_text(record, clock_, out);
      return true;
  }
  return false;
}

bool LineEncoder::append_mark(Tier tier, Mark mark, base::WallTime now, std::string& out) {
  if (format_ != LogFormat::kJson) return false;
  append_mark_json(tier, mark, process_, now, out);
  return true;
}

void LineEncoder::append_dropped(Tier tier, uint64_t count, base::WallTime now, std::string& out) {
  switch (format_) {
    case LogFormat::kJson:
      return append_dropped_json(tier, count, now, out);
    case LogFormat::kHttplog:
    case LogFormat::kTcplog:
      return append_syslog_message(prefix_, fmt::format("dropped {} records of this log", count),
                                   now, clock_, out);
    case LogFormat::kCombined:
      out += fmt::format("# dropped {} records of this log\n", count);
      return;
    case LogFormat::kText:
      return append_text_message(fmt::format("dropped {} records of this log", count), now, clock_,
                                 out);
  }
}

}  // namespace giliran::telemetry
