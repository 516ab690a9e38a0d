// SipHash-2-4 (Aumasson and Bernstein, 2012): a hash whose collisions cannot be made by who does
// not know its key.
#pragma once

#include <bit>
#include <cstdint>
#include <string_view>

namespace giliran::proxy {

struct HashKey {
  uint64_t low = 0;
  uint64_t high = 0;
};

class SipHash {
 public:
  explicit constexpr SipHash(HashKey key)
      : v0_(key.low ^ 0x736f6d6570736575ULL),
        v1_(key.high ^ 0x646f72616e646f6dULL),
        v2_(key.low ^ 0x6c7967656e657261ULL),
        v3_(key.high ^ 0x7465646279746573ULL) {}

  static constexpr uint64_t of(HashKey key, std::string_view bytes) {
    SipHash hash(key);
    const auto length = static_cast<uint64_t>(bytes.size());
    for (; bytes.size() >= 8; bytes.remove_prefix(8)) hash.add(word(bytes, 8));
    return hash.finish((length << 56) | word(bytes, bytes.size()));
  }
  // As of() the eight bytes of each, least significant first.
  static constexpr uint64_t of(HashKey key, uint64_t a, uint64_t b) {
    SipHash hash(key);
    hash.add(a);
    hash.add(b);
    return hash.finish(uint64_t{16} << 56);
  }

 private:
  static constexpr uint64_t word(std::string_view bytes, size_t count) {
    uint64_t value = 0;
    for (size_t i = 0; i < count; ++i) {
      value |= static_cast<uint64_t>(static_cast<unsigned char>(bytes[i])) << (8 * i);
    }
    return value;
  }
  constexpr void add(uint64_t word) {
    v3_ ^= word;
    round();
    round();
    v0_ ^= word;
  }
  constexpr uint64_t finish(uint64_t last) {
    add(last);
    v2_ ^= 0xff;
    for (int i = 0; i < 4; ++i) round();
    return v0_ ^ v1_ ^ v2_ ^ v3_;
  }
  constexpr void round() {
    v0_ += v1_;
    v1_ = std::rotl(v1_, 13) ^ v0_;
    v0_ = std::rotl(v0_, 32);
    v2_ += v3_;
    v3_ = std::rotl(v3_, 16) ^ v2_;
    v0_ += v3_;
    v3_ = std::rotl(v3_, 21) ^ v0_;
    v2_ += v1_;
    v1_ = std::rotl(v1_, 17) ^ v2_;
    v2_ = std::rotl(v2_, 32);
  }

  uint64_t v0_, v1_, v2_, v3_;
};

}  // namespace giliran::proxy
