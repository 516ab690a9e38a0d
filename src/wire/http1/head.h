// Message heads as views: start line and fields point into the bytes that were parsed.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace giliran::wire::http1 {

// Header fields the data plane looks at; everything else is kOther. Set by the parser.
enum class Name : uint8_t {
  kOther,
  kConnection,
  kContentLength,
  kTransferEncoding,
  kHost,
  kUpgrade,
  kTe,
  kTrailer,
  kExpect,
  kKeepAlive,
  kProxyConnection,
  kVia,
  kForwarded,
  kXForwardedFor,
  kXForwardedProto,
  kXForwardedHost,
  kTraceparent,
  kServerTiming,
  kServer,
  kDate,
  kContentType,
  kProxyAuthenticate,
  kProxyAuthorization,
  kHttp2Settings,
  kCookie,
  kUserAgent,
  kReferer,
  // One of the above with '_' for '-': servers that turn both into '_' (CGI and its heirs) would
  // read "X_Forwarded_For" as the field that we vouch for. Never passed on.
  kLookalike
};
Name name_of(std::string_view text);  // ignoring case

struct Field {
  std::string_view name;
  std::string_view value;  // without white space at both ends
  Name id = Name::kOther;
};

// HTTP/1.0 is the only minor version told apart; 1.2 and later read as 1.1 (RFC 9110, 2.5).
enum class Version : uint8_t { k10, k11 };

constexpr size_t kFieldsMax = 128;

struct HeadLimits {
  uint32_t head_bytes_max = 16384;  // start line and fields, with line ends
  uint32_t target_bytes_max = 8192;
  uint32_t fields_max = 100;  // at most kFieldsMax
};

// How the body of a message is delimited (RFC 9112, 6.3).
enum class Framing : uint8_t { kNone, kLength, kChunked, kUntilClose };

// Form of a request target (RFC 9112, 3.2).
enum class TargetForm : uint8_t { kOrigin, kAbsolute, kAuthority, kAsterisk };

struct Fields {
  std::array<Field, kFieldsMax> items;
  uint32_t count = 0;
  std::span<const Field> all() const { return {items.data(), count}; }
  // The first value with that id, or an empty view with a null data().
  std::string_view find(Name id) const {
    for (const Field& f : all()) {
      if (f.id == id) return f.value;
    }
    return {};
  }
};

struct RequestHead {
  std::string_view method;
  std::string_view target;  // as sent
  // Origin-form part of the target, with query: "/a?b", or "?b" where an absolute-form has an empty
  // path ("http://host?b"), which stands for "/?b"; "*" for asterisk-form, empty for
  // authority-form.
  std::string_view path;
  std::string_view host;  // authority: of an absolute-form target, else of Host; may be empty
  TargetForm form = TargetForm::kOrigin;
  Version version = Version::k11;
  Framing framing = Framing::kNone;
  uint64_t content_length = 0;  // where kLength
  bool keep_alive = true;       // the sender lets the connection be used again
  bool expect_continue = false;
  bool upgrade = false;  // asks for an upgrade (Connection: upgrade and Upgrade)
  Fields fields;
};

struct ResponseHead {
  Version version = Version::k11;
  uint16_t status = 0;
  std::string_view reason;
  Framing framing = Framing::kNone;
  uint64_t content_length =
      0;  // where kLength; also the announced length of a HEAD or 304 response
  bool has_content_length = false;
  bool keep_alive = true;
  Fields fields;
};

}  // namespace giliran::wire::http1
