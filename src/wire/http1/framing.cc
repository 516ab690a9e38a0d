#include "wire/http1/framing.h"

#include <charconv>

#include "base/text.h"
#include "wire/http1/characters.h"

namespace giliran::wire::http1 {

namespace {

// The transfer codings of all fields, in order.
struct Codings {
  uint32_t total = 0;
  uint32_t chunked = 0;
  bool malformed = false;
  bool chunked_last = false;

  void add(std::string_view list) {
    for (;;) {
      const size_t comma = list.find(',');
      const std::string_view coding = base::trim(list.substr(0, comma));
      chunked_last = base::equals_ignoring_case(coding, "chunked");
      if (chunked_last) ++chunked;
      malformed = malformed || !is_token(coding);
      ++total;
      if (comma == std::string_view::npos) return;
      list.remove_prefix(comma + 1);
    }
  }

  Problem judge(Version version) const {
    if (version == Version::k10 || malformed) return Problem::kBadTransferEncoding;
    // Without chunked at the end nobody knows where a request ends; a response would end with the
    // connection, which we do not relay as it is encoded.
    if (!chunked_last || chunked != 1) return Problem::kBadTransferEncoding;
    return total == 1 ? Problem::kNone : Problem::kUnsupportedTransferEncoding;
  }
};

// Many readers keep a length in 63 bits: what is beyond them is no length.
bool parse_length(std::string_view digits, uint64_t& value) {
  if (digits.empty() || !is_digit(digits.front())) return false;
  const char* const end = digits.data() + digits.size();
  const auto [at, error] = std::from_chars(digits.data(), end, value);
  return at == end && error == std::errc() && value <= uint64_t{INT64_MAX};
}

struct Options {
  bool close = false;
  bool keep_alive = false;
  bool upgrade = false;

  void add(std::string_view list) {
    std::string_view option;
    while (base::next_element(list, option)) {
      close = close || base::equals_ignoring_case(option, "close");
      keep_alive = keep_alive || base::equals_ignoring_case(option, "keep-alive");
      upgrade = upgrade || base::equals_ignoring_case(option, "upgrade");
    }
  }
};

}  // namespace

Problem read_facts(const Fields& fields, Version version, Facts& facts) {
  Codings codings;
  Options options;
  uint32_t lengths = 0;
  bool has_upgrade = false;
  std::string_view length;
  for (const Field& field : fields.all()) {
    // Most fields are none of them; this is the only test they pay for.
    if (field.id == Name::kOther) continue;
    if (field.id == Name::kConnection) {
      options.add(field.value);
    } else if (field.id == Name::kContentLength) {
      ++lengths;
      length = field.value;
    } else if (field.id == Name::kTransferEncoding) {
      codings.add(field.value);
    } else if (field.id == Name::kUpgrade) {
      has_upgrade = true;
    }
  }
  if (lengths > 0 && codings.total > 0) return Problem::kConflictingLength;
  if (lengths > 1 || (lengths == 1 && !parse_length(length, facts.content_length))) {
    return Problem::kBadContentLength;
  }
  if (codings.total > 0) {
    const Problem problem = codings.judge(version);
    if (problem != Problem::kNone) return problem;
  }
  facts.has_content_length = lengths == 1;
  facts.chunked = codings.total > 0;
  facts.keep_alive = !options.close && (version == Version::k11 || options.keep_alive);
  facts.upgrade = options.upgrade && has_upgrade;
  return Problem::kNone;
}

}  // namespace giliran::wire::http1
