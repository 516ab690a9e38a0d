#include <cstddef>
#include <cstdint>

#include "client/fuzz_targets.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  giliran::client::fuzz_answer({reinterpret_cast<const char*>(data), size});
  return 0;
}
