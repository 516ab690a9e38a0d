#include "wire/proxy_header/version1.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace giliran::wire::proxy_header {
namespace {

using base::Address;

constexpr size_t kPortDigitsMax = 5;
constexpr Result kBad = {.parse = Parse::kError, .problem = "bad-proxy-header"};

// One of the line's texts, ended by `delimiter`. kNeedMore: it is still coming.
struct Token {
  Parse parse = Parse::kNeedMore;
  std::string_view text = {};
};

bool is_address_byte(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == '.' ||
         c == ':';
}

Token take_token(std::string_view& rest, size_t bytes_max, char delimiter) {
  size_t size = 0;
  while (size < rest.size() && is_address_byte(rest[size])) ++size;
  if (size > bytes_max) return {.parse = Parse::kError};
  if (size == rest.size()) return {};
  if (size == 0 || rest[size] != delimiter) return {.parse = Parse::kError};
  const std::string_view text = rest.substr(0, size);
  rest.remove_prefix(size + 1);
  return {.parse = Parse::kDone, .text = text};
}

// Without leading zeros, which could be read as octal.
bool read_port(std::string_view digits, uint16_t& port) {
  if (digits.size() > 1 && digits.front() == '0') return false;
  const char* const end = digits.data() + digits.size();
  const auto [at, error] = std::from_chars(digits.data(), end, port);
  return at == end && error == std::errc();
}

// inet_pton() wants a terminated text; it refuses leading zeros in IPv4 too.
bool read_address(int family, std::string_view text, Address& out) {
  char terminated[INET6_ADDRSTRLEN] = {};
  if (text.size() >= sizeof terminated) return false;
  std::memcpy(terminated, text.data(), text.size());
  sockaddr_storage raw = {};
  raw.ss_family = static_cast<sa_family_t>(family);
  void* const bytes = family == AF_INET
                          ? static_cast<void*>(&reinterpret_cast<sockaddr_in&>(raw).sin_addr)
                          : static_cast<void*>(&reinterpret_cast<sockaddr_in6&>(raw).sin6_addr);
  if (inet_pton(family, terminated, bytes) != 1) return false;
  out = Address::from_sockaddr(reinterpret_cast<const sockaddr*>(&raw), sizeof raw);
  return true;
}

Result done(std::string_view bytes, std::string_view rest) {
  const auto consumed = static_cast<uint32_t>(bytes.size() - rest.size());
  if (consumed > kV1BytesMax) return kBad;
  return {.parse = Parse::kDone, .consumed = consumed};
}

// Behind "PROXY UNKNOWN" anything may stand up to the line end, to be ignored; control bytes and
// bytes that are no ASCII are not what a sender of the specification writes.
Result parse_unknown(std::string_view bytes, std::string_view rest) {
  if (rest.empty()) return {};
  if (rest.front() != ' ' && rest.front() != '\r') return kBad;
  size_t size = 0;
  while (size < rest.size() && rest[size] >= 0x20 && rest[size] < 0x7f) ++size;
  const size_t before = bytes.size() - rest.size();
  if (before + size + 2 > kV1BytesMax) return kBad;
  if (size == rest.size()) return {};
  if (rest[size] != '\r') return kBad;
  if (size + 1 == rest.size()) return {};
  if (rest[size + 1] != '\n') return kBad;
  return done(bytes, rest.substr(size + 2));
}

Result parse_addresses(int family, std::string_view bytes, std::string_view rest, Header& out) {
  const size_t address_bytes_max = family == AF_INET ? INET_ADDRSTRLEN - 1 : INET6_ADDRSTRLEN - 1;
  Address addresses[2];
  for (Address& address : addresses) {
    const Token token = take_token(rest, address_bytes_max, ' ');
    if (token.parse == Parse::kNeedMore) return {};
    if (token.parse == Parse::kError || !read_address(family, token.text, address)) return kBad;
  }
  for (int i = 0; i < 2; ++i) {
    const Token token = take_token(rest, kPortDigitsMax, i == 0 ? ' ' : '\r');
    if (token.parse == Parse::kNeedMore) return {};
    uint16_t port = 0;
    if (token.parse == Parse::kError || !read_port(token.text, port)) return kBad;
    addresses[i] = addresses[i].with_port(port);
  }
  if (rest.empty()) return {};
  if (rest.front() != '\n') return kBad;
  const Result result = done(bytes, rest.substr(1));
  if (result.parse == Parse::kDone) {
    out.source = addresses[0];
    out.destination = addresses[1];
  }
  return result;
}

// Takes `word` off the front: kNeedMore where the bytes end within it.
Parse take_word(std::string_view& rest, std::string_view word) {
  const size_t seen = std::min(rest.size(), word.size());
  if (rest.substr(0, seen) != word.substr(0, seen)) return Parse::kError;
  if (seen < word.size()) return Parse::kNeedMore;
  rest.remove_prefix(word.size());
  return Parse::kDone;
}

// The address alone: a scope ("%2") has no place in the header.
std::string bare_text(const Address& address) {
  sockaddr_storage raw;
  address.to_sockaddr(raw);
  const void* const bytes =
      address.family() == AF_INET
          ? static_cast<const void*>(&reinterpret_cast<const sockaddr_in&>(raw).sin_addr)
          : static_cast<const void*>(&reinterpret_cast<const sockaddr_in6&>(raw).sin6_addr);
  char text[INET6_ADDRSTRLEN] = {};
  inet_ntop(address.family(), bytes, text, sizeof text);
  return text;
}

Result parse_line(std::string_view bytes, Header& out) {
  if (bytes.size() < kV1Signature.size()) return {};
  struct Kind {
    std::string_view word;
    int family;
  };
  bool need_more = false;
  for (const Kind& kind :
       {Kind{"UNKNOWN", AF_UNSPEC}, Kind{"TCP4 ", AF_INET}, Kind{"TCP6 ", AF_INET6}}) {
    std::string_view rest = bytes.substr(kV1Signature.size());
    const Parse word = take_word(rest, kind.word);
    need_more = need_more || word == Parse::kNeedMore;
    if (word != Parse::kDone) continue;
    if (kind.family == AF_UNSPEC) return parse_unknown(bytes, rest);
    return parse_addresses(kind.family, bytes, rest, out);
  }
  return need_more ? Result{} : kBad;
}

}  // namespace

Result parse_v1(std::string_view bytes, Header& out) {
  out.version = Version::kV1;
  const Result result = parse_line(bytes, out);
  return result.parse == Parse::kNeedMore && bytes.size() >= kV1BytesMax ? kBad : result;
}

void append_v1(const Address& source, const Address& destination, std::string& out) {
  const int family = source.family();
  if (family != destination.family() || (family != AF_INET && family != AF_INET6)) {
    out += "PROXY UNKNOWN\r\n";
    return;
  }
  fmt::format_to(std::back_inserter(out), "PROXY {} {} {} {} {}\r\n",
                 family == AF_INET ? "TCP4" : "TCP6", bare_text(source), bare_text(destination),
                 source.port(), destination.port());
}

}  // namespace giliran::wire::proxy_header
