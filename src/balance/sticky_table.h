// Which endpoint a client's token means: what stickiness by cookie looks up. Prepared once per
// snapshot, immutable, shared by all workers.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace giliran::balance {

// The token of an endpoint is a hash of its pool's and its own name (and of its number among those
// of that name, where a host has several addresses): the same after a restart, on every coordinator
// with that configuration and wherever it stands in the pool, and no address can be read from it.
// It is no secret: a client may choose a server with it.
class StickyTable {
 public:
  StickyTable() = default;
  // names[i] belongs to endpoint i.
  StickyTable(std::string_view pool, std::span<const std::string_view> names);

  std::optional<uint32_t> find(uint64_t token) const;  // logarithmic
  uint64_t token(uint32_t index) const { return tokens_[index]; }
  size_t size() const { return tokens_.size(); }

 private:
  struct Entry {
    uint64_t token;
    uint32_t index;
  };
  std::vector<uint64_t> tokens_;  // by endpoint
  std::vector<Entry> sorted_;     // by token
};

}  // namespace giliran::balance
