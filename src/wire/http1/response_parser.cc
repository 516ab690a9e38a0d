#include "base/assert.h"
#include "wire/http1/field_section.h"
#include "wire/http1/framing.h"
#include "wire/http1/parser.h"
#include "wire/http1/start_line.h"

namespace giliran::wire::http1 {

namespace {

HeadResult refuse(Problem problem) {
  return {.parse = Parse::kError, .problem = problem};
}

bool never_has_body(uint16_t status) {
  return status < 200 || status == 204;
}

bool has_body(uint16_t status, std::string_view request_method) {
  if (never_has_body(status) || status == 304 || request_method == "HEAD") return false;
  return request_method != "CONNECT" || status >= 300;
}

Problem read_meaning(std::string_view request_method, ResponseHead& head) {
  const bool body = has_body(head.status, request_method);
  Facts facts;
  const Problem problem = read_facts(head.fields, head.version, facts);
  if (problem != Problem::kNone) {
    if (body) return problem;
    facts =
        {};  // whatever they say, the empty line is the end; the connection is not trusted again
  }
  const bool announces = facts.chunked || facts.content_length > 0;
  if (never_has_body(head.status) && announces) facts = {};
  head.has_content_length = facts.has_content_length;
  head.content_length = facts.content_length;
  head.framing = !body                      ? Framing::kNone
                 : facts.chunked            ? Framing::kChunked
                 : facts.has_content_length ? Framing::kLength
                                            : Framing::kUntilClose;
  head.keep_alive = facts.keep_alive && head.framing != Framing::kUntilClose;
  return Problem::kNone;
}

}  // namespace

HeadResult ResponseParser::parse(std::string_view bytes, std::string_view request_method,
                                 ResponseHead& head) {
  StatusLine line;
  const HeadEnd end =
      find_head_end(bytes, limits_.head_bytes_max, 0, scanned_, start_checked_,
                    [&](std::string_view seen) { return read_status_line(seen, line); });
  if (end.parse != Parse::kDone) return {.parse = end.parse, .problem = end.problem};

  const std::string_view whole = bytes.substr(0, end.size);
  Problem problem = read_status_line(whole, line);
  if (problem != Problem::kNone) return refuse(problem);
  GILIRAN_ASSERT(line.size > 0);
  head.version = line.version;
  head.status = line.status;
  head.reason = line.reason;
  problem = parse_fields(whole.substr(line.size), limits_.fields_max, head.fields);
  if (problem == Problem::kNone) problem = read_meaning(request_method, head);
  if (problem != Problem::kNone) return refuse(problem);
  reset();
  return {.parse = Parse::kDone, .consumed = static_cast<uint32_t>(end.size)};
}

}  // namespace giliran::wire::http1
