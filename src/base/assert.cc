#include "base/assert.h"

#include <cstdio>
#include <cstdlib>

namespace giliran::base {

void assertion_failed(const char* expression, const char* file, int line) {
  std::fprintf(stderr, "giliran: bug: %s does not hold (%s:%d); please report this line\n",
               expression, file, line);
  std::abort();
}

}  // namespace giliran::base
