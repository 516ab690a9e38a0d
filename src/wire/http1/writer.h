// Heads and chunk framing out, into memory of the caller. No allocation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "wire/http1/head.h"

namespace giliran::wire::http1 {

// Appends to a fixed span; remembers whether anything did not fit (then nothing more is written).
class Writer {
 public:
  Writer(char* begin, size_t capacity) : begin_(begin), at_(begin), end_(begin + capacity) {}

  void raw(std::string_view bytes);
  void number(uint64_t value);
  // HTTP/1.1. A target that begins with its query ("?a") gets the "/" that it stands for.
  void request_line(std::string_view method, std::string_view target);
  void status_line(uint16_t status, std::string_view reason);  // HTTP/1.1
  void field(std::string_view name, std::string_view value);
  void field(std::string_view name, uint64_t value);
  void end_of_head() { raw("\r\n"); }

  bool overflowed() const { return overflowed_; }
  size_t size() const { return static_cast<size_t>(at_ - begin_); }

 private:
  bool reserve(size_t bytes);

  char* begin_;
  char* at_;
  char* end_;
  bool overflowed_ = false;
};

std::string_view reason_phrase(uint16_t status);  // "" for unknown

// Writes "<hex>\r\n" into out (at least 18 bytes); returns its length. The data and kChunkEnd
// follow.
size_t format_chunk_size(uint64_t bytes, char* out);
constexpr std::string_view kChunkEnd = "\r\n";
constexpr std::string_view kLastChunk = "0\r\n";  // trailers and an empty line follow

// Is a field for the next hop only, whatever Connection lists (RFC 9110, 7.6.1)? Connection,
// Keep-Alive, Proxy-Connection, TE, Transfer-Encoding, Upgrade and HTTP2-Settings are, and what
// looks like a field we know (Name::kLookalike) counts as one. Trailer and
// Proxy-Authenticate/-Authorization are not: we are no proxy that a client authenticates to.
bool is_hop_by_hop(const Field& field);
// Does a Connection value list the field? Ask for every Connection field of the head.
bool connection_lists(std::string_view connection_value, std::string_view name);

}  // namespace giliran::wire::http1
