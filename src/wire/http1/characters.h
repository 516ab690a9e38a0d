// Classes of bytes in HTTP/1 messages, and fast searches for the first byte outside of one.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "wire/http1/parser.h"

namespace giliran::wire::http1 {

using ByteClass = std::array<bool, 256>;

constexpr ByteClass class_of(std::string_view punctuation) {
  ByteClass set{};
  for (int c = '0'; c <= '9'; ++c) set[static_cast<size_t>(c)] = true;
  for (int c = 'a'; c <= 'z'; ++c) set[static_cast<size_t>(c)] = true;
  for (int c = 'A'; c <= 'Z'; ++c) set[static_cast<size_t>(c)] = true;
  for (const char c : punctuation) set[static_cast<unsigned char>(c)] = true;
  return set;
}

inline constexpr ByteClass kTokenBytes = class_of("!#$%&'*+-.^_`|~");

constexpr bool in(const ByteClass& set, char c) {
  return set[static_cast<unsigned char>(c)];
}

constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

constexpr bool is_token(std::string_view text) {
  for (const char c : text) {
    if (!in(kTokenBytes, c)) return false;
  }
  return !text.empty();
}

// Bytes of field values and reason phrases: HTAB, SP, visible ASCII and 0x80-0xff.
constexpr bool is_text(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte >= 0x20 && byte != 0x7f) || byte == '\t';
}

// Bytes of a request target: visible ASCII but '#', which begins a fragment.
constexpr bool is_target(char c) {
  return c > 0x20 && c < 0x7f && c != '#';
}

// The first byte of [at, end) that is not is_text, or end.
inline const char* skip_text(const char* at, const char* end) {
#if defined(__SSE2__)
  for (; end - at >= 16; at += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes);
    const __m128i tab = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\t'));
    const __m128i del = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(0x7f));
    const int bad = _mm_movemask_epi8(_mm_or_si128(_mm_andnot_si128(tab, control), del));
    if (bad != 0) return at + __builtin_ctz(static_cast<unsigned>(bad));
  }
#endif
  while (at != end && is_text(*at)) ++at;
  return at;
}

// The first byte of [at, end) that is no token byte, or end. Blocks of letters, digits and '-' are
// what field names are made of; the table decides about the rest.
inline const char* skip_token(const char* at, const char* end) {
#if defined(__SSE2__)
  for (; end - at >= 16; at += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const __m128i letter =
        _mm_sub_epi8(_mm_or_si128(bytes, _mm_set1_epi8(0x20)), _mm_set1_epi8('a'));
    const __m128i digit = _mm_sub_epi8(bytes, _mm_set1_epi8('0'));
    const __m128i good =
        _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(_mm_min_epu8(letter, _mm_set1_epi8(25)), letter),
                                  _mm_cmpeq_epi8(_mm_min_epu8(digit, _mm_set1_epi8(9)), digit)),
                     _mm_cmpeq_epi8(bytes, _mm_set1_epi8('-')));
    const unsigned other = ~static_cast<unsigned>(_mm_movemask_epi8(good)) & 0xffff;
    if (other != 0) {
      at += __builtin_ctz(other);
      break;
    }
  }
#endif
  while (at != end && in(kTokenBytes, *at)) ++at;
  return at;
}

// The first byte of [at, end) that is not is_target, or end.
inline const char* skip_target(const char* at, const char* end) {
#if defined(__SSE2__)
  for (; end - at >= 16; at += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x20)), bytes);
    const __m128i high = _mm_cmpeq_epi8(_mm_max_epu8(bytes, _mm_set1_epi8(0x7f)), bytes);
    const __m128i hash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('#'));
    const int bad = _mm_movemask_epi8(_mm_or_si128(_mm_or_si128(low, high), hash));
    if (bad != 0) return at + __builtin_ctz(static_cast<unsigned>(bad));
  }
#endif
  while (at != end && is_target(*at)) ++at;
  return at;
}

// What is wrong with the byte at `at`, which its place does not allow. kNone: a CR at the end of
// the bytes, of which only the next byte can tell whether it is a bare one.
inline Problem problem_at(const char* at, const char* end, Problem otherwise) {
  if (*at == '\0') return Problem::kNul;
  if (*at == '\n') return Problem::kBareLf;
  if (*at != '\r') return otherwise;
  if (at + 1 == end) return Problem::kNone;
  return at[1] == '\n' ? otherwise : Problem::kBareCr;
}

}  // namespace giliran::wire::http1
