// Bytes in, heads and bodies out. No I/O, no allocation, no state kept outside these objects.
//
// Strict: what two readers could read in two ways is refused, never guessed. Line ends are CRLF; no
// folding; one Content-Length of digits, or one Transfer-Encoding that is "chunked", not both; no
// method that is HEAD or CONNECT but for its case, because those two decide where an answer ends.
//
// The contract all parsers share: they are shown the bytes not consumed yet, contiguous, and say
// how many they consumed. kNeedMore: show the same unconsumed bytes again with more behind them.
#pragma once

#include <cstdint>
#include <string_view>

#include "wire/http1/head.h"

namespace giliran::wire::http1 {

enum class Parse : uint8_t { kDone, kNeedMore, kError };

// Why a message was refused. The name (problem_name) is what the record and the answer show.
enum class Problem : uint8_t {
  kNone,
  kBadRequestLine,
  kBadMethod,
  kBadTarget,
  kBadVersion,
  kUnsupportedVersion,
  kBadStatusLine,
  kBadFieldName,
  kBadFieldValue,
  kObsoleteFolding,
  kBareCr,
  kBareLf,
  kNul,
  kHeadTooLarge,
  kTargetTooLong,
  kTooManyFields,
  kMissingHost,
  kDuplicateHost,
  kBadHost,
  kBadContentLength,
  kConflictingLength,
  kBadTransferEncoding,
  kUnsupportedTransferEncoding,
  kBadChunk,
  kTrailerTooLarge,
  kTruncated,
  kHttp2Preface,           // a client that speaks HTTP/2 without asking
  kBadUpgrade,             // a 101 to a protocol that was not offered, or that nobody asked for
  kUnsupportedExpectation  // Expect with anything but one "100-continue"
};
std::string_view problem_name(Problem problem);  // "bad-content-length"
// The status a server answers to such a request: 400, 414, 417, 431, 501 or 505.
uint16_t status_for(Problem problem);

struct HeadResult {
  Parse parse = Parse::kNeedMore;
  Problem problem = Problem::kNone;
  uint32_t consumed = 0;  // where kDone: bytes of the head, with empty lines skipped before it
};

// Remembers how far a head that arrives in pieces was looked at, so that the total work is linear.
// Up to two empty lines before a request line are skipped. A bad start line is refused before the
// head is complete.
class RequestParser {
 public:
  explicit RequestParser(HeadLimits limits = {}) : limits_(limits) {}
  // bytes: everything unconsumed. head is valid as long as those bytes are. After kDone it is ready
  // for the next head; after kError the connection must not be read further.
  HeadResult parse(std::string_view bytes, RequestHead& head);
  void reset() {
    scanned_ = 0;
    start_checked_ = false;
  }

 private:
  HeadLimits limits_;
  uint32_t scanned_ = 0;
  bool start_checked_ = false;
};

class ResponseParser {
 public:
  explicit ResponseParser(HeadLimits limits = {}) : limits_(limits) {}
  // request_method: decides the body (HEAD, and CONNECT with 2xx). 1xx heads are kDone with kNone.
  // A response that has no body by definition (those, 1xx, 204, 304) ends with its head, whatever
  // its fields say (RFC 9112, 6.3). Where they announce a body with a 1xx or 204, or make no sense,
  // nothing is announced, and keep_alive is false: what the server sends next may be that body.
  HeadResult parse(std::string_view bytes, std::string_view request_method, ResponseHead& head);
  void reset() {
    scanned_ = 0;
    start_checked_ = false;
  }

 private:
  HeadLimits limits_;
  uint32_t scanned_ = 0;
  bool start_checked_ = false;
};

// Bodies: one call, at most one event.
struct BodyEvent {
  enum class Kind : uint8_t {
    kNeedMore,  // consumed may be > 0 (framing bytes)
    kData,      // data is a part of the bytes shown; consumed covers it
    kEnd,       // the message is over; trailers (kChunked) are in `trailers`
    kError
  };
  Kind kind = Kind::kNeedMore;
  Problem problem = Problem::kNone;
  uint32_t consumed = 0;
  std::string_view data = {};
};

class BodyParser {
 public:
  static constexpr uint32_t kTrailerBytesMax = 8192;
  static constexpr uint32_t kChunkExcessBytesMax = 16384;

  BodyParser() = default;  // kNone: ends at once
  void start(Framing framing, uint64_t content_length);
  // Call until kNeedMore, kEnd or kError. Framing kNone and kLength 0 give kEnd at the first call,
  // also with no bytes. trailers is written at the kEnd of a chunked body only (else untouched);
  // its views are valid as long as the bytes shown are. May be null: trailers are then checked and
  // dropped. Trailers that frame, route or concern the connection (Content-Length,
  // Transfer-Encoding, Host, Connection, TE, Trailer, Upgrade, Expect and so on) are refused as
  // kBadFieldName; those that say who asks or change what the head said (X-Forwarded-For,
  // Authorization, Cookie, Content-Type and so on) are left out of `trailers`. Chunk sizes have at
  // most 15 digits, their lines at most 1 KiB of extensions; extensions that go beyond 16 bytes a
  // chunk and twice its data may sum up to kChunkExcessBytesMax.
  BodyEvent next(std::string_view bytes, Fields* trailers);
  // The peer closed: true where that ends the message properly (kUntilClose, or already ended).
  bool end_of_input() const;
  bool ended() const { return state_ == State::kEnded; }
  Framing framing() const { return framing_; }
  uint64_t remaining() const { return remaining_; }  // of the length, or of the chunk

 private:
  enum class State : uint8_t {
    kEnded,
    kLength,
    kUntilClose,
    kChunkSize,
    kChunkExtension,
    kChunkSizeLf,
    kChunkData,
    kChunkDataCr,
    kChunkDataLf,
    kTrailers,
    kFailed
  };
  BodyEvent take_data(std::string_view bytes, uint32_t at);
  BodyEvent take_trailers(std::string_view bytes, uint32_t at, Fields* trailers);
  void take_framing_byte(char c);
  void take_size_byte(char c);
  void end_size_line();
  void fail(Problem problem);

  Framing framing_ = Framing::kNone;
  State state_ = State::kEnded;
  Problem problem_ = Problem::kNone;  // where kFailed
  uint8_t digits_ = 0;
  uint16_t extension_bytes_ = 0;
  uint32_t excess_bytes_ = 0;  // of the extensions of all chunks
  uint32_t scanned_ = 0;
  uint64_t remaining_ = 0;
};

}  // namespace giliran::wire::http1
