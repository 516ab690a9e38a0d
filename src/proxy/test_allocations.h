// What the test program allocates, counted by replacing operator new (allocations_test.cc).
#pragma once

#include <cstddef>

namespace giliran::proxy {

// Not under the thread sanitizer, whose operator new cannot be replaced.
bool allocations_are_counted();

// By the calling thread.
size_t allocations_so_far();

}  // namespace giliran::proxy
