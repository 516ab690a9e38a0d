#include "sim/content.h"

#include <cstring>

namespace giliran::sim {
namespace {

uint64_t word_at(uint64_t id, uint64_t index) {
  uint64_t z = id * 0x9e3779b97f4a7c15ULL + index * 0xd1342543de82ef95ULL;
  z = (z ^ (z >> 32)) * 0xbf58476d1ce4e5b9ULL;
  return z ^ (z >> 29);
}

}  // namespace

void append_content(std::string& out, uint64_t id, uint64_t from, uint64_t size) {
  uint64_t at = from;
  const uint64_t end = from + size;
  while (at < end) {
    char bytes[8];
    const uint64_t word = word_at(id, at / 8);
    std::memcpy(bytes, &word, sizeof bytes);
    const uint64_t begin = at % 8;
    const uint64_t n = std::min<uint64_t>(8 - begin, end - at);
    out.append(bytes + begin, n);
    at += n;
  }
}

bool is_content(std::string_view bytes, uint64_t id, uint64_t from) {
  std::string wanted;
  wanted.reserve(bytes.size());
  append_content(wanted, id, from, bytes.size());
  return wanted == bytes;
}

}  // namespace giliran::sim
