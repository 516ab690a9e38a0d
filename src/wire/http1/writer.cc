#include "wire/http1/writer.h"

#include <charconv>
#include <cstring>

#include "base/decimal.h"
#include "base/text.h"

namespace giliran::wire::http1 {

namespace {

char* put(char* at, std::string_view bytes) {
  if (!bytes.empty()) std::memcpy(at, bytes.data(), bytes.size());
  return at + bytes.size();
}

}  // namespace

bool Writer::reserve(size_t bytes) {
  if (bytes > static_cast<size_t>(end_ - at_)) overflowed_ = true;
  return !overflowed_;
}

void Writer::raw(std::string_view bytes) {
  if (reserve(bytes.size())) at_ = put(at_, bytes);
}

void Writer::number(uint64_t value) {
  char digits[base::kDecimalMax];
  raw({digits, static_cast<size_t>(base::put_decimal(digits, value) - digits)});
}

void Writer::request_line(std::string_view method, std::string_view target) {
  constexpr std::string_view kEnd = " HTTP/1.1\r\n";
  const std::string_view before = target.starts_with('?') ? " /" : " ";
  if (!reserve(method.size() + before.size() + target.size() + kEnd.size())) return;
  at_ = put(put(put(put(at_, method), before), target), kEnd);
}

void Writer::status_line(uint16_t status, std::string_view reason) {
  raw("HTTP/1.1 ");
  number(status);
  raw(" ");
  raw(reason);
  raw("\r\n");
}

void Writer::field(std::string_view name, std::string_view value) {
  if (!reserve(name.size() + 2 + value.size() + 2)) return;
  at_ = put(put(put(put(at_, name), ": "), value), "\r\n");
}

void Writer::field(std::string_view name, uint64_t value) {
  char digits[base::kDecimalMax];
  field(name, {digits, static_cast<size_t>(base::put_decimal(digits, value) - digits)});
}

size_t format_chunk_size(uint64_t bytes, char* out) {
  char* const end = std::to_chars(out, out + 16, bytes, 16).ptr;
  return static_cast<size_t>(put(end, "\r\n") - out);
}

bool is_hop_by_hop(const Field& field) {
  switch (field.id) {
    case Name::kConnection:
    case Name::kKeepAlive:
    case Name::kProxyConnection:
    case Name::kTe:
    case Name::kTransferEncoding:
    case Name::kUpgrade:
    case Name::kHttp2Settings:
    case Name::kLookalike:
      return true;
    case Name::kOther:
    case Name::kContentLength:
    case Name::kHost:
    case Name::kTrailer:
    case Name::kExpect:
    case Name::kVia:
    case Name::kForwarded:
    case Name::kXForwardedFor:
    case Name::kXForwardedProto:
    case Name::kXForwardedHost:
    case Name::kTraceparent:
    case Name::kServerTiming:
    case Name::kServer:
    case Name::kDate:
    case Name::kContentType:
    case Name::kProxyAuthenticate:
    case Name::kProxyAuthorization:
    case Name::kCookie:
    case Name::kUserAgent:
    case Name::kReferer:
      return false;
  }
  return false;
}

bool connection_lists(std::string_view connection_value, std::string_view name) {
  std::string_view option;
  while (base::next_element(connection_value, option)) {
    if (base::equals_ignoring_case(option, name)) return true;
  }
  return false;
}

}  // namespace giliran::wire::http1
