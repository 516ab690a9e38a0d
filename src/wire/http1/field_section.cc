#include "wire/http1/field_section.h"

#include "wire/http1/characters.h"

namespace giliran::wire::http1 {

namespace {

// Judges the LF at `at`: a bare one, the one of the empty line, or just the end of a line.
SectionEnd::Kind judge_lf(std::string_view bytes, size_t at) {
  if (at == 0 || bytes[at - 1] != '\r') return SectionEnd::Kind::kBareLf;
  if (at == 1 || bytes[at - 2] == '\n') return SectionEnd::Kind::kFound;
  return SectionEnd::Kind::kNotYet;
}

}  // namespace

SectionEnd find_section_end(std::string_view bytes, size_t from) {
  size_t i = from;
#if defined(__SSE2__)
  for (const __m128i lf = _mm_set1_epi8('\n'); i + 16 <= bytes.size(); i += 16) {
    const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes.data() + i));
    auto hits = static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(block, lf)));
    for (; hits != 0; hits &= hits - 1) {
      const size_t at = i + static_cast<size_t>(__builtin_ctz(hits));
      const SectionEnd::Kind kind = judge_lf(bytes, at);
      if (kind != SectionEnd::Kind::kNotYet) return {kind, at + 1};
    }
  }
#endif
  for (i = bytes.find('\n', i); i != std::string_view::npos; i = bytes.find('\n', i + 1)) {
    const SectionEnd::Kind kind = judge_lf(bytes, i);
    if (kind != SectionEnd::Kind::kNotYet) return {kind, i + 1};
  }
  return {SectionEnd::Kind::kNotYet, bytes.size()};
}

Problem take_field(std::string_view& section, Field& field) {
  const char* const begin = section.data();
  const char* const end = begin + section.size();
  // The section ends with CRLF, which no class has: every search stops before the end.
  const char* at = skip_token(begin, end);
  if (*at != ':' || at == begin) {
    if (at == begin && (*at == ' ' || *at == '\t')) return Problem::kObsoleteFolding;
    return problem_at(at, end, Problem::kBadFieldName);
  }
  field.name = {begin, static_cast<size_t>(at - begin)};
  ++at;
  while (*at == ' ' || *at == '\t') ++at;
  const char* value_end = skip_text(at, end);
  if (*value_end != '\r' || value_end[1] != '\n') {
    return problem_at(value_end, end, Problem::kBadFieldValue);
  }
  section.remove_prefix(static_cast<size_t>(value_end + 2 - begin));
  while (value_end != at && (value_end[-1] == ' ' || value_end[-1] == '\t')) --value_end;
  field.value = {at, static_cast<size_t>(value_end - at)};
  field.id = name_of(field.name);
  return Problem::kNone;
}

Problem parse_fields(std::string_view section, uint32_t fields_max, Fields& fields) {
  fields.count = 0;
  while (section != "\r\n") {
    if (fields.count >= fields_max || fields.count >= kFieldsMax) return Problem::kTooManyFields;
    const Problem problem = take_field(section, fields.items[fields.count]);
    if (problem != Problem::kNone) return problem;
    ++fields.count;
  }
  return Problem::kNone;
}

}  // namespace giliran::wire::http1
