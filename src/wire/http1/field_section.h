// Field sections (of heads and of trailers), and the search for their end.
#pragma once

#include <cstddef>
#include <string_view>

#include "wire/http1/head.h"
#include "wire/http1/parser.h"

namespace giliran::wire::http1 {

struct SectionEnd {
  enum class Kind : uint8_t { kFound, kNotYet, kBareLf };
  Kind kind = Kind::kNotYet;
  size_t at = 0;  // behind the empty line, behind the bare LF, or the end of the bytes
};

// Looks for the empty line that ends a section, in bytes that begin with a line. `from`: how many
// bytes earlier calls have looked at in vain.
SectionEnd find_section_end(std::string_view bytes, size_t from);

// Takes the field line at the front of `section`, which is a section up to and with its empty line.
Problem take_field(std::string_view& section, Field& field);

// Reads all of such a section. More than fields_max fields: kTooManyFields.
Problem parse_fields(std::string_view section, uint32_t fields_max, Fields& fields);

// Finds the end of a head that may arrive in pieces. What it answers is decided by the bytes alone,
// not by how they were cut: the start line is checked at fixed positions, before anything behind
// it. check_start(prefix) gives the first problem of a start line that may be incomplete, and must
// give the same one for every longer prefix.
struct HeadEnd {
  Parse parse = Parse::kNeedMore;
  Problem problem = Problem::kNone;
  size_t size = 0;
};

// Garbage (another protocol, say) is refused within this many bytes.
constexpr size_t kFirstLookBytes = 64;

// second_look: another position at which the start line is checked, or 0.
template <typename CheckStart>
HeadEnd find_head_end(std::string_view bytes, uint32_t head_bytes_max, size_t second_look,
                      uint32_t& scanned, bool& start_checked, CheckStart check_start) {
  const std::string_view window = bytes.substr(0, head_bytes_max);
  const size_t from = scanned;
  const SectionEnd end = find_section_end(window, from);
  if (end.kind == SectionEnd::Kind::kFound) return {.parse = Parse::kDone, .size = end.at};

  const std::string_view seen = window.substr(0, end.at);
  Problem problem = Problem::kNone;
  if (from < kFirstLookBytes) problem = check_start(seen.substr(0, kFirstLookBytes));
  if (problem == Problem::kNone && from < second_look && seen.size() >= second_look) {
    problem = check_start(seen.substr(0, second_look));
  }
  if (problem == Problem::kNone && !start_checked) {
    const size_t line_end = seen.find('\n', from);
    start_checked = line_end != std::string_view::npos;
    if (start_checked) problem = check_start(seen.substr(0, line_end + 1));
  }
  if (problem == Problem::kNone && end.kind == SectionEnd::Kind::kBareLf) {
    problem = Problem::kBareLf;
  }
  if (problem == Problem::kNone && window.size() == head_bytes_max) {
    problem = Problem::kHeadTooLarge;
  }
  scanned = static_cast<uint32_t>(window.size());
  return {.parse = problem == Problem::kNone ? Parse::kNeedMore : Parse::kError,
          .problem = problem};
}

}  // namespace giliran::wire::http1
