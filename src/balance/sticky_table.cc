#include "balance/sticky_table.h"

#include <algorithm>
#include <map>

namespace giliran::balance {
namespace {

// FNV-1a (Fowler, Noll, Vo), and the finalizer of splitmix64 behind it. Part of what clients keep:
// never change it.
class Hash {
 public:
  void add(std::string_view bytes) {
    for (const char c : bytes) {
      value_ = (value_ ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
    }
    value_ = (value_ ^ 0xff) * 0x100000001b3ULL;  // an end that is in no name
  }
  uint64_t finish(uint64_t number) const {
    uint64_t z = value_ + number * 0x9e3779b97f4a7c15ULL;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }

 private:
  uint64_t value_ = 0xcbf29ce484222325ULL;
};

}  // namespace

StickyTable::StickyTable(std::string_view pool, std::span<const std::string_view> names) {
  std::map<std::string_view, uint64_t> seen;
  for (const std::string_view name : names) {
    Hash hash;
    hash.add(pool);
    hash.add(name);
    const uint64_t token = hash.finish(seen[name]++);
    sorted_.push_back({.token = token, .index = static_cast<uint32_t>(tokens_.size())});
    tokens_.push_back(token);
  }
  std::ranges::sort(sorted_, {}, &Entry::token);
}

std::optional<uint32_t> StickyTable::find(uint64_t token) const {
  const auto at = std::ranges::lower_bound(sorted_, token, {}, &Entry::token);
  if (at == sorted_.end() || at->token != token) return std::nullopt;
  return at->index;
}

}  // namespace giliran::balance
