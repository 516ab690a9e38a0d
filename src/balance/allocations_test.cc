// A file of its own, so that the compiler does not see through to malloc where new is called.
#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <new>

#include "balance/test_allocations.h"

namespace {
thread_local size_t allocations = 0;
}

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

namespace giliran::balance {

size_t allocations_so_far() {
  return allocations;
}

namespace {

TEST(Allocations, AreCounted) {
  const size_t before = allocations_so_far();
  void* memory = ::operator new(8);
  ::operator delete(memory);
  EXPECT_EQ(allocations_so_far(), before + 1);
}

}  // namespace
}  // namespace giliran::balance
