#include "wire/http1/head.h"

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
  if (base::equals_ignoring_case(text, known.text)) return known.name;
  const bool lookalike = text.size() == known.text.size() && looks_like(text, known.text);
  return lookalike ? Name::kLookalike : Name::kOther;
}

}  // namespace giliran::wire::http1
