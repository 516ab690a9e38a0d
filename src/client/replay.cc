#include "client/replay.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <fstream>
#include <optional>
#include <unordered_map>

#include "base/parse.h"
#include "client/head_limit.h"
#include "client/options.h"
#include "report/format.h"
#include "report/table.h"
#include "telemetry/access_line.h"
#include "telemetry/reader.h"

namespace giliran::client {
namespace {

constexpr int64_t kNsPerSecond = 1'000'000'000;
constexpr size_t kShownOfLine = 60;
constexpr size_t kLineBytesMax = size_t{1} << 20;  // a longer line is not understood
constexpr size_t kPartBytes = size_t{64} << 10;
constexpr uint32_t kMethodMost = UINT16_MAX;  // HTTP has nine
constexpr double kDueMaxNs = 9e18;

// One line, whatever its format.
struct Seen {
  int64_t when_ns = 0;
  std::string_view method;
  std::string_view target;
  uint64_t body_bytes = 0;
  bool exchange = true;  // and a plain one: no tunnel
};

// The origin form of a target of any form; empty where it cannot be sent again.
std::string_view origin_form(std::string_view target) {
  const size_t scheme = target.find("://");
  if (!target.starts_with('/') && scheme != std::string_view::npos) {
    const size_t path = target.find('/', scheme + 3);
    target = path == std::string_view::npos ? "/" : target.substr(path);
  }
  const bool sendable = std::ranges::all_of(target, [](char c) { return c > ' ' && c < '\x7f'; });
  return target.starts_with('/') && sendable ? target : std::string_view();
}

bool sendable_method(std::string_view method) {
  return !method.empty() && method != "CONNECT" &&
         std::ranges::all_of(method, [](char c) { return c >= 'A' && c <= 'Z'; });
}

class Builder {
 public:
  explicit Builder(const ReplayOptions& options) : head_bytes_left_(options.head_bytes_left) {
    replay_.file = options.path;
    replay_.speed = options.speed;
  }

  // line: without its end. number: from 1.
  void line(std::string_view line, size_t readable, uint64_t number) {
    if (line.empty()) return;
    if (known_) {
      if (read(replay_.kind, line, readable)) return;
    } else {
      for (const LogKind kind : {LogKind::kOurs, LogKind::kHttplog, LogKind::kCombined}) {
        if (!read(kind, line, readable)) continue;
        replay_.kind = kind;
        known_ = true;
        return;
      }
    }
    not_understood(line, number);
  }
  void not_understood(std::string_view line, uint64_t number) {
    if (replay_.unreadable++ != 0) return;
    replay_.first_unreadable =
        fmt::format("line {}: {}", number, report::printable(line, kShownOfLine));
  }

  base::Result<Replay> finish(const ReplayOptions& options);

 private:
  bool read(LogKind kind, std::string_view line, size_t readable) {
    switch (kind) {
      case LogKind::kOurs:
        return read_ours(line, readable);
      case LogKind::kHttplog:
        if (!telemetry::parse_httplog(line, access_)) return false;
        break;
      case LogKind::kCombined:
        if (!telemetry::parse_combined(line, access_)) return false;
        break;
    }
    add({.when_ns = access_.when.ns, .method = access_.method, .target = access_.target});
    return true;
  }

  bool read_ours(std::string_view line, size_t readable) {
    using telemetry::LineParser;
    if (!line.starts_with('{')) return false;  // the parser takes access logs for records too
    const LineParser::What what = parser_.parse(line, readable, record_);
    if (what == LineParser::What::kDropped || what == LineParser::What::kMark) return true;
    if (what == LineParser::What::kUnknown) return false;
    add({.when_ns = record_.arrived().ns,
         .method = record_.method,
         .target = record_.target,
         .body_bytes = record_.body_in,
         .exchange = record_.kind == telemetry::Kind::kExchange && record_.upgrade.empty()});
    return true;
  }

  void add(const Seen& seen) {
    const std::string_view target = origin_form(seen.target);
    if (!seen.exchange || target.empty() || !sendable_method(seen.method) ||
        seen.body_bytes > kBodyBytesMax) {
      ++replay_.skipped;
      return;
    }
    if (seen.method.size() + target.size() > head_bytes_left_) {
      ++replay_.skipped;
      ++replay_.too_long;
      return;
    }
    const uint32_t method = number_of(seen.method, methods_, replay_.methods);
    if (method > kMethodMost) {
      ++replay_.skipped;
      return;
    }
    const auto bytes = static_cast<uint32_t>(seen.body_bytes);
    replay_.body_bytes_max = std::max(replay_.body_bytes_max, bytes);
    replay_.requests.push_back({.due = base::Duration(seen.when_ns),
                                .target = number_of(target, targets_, replay_.targets),
                                .body_bytes = bytes,
                                .order = static_cast<uint32_t>(replay_.requests.size()),
                                .method = static_cast<uint16_t>(method)});
  }

  using Numbers = std::unordered_map<std::string, uint32_t>;
  static uint32_t number_of(std::string_view text, Numbers& numbers,
                            std::vector<std::string>& texts) {
    const auto [at, added] =
        numbers.try_emplace(std::string(text), static_cast<uint32_t>(texts.size()));
    if (added) texts.emplace_back(text);
    return at->second;
  }

  void spread_seconds();

  const size_t head_bytes_left_;
  Replay replay_;
  bool known_ = false;
  telemetry::LineParser parser_;
  telemetry::Line record_;
  telemetry::AccessLine access_;
  Numbers methods_;
  Numbers targets_;
};

// Those of one second, in order, evenly over it.
void Builder::spread_seconds() {
  std::vector<Replay::Request>& all = replay_.requests;
  for (size_t begin = 0; begin < all.size();) {
    size_t end = begin;
    while (end < all.size() && all[end].due == all[begin].due) ++end;
    const auto count = static_cast<int64_t>(end - begin);
    for (size_t i = begin; i < end; ++i) {
      all[i].due += base::Duration(kNsPerSecond / count * static_cast<int64_t>(i - begin));
    }
    begin = end;
  }
}

base::Result<Replay> Builder::finish(const ReplayOptions& options) {
  std::vector<Replay::Request>& all = replay_.requests;
  if (all.empty()) {
    std::string why =
        fmt::format("--replay {}: no request in it that can be sent again", options.path);
    if (replay_.unreadable != 0) {
      why += fmt::format(
          "; {} lines not understood (expected records of ours, httplog or "
          "combined), {}",
          replay_.unreadable, replay_.first_unreadable);
    }
    if (replay_.too_long != 0) {
      why += fmt::format("; {} with a head above head_bytes_max ({})", replay_.too_long,
                         base::format_bytes(kHeadBytesMax));
    }
    return base::fail(std::move(why));
  }
  std::ranges::sort(all, {}, [](const Replay::Request& r) { return std::pair(r.due, r.order); });
  if (replay_.kind == LogKind::kCombined) spread_seconds();
  const base::Duration first = all.front().due;
  for (Replay::Request& request : all) {
    const auto ns = static_cast<double>((request.due - first).count());
    request.due = base::Duration(std::llround(std::min(ns / options.speed, kDueMaxNs)));
  }
  if (options.requests_max != 0 && all.size() > options.requests_max) {
    all.resize(options.requests_max);
  }
  if (options.until.count() != 0) {
    all.erase(std::ranges::lower_bound(all, options.until, {}, &Replay::Request::due), all.end());
  }
  return std::move(replay_);
}

// The next line without its end; of one longer than kLineBytesMax the begin, and the rest is passed
// over. False at the end of the file.
bool next_line(std::istream& file, std::string& line) {
  std::array<char, kPartBytes> part;
  line.clear();
  for (;;) {
    file.getline(part.data(), static_cast<std::streamsize>(part.size()));
    const auto read = static_cast<size_t>(file.gcount());
    if (read == 0) return !line.empty();
    const bool goes_on = file.fail();  // it has filled the part
    const size_t end = goes_on || file.eof() ? 0 : 1;
    if (line.size() <= kLineBytesMax) line.append(part.data(), read - end);
    if (!goes_on) return true;
    file.clear();
  }
}

}  // namespace

std::string_view name(LogKind kind) {
  switch (kind) {
    case LogKind::kOurs:
      return "giliran";
    case LogKind::kHttplog:
      return "httplog";
    case LogKind::kCombined:
      return "combined";
  }
  return "";
}

base::Result<Replay> read_replay(const ReplayOptions& options) {
  std::ifstream file(options.path, std::ios::binary);
  if (!file) {
    return base::fail(
        fmt::format("--replay {}: cannot be read: {}", options.path, std::strerror(errno)));
  }
  Builder builder(options);
  const size_t padding = telemetry::LineParser::padding();
  std::string line;
  for (uint64_t number = 1; next_line(file, line); ++number) {
    if (line.size() > kLineBytesMax) {
      builder.not_understood(line, number);
      continue;
    }
    if (line.ends_with('\r')) line.pop_back();
    line.reserve(line.size() + padding);
    builder.line(line, line.capacity(), number);
  }
  if (file.bad()) return base::fail(fmt::format("--replay {}: cannot be read", options.path));
  return builder.finish(options);
}

base::Result<Replay> parse_replay(const ReplayOptions& options, std::string_view text) {
  Builder builder(options);
  std::string padded(text);
  padded.append(telemetry::LineParser::padding(), '\0');
  std::string_view rest(padded.data(), text.size());
  for (uint64_t number = 1; !rest.empty(); ++number) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    builder.line(line, static_cast<size_t>(padded.data() + padded.size() - line.data()), number);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return builder.finish(options);
}

std::string text(const Replay& replay) {
  const base::Duration length =
      replay.requests.empty() ? base::Duration{} : replay.requests.back().due;
  std::string text =
      fmt::format("replay of {} ({}): {} requests in {:.1f} s", replay.file, name(replay.kind),
                  report::format_count(replay.requests.size()), base::to_seconds(length));
  if (replay.speed != 1) text += fmt::format(" ({:g} times as fast)", replay.speed);
  if (replay.unreadable != 0) {
    text += fmt::format(", {} line{} NOT UNDERSTOOD ({})", report::format_count(replay.unreadable),
                        replay.unreadable == 1 ? "" : "s", replay.first_unreadable);
  }
  if (replay.skipped != 0) {
    text += fmt::format(", {} that cannot be sent again left out",
                        report::format_count(replay.skipped));
  }
  if (replay.too_long != 0) {
    text += fmt::format(" ({} with a head above head_bytes_max, {})",
                        report::format_count(replay.too_long), base::format_bytes(kHeadBytesMax));
  }
  return text;
}

}  // namespace giliran::client
