#include "client/address_turns.h"

#include "base/assert.h"

namespace giliran::client {

AddressTurns::AddressTurns(std::span<const base::Address> addresses, size_t start)
    : addresses_(addresses), turn_(start) {
  GILIRAN_ASSERT(!addresses.empty());
  go_to_family_at(0);
}

uint32_t AddressTurns::next() {
  return static_cast<uint32_t>(begin_ + turn_++ % (end_ - begin_));
}

void AddressTurns::connected(uint32_t address) {
  if (in_family(address)) reached_ = true;
}

void AddressTurns::failed(uint32_t address) {
  if (reached_ || !in_family(address)) return;
  if (++failures_ >= end_ - begin_) go_to_family_at(end_ == addresses_.size() ? 0 : end_);
}

void AddressTurns::go_to_family_at(size_t begin) {
  begin_ = begin;
  end_ = begin + 1;
  const auto family = addresses_[begin].family();
  while (end_ < addresses_.size() && addresses_[end_].family() == family) ++end_;
  failures_ = 0;
}

}  // namespace giliran::client
