#include <algorithm>

#include "base/text.h"
#include "wire/http1/characters.h"
#include "wire/http1/field_section.h"
#include "wire/http1/parser.h"

namespace giliran::wire::http1 {

namespace {

constexpr uint8_t kChunkDigitsMax = 15;
constexpr uint16_t kChunkExtensionBytesMax = 1024;
constexpr uint64_t kDataBytesMax = uint64_t{1} << 30;  // an event's, so that consumed can hold it

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// A receiver that merges trailers into the head would believe these, and no intermediary checked
// them: who asks, with which right, and how to read the content.
bool merging_changes_the_meaning(std::string_view name) {
  for (const std::string_view known :
       {"authorization", "set-cookie", "content-encoding", "content-range", "range",
        "cache-control", "max-forwards", "www-authenticate", "tracestate", "x-real-ip", "location",
        "age", "expires", "if-match", "if-none-match", "if-modified-since", "if-unmodified-since",
        "if-range"}) {
    if (base::equals_ignoring_case(name, known)) return true;
  }
  return false;
}

// What may not stand in a trailer section is left out, and the message stands (RFC 9110, 6.5.1).
// Fields that say how to route or frame the message come too late behind it: they change nothing of
// how we read it, and nobody behind us gets to see them.
bool may_be_trailer(const Field& field) {
  switch (field.id) {
    case Name::kConnection:
    case Name::kContentLength:
    case Name::kTransferEncoding:
    case Name::kHost:
    case Name::kUpgrade:
    case Name::kTe:
    case Name::kTrailer:
    case Name::kExpect:
    case Name::kKeepAlive:
    case Name::kProxyConnection:
    case Name::kHttp2Settings:
    case Name::kVia:
    case Name::kForwarded:
    case Name::kXForwardedFor:
    case Name::kXForwardedProto:
    case Name::kXForwardedHost:
    case Name::kTraceparent:
    case Name::kContentType:
    case Name::kCookie:
    case Name::kUserAgent:
    case Name::kReferer:
    case Name::kProxyAuthenticate:
    case Name::kProxyAuthorization:
    case Name::kLookalike:
      return false;
    case Name::kServerTiming:
    case Name::kServer:
    case Name::kDate:
      return true;
    case Name::kOther:
      return !merging_changes_the_meaning(field.name);
  }
  return false;
}

Problem parse_trailers(std::string_view section, Fields* trailers) {
  if (trailers != nullptr) trailers->count = 0;
  for (uint32_t count = 0; section != "\r\n"; ++count) {
    if (count == kFieldsMax) return Problem::kTooManyFields;
    Field field;
    const Problem problem = take_field(section, field);
    if (problem != Problem::kNone) return problem;
    if (trailers == nullptr || !may_be_trailer(field)) continue;
    trailers->items[trailers->count++] = field;
  }
  return Problem::kNone;
}

}  // namespace

void BodyParser::start(Framing framing, uint64_t content_length) {
  *this = BodyParser();
  framing_ = framing;
  switch (framing) {
    case Framing::kNone:
      return;
    case Framing::kLength:
      remaining_ = content_length;
      state_ = content_length == 0 ? State::kEnded : State::kLength;
      return;
    case Framing::kChunked:
      state_ = State::kChunkSize;
      return;
    case Framing::kUntilClose:
      state_ = State::kUntilClose;
      return;
  }
}

BodyEvent BodyParser::next(std::string_view bytes, Fields* trailers) {
  uint32_t at = 0;
  for (;;) {
    switch (state_) {
      case State::kEnded:
        return {.kind = BodyEvent::Kind::kEnd, .consumed = at};
      case State::kFailed:
        return {.kind = BodyEvent::Kind::kError, .problem = problem_, .consumed = at};
      case State::kLength:
      case State::kUntilClose:
      case State::kChunkData:
        return take_data(bytes, at);
      case State::kTrailers:
        return take_trailers(bytes, at, trailers);
      case State::kChunkSize:
      case State::kChunkExtension:
      case State::kChunkSizeLf:
      case State::kChunkDataCr:
      case State::kChunkDataLf:
        if (at == bytes.size()) return {.consumed = at};
        take_framing_byte(bytes[at]);
        if (state_ != State::kFailed) ++at;
        break;
    }
  }
}

bool BodyParser::end_of_input() const {
  return state_ == State::kEnded || state_ == State::kUntilClose;
}

BodyEvent BodyParser::take_data(std::string_view bytes, uint32_t at) {
  std::string_view data = bytes.substr(at, kDataBytesMax);
  if (data.empty()) return {.consumed = at};
  if (state_ != State::kUntilClose) {
    data = data.substr(0, remaining_);
    remaining_ -= data.size();
    if (remaining_ == 0) {
      state_ = state_ == State::kLength ? State::kEnded : State::kChunkDataCr;
    }
  }
  return {.kind = BodyEvent::Kind::kData,
          .consumed = at + static_cast<uint32_t>(data.size()),
          .data = data};
}

BodyEvent BodyParser::take_trailers(std::string_view bytes, uint32_t at, Fields* trailers) {
  const std::string_view window = bytes.substr(at, kTrailerBytesMax);
  const SectionEnd end = find_section_end(window, scanned_);
  Problem problem = Problem::kNone;
  switch (end.kind) {
    case SectionEnd::Kind::kBareLf:
      problem = Problem::kBareLf;
      break;
    case SectionEnd::Kind::kFound:
      problem = parse_trailers(window.substr(0, end.at), trailers);
      break;
    case SectionEnd::Kind::kNotYet:
      scanned_ = static_cast<uint32_t>(window.size());
      if (window.size() < kTrailerBytesMax) return {.consumed = at};
      problem = Problem::kTrailerTooLarge;
      break;
  }
  if (problem != Problem::kNone) {
    fail(problem);
    return {.kind = BodyEvent::Kind::kError, .problem = problem, .consumed = at};
  }
  state_ = State::kEnded;
  return {.kind = BodyEvent::Kind::kEnd, .consumed = at + static_cast<uint32_t>(end.at)};
}

void BodyParser::take_framing_byte(char c) {
  switch (state_) {
    case State::kChunkSize:
      return take_size_byte(c);
    case State::kChunkExtension:
      if (c == '\r') {
        state_ = State::kChunkSizeLf;
      } else if (!is_text(c) || ++extension_bytes_ > kChunkExtensionBytesMax) {
        fail(c == '\n' ? Problem::kBareLf : c == '\0' ? Problem::kNul : Problem::kBadChunk);
      }
      return;
    case State::kChunkSizeLf:
      if (c != '\n') return fail(Problem::kBareCr);
      return end_size_line();
    case State::kChunkDataCr:
      if (c != '\r') return fail(c == '\n' ? Problem::kBareLf : Problem::kBadChunk);
      state_ = State::kChunkDataLf;
      return;
    case State::kChunkDataLf:
      if (c != '\n') return fail(Problem::kBareCr);
      state_ = State::kChunkSize;
      digits_ = 0;
      extension_bytes_ = 0;
      return;
    case State::kEnded:
    case State::kLength:
    case State::kUntilClose:
    case State::kChunkData:
    case State::kTrailers:
    case State::kFailed:
      return;
  }
}

void BodyParser::take_size_byte(char c) {
  const int digit = hex_value(c);
  if (digit >= 0) {
    if (++digits_ > kChunkDigitsMax) return fail(Problem::kBadChunk);
    remaining_ = remaining_ << 4 | static_cast<uint64_t>(digit);
    return;
  }
  if (c == '\n') return fail(Problem::kBareLf);
  if (digits_ == 0) return fail(Problem::kBadChunk);
  // White space before the ';' is in the grammar, but read in different ways: refused.
  if (c == ';') {
    state_ = State::kChunkExtension;
  } else if (c == '\r') {
    state_ = State::kChunkSizeLf;
  } else {
    fail(Problem::kBadChunk);
  }
}

// Extensions are read and thrown away: a body must not consist of them.
void BodyParser::end_size_line() {
  const uint64_t allowed = 16 + 2 * remaining_;
  const uint64_t excess = uint64_t{excess_bytes_} + extension_bytes_;
  excess_bytes_ = static_cast<uint32_t>(excess - std::min(excess, allowed));
  if (excess_bytes_ > kChunkExcessBytesMax) return fail(Problem::kBadChunk);
  state_ = remaining_ == 0 ? State::kTrailers : State::kChunkData;
}

void BodyParser::fail(Problem problem) {
  state_ = State::kFailed;
  problem_ = problem;
}

}  // namespace giliran::wire::http1
