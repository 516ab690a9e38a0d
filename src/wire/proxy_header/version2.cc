#include "wire/proxy_header/version2.h"

#include <algorithm>
#include <cstring>

namespace giliran::wire::proxy_header {
namespace {

using base::Address;

constexpr size_t kHeadBytes = 16;
constexpr size_t kCommandAt = 12;
constexpr size_t kFamilyAt = 13;
constexpr size_t kLengthAt = 14;
constexpr size_t kUnixPathBytes = 108;

constexpr uint8_t kLocal = 0x20;
constexpr uint8_t kProxy = 0x21;

constexpr uint8_t kTypeCrc32c = 0x03;
constexpr size_t kTlvHeadBytes = 3;
constexpr size_t kCrc32cBytes = 4;

constexpr Result kBad = {.parse = Parse::kError, .problem = "bad-proxy-header"};
constexpr Result kTooLarge = {.parse = Parse::kError, .problem = "proxy-header-too-large"};

uint8_t byte_at(std::string_view bytes, size_t at) {
  return static_cast<uint8_t>(bytes[at]);
}

size_t two_bytes_at(std::string_view bytes, size_t at) {
  return static_cast<size_t>(byte_at(bytes, at) << 8 | byte_at(bytes, at + 1));
}

// The low half: 1 stream, 2 datagram (a gateway from UDP tells its client's address too).
bool is_family(uint8_t value) {
  const int family = value >> 4;
  const int transport = value & 0x0f;
  if (family == 0) return transport == 0;
  return family <= 3 && (transport == 1 || transport == 2);
}

int family_of(uint8_t value) {
  constexpr int kFamilies[] = {AF_UNSPEC, AF_INET, AF_INET6, AF_UNIX};
  return kFamilies[value >> 4];
}

size_t address_bytes(int family) {
  switch (family) {
    case AF_INET:
      return 4 + 4 + 2 + 2;
    case AF_INET6:
      return 16 + 16 + 2 + 2;
    case AF_UNIX:
      return 2 * kUnixPathBytes;
    default:
      return 0;
  }
}

// Castagnoli, RFC 3720 appendix B; bit by bit, because few senders use it and a header is short.
uint32_t crc32c(std::string_view bytes, uint32_t crc) {
  for (const char c : bytes) {
    crc ^= static_cast<uint8_t>(c);
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78U : 0U);
  }
  return crc;
}

// The checksum covers the whole header, with its own four bytes as zeros.
bool crc_fits(std::string_view header, size_t value_at) {
  uint32_t crc = crc32c(header.substr(0, value_at), ~uint32_t{0});
  crc = crc32c(std::string_view("\0\0\0\0", kCrc32cBytes), crc);
  crc = ~crc32c(header.substr(value_at + kCrc32cBytes), crc);
  uint32_t said = 0;
  for (size_t i = 0; i < kCrc32cBytes; ++i) said = said << 8 | byte_at(header, value_at + i);
  return said == crc;
}

// TLVs fill the header from `at` to its end.
bool tlvs_fit(std::string_view header, size_t at) {
  while (at != header.size()) {
    if (header.size() - at < kTlvHeadBytes) return false;
    const size_t value_at = at + kTlvHeadBytes;
    const size_t size = two_bytes_at(header, at + 1);
    if (header.size() - value_at < size) return false;
    if (byte_at(header, at) == kTypeCrc32c) {
      if (size != kCrc32cBytes || !crc_fits(header, value_at)) return false;
    }
    at = value_at + size;
  }
  return true;
}

Address ip_address(int family, std::string_view host, std::string_view port) {
  sockaddr_storage raw = {};
  raw.ss_family = static_cast<sa_family_t>(family);
  if (family == AF_INET) {
    auto& v4 = reinterpret_cast<sockaddr_in&>(raw);
    std::memcpy(&v4.sin_addr, host.data(), host.size());
    std::memcpy(&v4.sin_port, port.data(), port.size());
  } else {
    auto& v6 = reinterpret_cast<sockaddr_in6&>(raw);
    std::memcpy(&v6.sin6_addr, host.data(), host.size());
    std::memcpy(&v6.sin6_port, port.data(), port.size());
  }
  return Address::from_sockaddr(reinterpret_cast<const sockaddr*>(&raw), sizeof raw);
}

// A path up to its zero byte; an abstract name (a zero byte first) without the zeros behind it; no
// name at all. It will stand in logs and header fields: control bytes are refused.
bool unix_address(std::string_view field, Address& out) {
  const bool abstract = field.front() == '\0';
  std::string_view name = abstract ? field.substr(1) : field;
  if (abstract) {
    name = name.substr(0, name.find_last_not_of('\0') + 1);
  } else {
    name = name.substr(0, name.find('\0'));
    if (name.starts_with('@')) return false;  // an Address would take it for an abstract name
  }
  constexpr size_t kNameBytesMax = kUnixPathBytes - 1;  // what an Address holds
  if (name.size() > kNameBytesMax - (abstract ? 1 : 0)) return false;
  const auto is_control = [](char c) { return static_cast<uint8_t>(c) < 0x20 || c == 0x7f; };
  if (std::ranges::any_of(name, is_control)) return false;
  sockaddr_un raw = {};
  raw.sun_family = AF_UNIX;
  std::memcpy(raw.sun_path + (abstract ? 1 : 0), name.data(), name.size());
  const size_t size = name.empty() ? 0 : name.size() + 1;
  out = Address::from_sockaddr(reinterpret_cast<const sockaddr*>(&raw),
                               static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + size));
  return true;
}

bool read_addresses(int family, std::string_view block, Header& out) {
  if (family == AF_UNIX) {
    return unix_address(block.substr(0, kUnixPathBytes), out.source) &&
           unix_address(block.substr(kUnixPathBytes, kUnixPathBytes), out.destination);
  }
  const size_t host_bytes = family == AF_INET ? 4 : 16;
  const std::string_view ports = block.substr(2 * host_bytes);
  out.source = ip_address(family, block.substr(0, host_bytes), ports.substr(0, 2));
  out.destination = ip_address(family, block.substr(host_bytes, host_bytes), ports.substr(2, 2));
  return true;
}

// What the bytes of the fixed part that are there already rule out.
bool head_is_bad(std::string_view bytes) {
  if (bytes.size() <= kCommandAt) return false;
  const uint8_t command = byte_at(bytes, kCommandAt);
  if (command == kLocal) return false;  // the family is not looked at (specification, 2.2)
  if (command != kProxy) return true;
  return bytes.size() > kFamilyAt && !is_family(byte_at(bytes, kFamilyAt));
}

void append_port(uint16_t port, std::string& out) {
  out += static_cast<char>(port >> 8);
  out += static_cast<char>(port & 0xff);
}

// Host bytes of an IP address, or 108 bytes of a Unix path.
void append_host(const Address& address, std::string& out) {
  sockaddr_storage raw;
  address.to_sockaddr(raw);
  const auto append_bytes = [&](const void* bytes, size_t size) {
    out.append(static_cast<const char*>(bytes), size);
  };
  if (address.family() == AF_INET) {
    append_bytes(&reinterpret_cast<const sockaddr_in&>(raw).sin_addr, 4);
  } else if (address.family() == AF_INET6) {
    append_bytes(&reinterpret_cast<const sockaddr_in6&>(raw).sin6_addr, 16);
  } else {
    append_bytes(reinterpret_cast<const sockaddr_un&>(raw).sun_path, kUnixPathBytes);
  }
}

}  // namespace

Result parse_v2(std::string_view bytes, Header& out) {
  out.version = Version::kV2;
  if (head_is_bad(bytes)) return kBad;
  if (bytes.size() < kHeadBytes) return {};
  const bool local = byte_at(bytes, kCommandAt) == kLocal;
  const int family = local ? AF_UNSPEC : family_of(byte_at(bytes, kFamilyAt));
  const size_t length = two_bytes_at(bytes, kLengthAt);
  if (length < address_bytes(family)) return kBad;
  if (kHeadBytes + length > kBytesMax) return kTooLarge;
  if (bytes.size() < kHeadBytes + length) return {};

  const std::string_view header = bytes.substr(0, kHeadBytes + length);
  if (family != AF_UNSPEC) {
    if (!tlvs_fit(header, kHeadBytes + address_bytes(family))) return kBad;
    Header read{.version = Version::kV2, .source = {}, .destination = {}};
    if (!read_addresses(family, header.substr(kHeadBytes), read)) return kBad;
    out = read;
  }
  return {.parse = Parse::kDone, .consumed = static_cast<uint32_t>(header.size())};
}

void append_v2(const Address& source, const Address& destination, std::string& out) {
  const int family = source.family();
  const bool same = family == destination.family() && !source.none();
  out += kV2Signature;
  out += static_cast<char>(same ? kProxy : kLocal);
  constexpr char kStream = 1;
  const int family_number = family == AF_INET ? 1 : family == AF_INET6 ? 2 : 3;
  out += static_cast<char>(same ? family_number << 4 | kStream : 0);
  append_port(static_cast<uint16_t>(same ? address_bytes(family) : 0), out);  // the length
  if (!same) return;
  append_host(source, out);
  append_host(destination, out);
  if (family == AF_UNIX) return;
  append_port(source.port(), out);
  append_port(destination.port(), out);
}

}  // namespace giliran::wire::proxy_header
