// Which address the next connection goes to, where a name has several. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/address.h"

namespace giliran::client {

// The addresses of a family take turns, so that connections are spread evenly over them. Another
// family is another way to the same machines, and often one without a server ("localhost" is
// 127.0.0.1 and ::1): it is gone to only where nothing of the first could ever be connected.
class AddressTurns {
 public:
  // addresses: at least one, those of a family side by side. start: where to begin, such as the
  // number of the thread. Borrows the addresses.
  AddressTurns(std::span<const base::Address> addresses, size_t start);

  // The number, among all addresses, of the one for a new connection.
  uint32_t next();
  // What became of a connection to that address.
  void connected(uint32_t address);
  void failed(uint32_t address);

 private:
  void go_to_family_at(size_t begin);
  bool in_family(uint32_t address) const { return address >= begin_ && address < end_; }

  std::span<const base::Address> addresses_;
  size_t begin_ = 0;  // of the family in use
  size_t end_ = 0;
  size_t turn_ = 0;
  size_t failures_ = 0;   // of the family in use, before any success
  bool reached_ = false;  // it has been connected to
};

}  // namespace giliran::client
