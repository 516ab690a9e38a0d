#include "base/assert.h"
#include "base/text.h"
#include "wire/http1/authority.h"
#include "wire/http1/field_section.h"
#include "wire/http1/framing.h"
#include "wire/http1/parser.h"
#include "wire/http1/start_line.h"

namespace giliran::wire::http1 {

namespace {

constexpr uint32_t kEmptyLinesMax = 2;

HeadResult refuse(Problem problem) {
  return {.parse = Parse::kError, .problem = problem};
}

// Steps over the empty lines that some clients send behind a body (RFC 9112, 2.2).
HeadResult skip_empty_lines(std::string_view bytes) {
  uint32_t skipped = 0;
  while (skipped < bytes.size() && bytes[skipped] == '\r') {
    if (skipped + 1 == bytes.size()) return {};
    if (bytes[skipped + 1] != '\n') return refuse(Problem::kBareCr);
    if (skipped == 2 * kEmptyLinesMax) return refuse(Problem::kBadRequestLine);
    skipped += 2;
  }
  return {.parse = Parse::kDone, .consumed = skipped};
}

Problem read_host(RequestHead& head) {
  uint32_t hosts = 0;
  std::string_view host;
  for (const Field& field : head.fields.all()) {
    if (field.id != Name::kHost) continue;
    ++hosts;
    host = field.value;
  }
  if (hosts > 1) return Problem::kDuplicateHost;
  if (hosts == 0) return head.version == Version::k11 ? Problem::kMissingHost : Problem::kNone;
  // An empty Host is what a client sends that knows no authority (RFC 9112, 3.2).
  if (!host.empty() && !is_authority(host, Port::kOptional)) return Problem::kBadHost;
  if (head.form == TargetForm::kOrigin || head.form == TargetForm::kAsterisk) head.host = host;
  return Problem::kNone;
}

// Anything but one 100-continue is an expectation we cannot meet (RFC 9110, 10.1.1).
Problem read_expectation(RequestHead& head) {
  head.expect_continue = false;
  if (head.fields.find(Name::kExpect).data() == nullptr) return Problem::kNone;
  uint32_t expectations = 0;
  for (const Field& field : head.fields.all()) {
    if (field.id != Name::kExpect || field.value.empty()) continue;
    if (!base::equals_ignoring_case(field.value, "100-continue")) {
      return Problem::kUnsupportedExpectation;
    }
    ++expectations;
  }
  if (expectations > 1) return Problem::kUnsupportedExpectation;
  // To be ignored where HTTP/1.0 says it.
  head.expect_continue = expectations == 1 && head.version == Version::k11;
  return Problem::kNone;
}

void take_start(const RequestLine& line, RequestHead& head) {
  head.method = line.method;
  head.target = line.target;
  head.path = line.path;
  head.host = line.host;
  head.form = line.form;
  head.version = line.version;
}

Problem read_meaning(RequestHead& head) {
  const Problem problem = read_host(head);
  if (problem != Problem::kNone) return problem;
  Facts facts;
  const Problem framing_problem = read_facts(head.fields, head.version, facts);
  if (framing_problem != Problem::kNone) return framing_problem;
  head.framing = facts.chunked              ? Framing::kChunked
                 : facts.has_content_length ? Framing::kLength
                                            : Framing::kNone;
  head.content_length = facts.content_length;
  head.keep_alive = facts.keep_alive;
  head.upgrade = facts.upgrade && head.version == Version::k11;  // RFC 9110, 7.8
  return read_expectation(head);
}

}  // namespace

HeadResult RequestParser::parse(std::string_view bytes, RequestHead& head) {
  const HeadResult skip = skip_empty_lines(bytes);
  if (skip.parse != Parse::kDone) return skip;
  const std::string_view rest = bytes.substr(skip.consumed);

  RequestLine line;
  const size_t target_overflow = kMethodBytesMax + 2 + size_t{limits_.target_bytes_max};
  const HeadEnd end =
      find_head_end(rest, limits_.head_bytes_max, target_overflow, scanned_, start_checked_,
                    [&](std::string_view seen) {
                      return read_request_line(seen, limits_.target_bytes_max, line);
                    });
  if (end.parse != Parse::kDone) return {.parse = end.parse, .problem = end.problem};

  const std::string_view whole = rest.substr(0, end.size);
  Problem problem = read_request_line(whole, limits_.target_bytes_max, line);
  if (problem != Problem::kNone) return refuse(problem);
  GILIRAN_ASSERT(line.size > 0);
  take_start(line, head);
  problem = parse_fields(whole.substr(line.size), limits_.fields_max, head.fields);
  if (problem == Problem::kNone) problem = read_meaning(head);
  if (problem != Problem::kNone) return refuse(problem);
  reset();
  return {.parse = Parse::kDone, .consumed = skip.consumed + static_cast<uint32_t>(end.size)};
}

}  // namespace giliran::wire::http1
