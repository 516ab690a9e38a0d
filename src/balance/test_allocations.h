// What the test program allocates, counted by replacing operator new (allocations_test.cc).
#pragma once

#include <cstddef>

namespace giliran::balance {

// By the calling thread.
size_t allocations_so_far();

}  // namespace giliran::balance
