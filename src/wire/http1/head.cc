#include "wire/http1/head.h"

#include <cstring>

#include "base/text.h"

namespace giliran::wire::http1 {

namespace {

// Length and first letter tell all known names apart.
constexpr unsigned key_of(std::string_view text) {
  return static_cast<unsigned>(text.size()) << 8 |
         static_cast<unsigned char>(base::to_lower(text.front()));
}

struct Known {
  std::string_view text;
  Name name = Name::kOther;
};

Known candidate_for(unsigned key) {
#define GILIRAN_KNOWN(text, name) \
  case key_of(text):              \
    return {                      \
      text, Name::name            \
    }
  switch (key) {
    GILIRAN_KNOWN("connection", kConnection);
    GILIRAN_KNOWN("content-length", kContentLength);
    GILIRAN_KNOWN("transfer-encoding", kTransferEncoding);
    GILIRAN_KNOWN("host", kHost);
    GILIRAN_KNOWN("upgrade", kUpgrade);
    GILIRAN_KNOWN("te", kTe);
    GILIRAN_KNOWN("trailer", kTrailer);
    GILIRAN_KNOWN("expect", kExpect);
    GILIRAN_KNOWN("keep-alive", kKeepAlive);
    GILIRAN_KNOWN("proxy-connection", kProxyConnection);
    GILIRAN_KNOWN("via", kVia);
    GILIRAN_KNOWN("forwarded", kForwarded);
    GILIRAN_KNOWN("x-forwarded-for", kXForwardedFor);
    GILIRAN_KNOWN("x-forwarded-proto", kXForwardedProto);
    GILIRAN_KNOWN("x-forwarded-host", kXForwardedHost);
    GILIRAN_KNOWN("traceparent", kTraceparent);
    GILIRAN_KNOWN("server-timing", kServerTiming);
    GILIRAN_KNOWN("server", kServer);
    GILIRAN_KNOWN("date", kDate);
    GILIRAN_KNOWN("content-type", kContentType);
    GILIRAN_KNOWN("proxy-authenticate", kProxyAuthenticate);
    GILIRAN_KNOWN("proxy-authorization", kProxyAuthorization);
    GILIRAN_KNOWN("http2-settings", kHttp2Settings);
    GILIRAN_KNOWN("cookie", kCookie);
    GILIRAN_KNOWN("user-agent", kUserAgent);
    GILIRAN_KNOWN("referer", kReferer);
    default:
      return {};
  }
#undef GILIRAN_KNOWN
}

// Whether they are the same but for the case of letters: a bit that differs is that of the case, in
// a byte where `known` has a letter (whose bit 0x40 tells it from a digit and '-').
bool same_but_case(uint64_t text, uint64_t known) {
  constexpr uint64_t kEach = 0x0101'0101'0101'0101;
  const uint64_t differ = text ^ known;
  return (differ & ~(0x20 * kEach)) == 0 && (differ << 1 & ~known & 0x40 * kEach) == 0;
}

template <typename Word>
uint64_t word_at(const char* at) {
  Word word;
  std::memcpy(&word, at, sizeof word);
  return word;
}

// Of the same size, at least 2; the last word may overlap the one before.
template <typename Word>
bool same_words(std::string_view text, std::string_view known) {
  const size_t last = text.size() - sizeof(Word);
  for (size_t i = 0; i < last; i += sizeof(Word)) {
    if (!same_but_case(word_at<Word>(&text[i]), word_at<Word>(&known[i]))) return false;
  }
  return same_but_case(word_at<Word>(&text[last]), word_at<Word>(&known[last]));
}

// `known` is in lower case.
bool same_name(std::string_view text, std::string_view known) {
  if (text.size() >= 8) return same_words<uint64_t>(text, known);
  if (text.size() >= 4) return same_words<uint32_t>(text, known);
  return same_words<uint16_t>(text, known);
}

bool looks_like(std::string_view text, std::string_view known) {
  for (size_t i = 0; i < known.size(); ++i) {
    const char c = text[i] == '_' ? '-' : base::to_lower(text[i]);
    if (c != known[i]) return false;
  }
  return true;
}

}  // namespace

Name name_of(std::string_view text) {
  if (text.size() < 2 || text.size() > 19) return Name::kOther;
  const Known known = candidate_for(key_of(text));
  if (known.name == Name::kOther) return Name::kOther;
  if (same_name(text, known.text)) return known.name;
  return looks_like(text, known.text) ? Name::kLookalike : Name::kOther;
}

}  // namespace giliran::wire::http1
