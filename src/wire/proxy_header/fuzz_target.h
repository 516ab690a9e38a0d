// For the fuzzer and the tests: what must hold for every input of parse().
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "wire/proxy_header/proxy_header.h"

namespace giliran::wire::proxy_header {

inline void fuzz_check(bool holds, const char* what, std::string_view input) {
  if (holds) return;
  std::fprintf(stderr, "%s, for %zu bytes:\n", what, input.size());
  std::fwrite(input.data(), 1, input.size(), stderr);
  std::abort();
}

// In memory of its own, so that a sanitizer sees a read behind the end.
inline Result parse_copy(std::string_view bytes, Header& out) {
  const std::vector<char> copy(bytes.begin(), bytes.end());
  return parse({copy.data(), copy.size()}, out);
}

inline bool same(const Result& a, const Result& b) {
  return a.parse == b.parse && a.consumed == b.consumed && a.problem == b.problem;
}

inline void fuzz_proxy_header(std::string_view input) {
  Header whole;
  const Result result = parse_copy(input, whole);
  // The first front that is decided decides like the whole.
  for (size_t size = 0; size < input.size() && size <= kBytesMax; ++size) {
    Header front;
    const Result early = parse_copy(input.substr(0, size), front);
    if (early.parse == Parse::kNeedMore) continue;
    fuzz_check(same(early, result), "a front is read in another way", input);
    fuzz_check(front.source == whole.source, "a front has another source", input);
    break;
  }
  if (result.parse == Parse::kError) {
    fuzz_check(!result.problem.empty(), "a refusal without a reason", input);
    fuzz_check(whole.source.none() && whole.destination.none(), "addresses of a refusal", input);
  }
  if (result.parse != Parse::kDone) return;
  fuzz_check(result.consumed > 0 && result.consumed <= input.size(), "consumed", input);
  fuzz_check(result.consumed <= (whole.version == Version::kV1 ? kV1BytesMax : kBytesMax), "bound",
             input);

  // Written again it says the same. Version 1 has no Unix addresses.
  std::string again;
  append(whole.version, whole.source, whole.destination, again);
  Header second;
  const Result repeated = parse_copy(again, second);
  const bool whole_again = repeated.parse == Parse::kDone && repeated.consumed == again.size();
  fuzz_check(whole_again, "what was written again is no header", input);
  fuzz_check(second.source == whole.source && second.destination == whole.destination &&
                 second.version == whole.version,
             "what was written again says something else", input);
}

}  // namespace giliran::wire::proxy_header
