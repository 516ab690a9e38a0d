#include <cstddef>
#include <cstdint>

#include "wire/proxy_header/fuzz_target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  giliran::wire::proxy_header::fuzz_proxy_header({reinterpret_cast<const char*>(data), size});
  return 0;
}
