#include "base/network.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "base/parse.h"

namespace giliran::base {
namespace {

constexpr std::string_view kForms = "expected 10.0.0.0/8, 192.0.2.1, fd00::/8 or unix";
constexpr std::array<uint8_t, 12> kMappedPrefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr uint32_t kMappedBits = 96;

std::unexpected<Error> refuse(std::string_view text, std::string_view why) {
  return fail(fmt::format("'{}': {}", text, why));
}

struct Bytes {
  int family = 0;
  std::array<uint8_t, 16> bytes{};
  uint32_t bits() const { return family == AF_INET ? 32 : 128; }
};

bool is_mapped(const std::array<uint8_t, 16>& bytes) {
  return std::ranges::equal(kMappedPrefix, std::span(bytes).first(kMappedPrefix.size()));
}

std::array<uint8_t, 16> unmapped(const std::array<uint8_t, 16>& bytes) {
  std::array<uint8_t, 16> out{};
  std::copy_n(bytes.begin() + kMappedPrefix.size(), 4, out.begin());
  return out;
}

// Family 0 where the text is no numeric address.
Bytes read_bytes(std::string_view text) {
  Bytes out;
  char terminated[INET6_ADDRSTRLEN] = {};
  if (text.size() >= sizeof terminated) return out;
  if (text.find('\0') != std::string_view::npos) return out;
  std::memcpy(terminated, text.data(), text.size());
  const int family = text.find(':') == std::string_view::npos ? AF_INET : AF_INET6;
  if (inet_pton(family, terminated, out.bytes.data()) == 1) out.family = family;
  return out;
}

Bytes bytes_of(const Address& address) {
  Bytes out;
  sockaddr_storage raw;
  address.to_sockaddr(raw);
  out.family = raw.ss_family;
  if (raw.ss_family == AF_INET) {
    std::memcpy(out.bytes.data(), &reinterpret_cast<const sockaddr_in&>(raw).sin_addr, 4);
  } else if (raw.ss_family == AF_INET6) {
    std::memcpy(out.bytes.data(), &reinterpret_cast<const sockaddr_in6&>(raw).sin6_addr, 16);
  }
  return out;
}

bool same_front(const std::array<uint8_t, 16>& a, const std::array<uint8_t, 16>& b, uint32_t bits) {
  const uint32_t whole = bits / 8;
  if (!std::equal(a.begin(), a.begin() + whole, b.begin())) return false;
  if (bits % 8 == 0) return true;
  const auto mask = static_cast<uint8_t>(0xff << (8 - bits % 8));
  return ((a[whole] ^ b[whole]) & mask) == 0;
}

std::array<uint8_t, 16> front_of(const std::array<uint8_t, 16>& bytes, uint32_t bits) {
  std::array<uint8_t, 16> out{};
  for (uint32_t i = 0; i < bits; ++i) {
    out[i / 8] = static_cast<uint8_t>(out[i / 8] | (bytes[i / 8] & (0x80 >> i % 8)));
  }
  return out;
}

std::string address_text(int family, const std::array<uint8_t, 16>& bytes) {
  char text[INET6_ADDRSTRLEN] = {};
  inet_ntop(family, bytes.data(), text, sizeof text);
  return text;
}

}  // namespace

Result<Network> Network::parse(std::string_view text) {
  Network network;
  if (text == "unix") {
    network.family_ = AF_UNIX;
    return network;
  }
  const size_t slash = text.find('/');
  const Bytes read = read_bytes(text.substr(0, slash));
  if (read.family == 0) return refuse(text, fmt::format("no network, {}", kForms));
  network.family_ = read.family;
  network.prefix_ = read.bits();
  network.bytes_ = read.bytes;
  if (slash == std::string_view::npos) return network;

  const std::string_view digits = text.substr(slash + 1);
  const auto prefix = parse_uint(digits, read.bits());
  if (!prefix || (digits.size() > 1 && digits.front() == '0')) {
    return refuse(text, fmt::format("the prefix '{}' is no number up to {}", digits, read.bits()));
  }
  network.prefix_ = static_cast<uint32_t>(*prefix);
  const auto front = front_of(read.bytes, network.prefix_);
  if (front != read.bytes) {
    return refuse(text, fmt::format("bits are set behind the prefix, did you mean {}/{}?",
                                    address_text(read.family, front), network.prefix_));
  }
  return network;
}

bool Network::contains(const Address& address) const {
  const Bytes peer = bytes_of(address);
  if (family_ == AF_UNIX) return peer.family == AF_UNIX;
  if (peer.family == family_) {
    if (same_front(peer.bytes, bytes_, prefix_)) return true;
  }
  if (family_ == AF_INET && peer.family == AF_INET6 && is_mapped(peer.bytes)) {
    return same_front(unmapped(peer.bytes), bytes_, prefix_);
  }
  // The other way round: a network that was itself written as ::ffff:10.0.0.0/104.
  if (family_ == AF_INET6 && peer.family == AF_INET && prefix_ >= kMappedBits &&
      is_mapped(bytes_)) {
    return same_front(peer.bytes, unmapped(bytes_), prefix_ - kMappedBits);
  }
  return false;
}

std::string Network::text() const {
  if (family_ == AF_UNIX) return "unix";
  if (family_ == 0) return "-";
  const std::string address = address_text(family_, bytes_);
  const bool alone = prefix_ == (family_ == AF_INET ? 32 : 128);
  return alone ? address : fmt::format("{}/{}", address, prefix_);
}

}  // namespace giliran::base
