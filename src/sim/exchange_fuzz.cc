#include <cstddef>
#include <cstdint>

#include "sim/exchange_fuzz_target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  giliran::sim::fuzz_exchange({reinterpret_cast<const char*>(data), size});
  return 0;
}
