// A file of its own, so that the compiler does not see through to malloc where new is called.
#include <cstdlib>
#include <new>

#include "proxy/test_allocations.h"

namespace {
thread_local size_t allocations = 0;
}

// The thread sanitizer has an operator new that cannot be replaced; nothing is counted under it.
#if defined(__SANITIZE_THREAD__)
#define GILIRAN_COUNTS_NEW 0
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define GILIRAN_COUNTS_NEW 0
#endif
#endif
#ifndef GILIRAN_COUNTS_NEW
#define GILIRAN_COUNTS_NEW 1
#endif

#if GILIRAN_COUNTS_NEW
void* operator new(size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, size_t) noexcept {
  std::free(memory);
}
#endif

namespace giliran::proxy {

bool allocations_are_counted() {
  return GILIRAN_COUNTS_NEW != 0;
}

size_t allocations_so_far() {
  return allocations;
}

}  // namespace giliran::proxy
