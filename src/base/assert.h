// A check of our own logic. Bugs assert, also in release builds; the world returns errors instead.
#pragma once

namespace giliran::base {

// Prints where and what to standard error, then aborts.
[[noreturn]] void assertion_failed(const char* expression, const char* file, int line);

}  // namespace giliran::base

#define GILIRAN_ASSERT(expression) \
  ((expression) ? (void)0 : ::giliran::base::assertion_failed(#expression, __FILE__, __LINE__))
