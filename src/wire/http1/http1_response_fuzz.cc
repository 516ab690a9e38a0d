#include <cstddef>
#include <cstdint>

#include "wire/http1/fuzz_targets.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  giliran::wire::http1::fuzz_response({reinterpret_cast<const char*>(data), size});
  return 0;
}
