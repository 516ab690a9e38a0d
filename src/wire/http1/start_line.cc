#include "wire/http1/start_line.h"

#include "base/text.h"
#include "wire/http1/authority.h"
#include "wire/http1/characters.h"

namespace giliran::wire::http1 {

namespace {

constexpr size_t kVersionBytes = 8;  // HTTP/1.1

struct Cursor {
  const char* at;
  const char* end;
  bool empty() const { return at == end; }
  Problem refuse(Problem otherwise) const { return problem_at(at, end, otherwise); }
};

constexpr bool version_byte_fits(size_t i, char c) {
  constexpr std::string_view kPattern = "HTTP/d.d";
  return kPattern[i] == 'd' ? is_digit(c) : kPattern[i] == c;
}

// Moves behind a version, or leaves the cursor at its end where the bytes stop.
Problem take_version(Cursor& cursor, Problem otherwise, Version& version) {
  const char* const begin = cursor.at;
  if (std::string_view(begin, cursor.end).starts_with("HTTP/1.1")) {  // nearly always
    cursor.at += kVersionBytes;
    version = Version::k11;
    return Problem::kNone;
  }
  for (size_t i = 0; i < kVersionBytes; ++i, ++cursor.at) {
    if (cursor.empty()) return Problem::kNone;
    if (!version_byte_fits(i, *cursor.at)) return cursor.refuse(otherwise);
  }
  if (begin[5] != '1') return Problem::kUnsupportedVersion;
  version = begin[7] == '0' ? Version::k10 : Version::k11;
  return Problem::kNone;
}

// Moves behind CRLF, or leaves the cursor at the end where the bytes stop.
Problem take_line_end(Cursor& cursor, Problem otherwise) {
  if (cursor.empty()) return Problem::kNone;
  if (*cursor.at != '\r') return cursor.refuse(otherwise);
  if (++cursor.at == cursor.end) return Problem::kNone;
  if (*cursor.at != '\n') return Problem::kBareCr;
  ++cursor.at;
  return Problem::kNone;
}

size_t measure_scheme(std::string_view target) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (base::equals_ignoring_case(target.substr(0, scheme.size()), scheme)) return scheme.size();
  }
  return 0;
}

Problem read_absolute_target(RequestLine& line) {
  const size_t scheme_bytes = measure_scheme(line.target);
  if (scheme_bytes == 0) return Problem::kBadTarget;
  const std::string_view rest = line.target.substr(scheme_bytes);
  const size_t host_bytes = rest.find_first_of("/?");
  line.form = TargetForm::kAbsolute;
  line.host = rest.substr(0, host_bytes);
  if (!is_authority(line.host, Port::kOptional)) return Problem::kBadHost;
  if (host_bytes == std::string_view::npos) {
    line.path = line.method == "OPTIONS" ? "*" : "/";
    return Problem::kNone;
  }
  line.path = rest.substr(host_bytes);  // "?query" where the path is empty
  return Problem::kNone;
}

Problem read_target(RequestLine& line) {
  if (line.method == "CONNECT") {
    line.form = TargetForm::kAuthority;
    line.host = line.target;
    return is_authority(line.target, Port::kRequired) ? Problem::kNone : Problem::kBadTarget;
  }
  if (line.target.front() == '/') {
    line.path = line.target;
    return Problem::kNone;
  }
  if (line.target == "*" && line.method == "OPTIONS") {
    line.form = TargetForm::kAsterisk;
    line.path = line.target;
    return Problem::kNone;
  }
  return read_absolute_target(line);
}

// A server that does not mind the case would leave out a body we wait for, or the other way round.
bool is_head_or_connect_misspelt(std::string_view method) {
  for (const std::string_view known : {"HEAD", "CONNECT"}) {
    if (base::equals_ignoring_case(method, known)) return method != known;
  }
  return false;
}

// Method and SP; at the end of the bytes without a problem: there is more to come.
Problem take_method(Cursor& cursor, RequestLine& line) {
  const char* const begin = cursor.at;
  while (!cursor.empty() && in(kTokenBytes, *cursor.at)) {
    if (++cursor.at - begin > static_cast<ptrdiff_t>(kMethodBytesMax)) return Problem::kBadMethod;
  }
  if (cursor.empty()) return Problem::kNone;
  if (*cursor.at != ' ' || cursor.at == begin) return cursor.refuse(Problem::kBadMethod);
  line.method = {begin, static_cast<size_t>(cursor.at - begin)};
  if (is_head_or_connect_misspelt(line.method)) return Problem::kBadMethod;
  ++cursor.at;
  return Problem::kNone;
}

// Target and SP, likewise.
Problem take_target(Cursor& cursor, uint32_t target_bytes_max, RequestLine& line) {
  const char* const begin = cursor.at;
  const auto left = static_cast<size_t>(cursor.end - begin);
  const char* const limit = left > target_bytes_max ? begin + target_bytes_max + 1 : cursor.end;
  cursor.at = skip_target(begin, limit);
  const auto target_bytes = static_cast<size_t>(cursor.at - begin);
  if (target_bytes > target_bytes_max) return Problem::kTargetTooLong;
  if (cursor.empty()) return Problem::kNone;
  if (*cursor.at == '\r') return cursor.refuse(Problem::kBadRequestLine);  // HTTP/0.9
  if (*cursor.at != ' ') return cursor.refuse(Problem::kBadTarget);
  if (target_bytes == 0) return Problem::kBadRequestLine;
  line.target = {begin, target_bytes};
  ++cursor.at;
  return Problem::kNone;
}

}  // namespace

Problem read_request_line(std::string_view bytes, uint32_t target_bytes_max, RequestLine& line) {
  line = {};
  Cursor cursor{bytes.data(), bytes.data() + bytes.size()};
  Problem problem = take_method(cursor, line);
  if (problem != Problem::kNone || cursor.empty()) return problem;
  problem = take_target(cursor, target_bytes_max, line);
  if (problem != Problem::kNone || cursor.empty()) return problem;
  if (line.target.empty()) return Problem::kNone;  // a CR at the end of the bytes
  problem = take_version(cursor, Problem::kBadVersion, line.version);
  if (problem == Problem::kUnsupportedVersion && line.method == "PRI" && line.target == "*") {
    return Problem::kHttp2Preface;
  }
  if (problem != Problem::kNone || cursor.empty()) return problem;
  problem = take_line_end(cursor, Problem::kBadRequestLine);
  if (problem != Problem::kNone || cursor.at[-1] != '\n') return problem;
  problem = read_target(line);
  if (problem == Problem::kNone) line.size = static_cast<size_t>(cursor.at - bytes.data());
  return problem;
}

Problem read_status_line(std::string_view bytes, StatusLine& line) {
  line = {};
  Cursor cursor{bytes.data(), bytes.data() + bytes.size()};
  Problem problem = take_version(cursor, Problem::kBadStatusLine, line.version);
  if (problem != Problem::kNone || cursor.empty()) return problem;
  if (*cursor.at != ' ') return cursor.refuse(Problem::kBadStatusLine);
  ++cursor.at;
  for (int i = 0; i < 3; ++i, ++cursor.at) {
    if (cursor.empty()) return Problem::kNone;
    const char first = i == 0 ? '1' : '0';
    if (*cursor.at < first || *cursor.at > '9') return cursor.refuse(Problem::kBadStatusLine);
    line.status = static_cast<uint16_t>(line.status * 10 + (*cursor.at - '0'));
  }
  if (cursor.empty()) return Problem::kNone;
  // The SP is required even before an empty reason, but servers leave out both.
  if (*cursor.at == ' ') {
    ++cursor.at;
    const char* const begin = cursor.at;
    cursor.at = skip_text(begin, cursor.end);
    line.reason = {begin, static_cast<size_t>(cursor.at - begin)};
  }
  problem = take_line_end(cursor, Problem::kBadStatusLine);
  if (problem != Problem::kNone || cursor.at[-1] != '\n') return problem;
  line.size = static_cast<size_t>(cursor.at - bytes.data());
  return Problem::kNone;
}

}  // namespace giliran::wire::http1
