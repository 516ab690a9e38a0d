// Errors are values: what went wrong, on whose side, and whether trying again is safe.
#pragma once

#include <expected>
#include <string>
#include <utility>

namespace giliran::base {

enum class Side : unsigned char { kInternal, kDownstream, kUpstream };

// Whether an attempt that ended with this error may be tried on another endpoint.
enum class Retry : unsigned char {
  kNever,     // it may have been executed
  kIfReused,  // safe only where the connection was an idle one that the peer had given up
  kAlways     // nothing was sent
};

struct Error {
  std::string message;  // one line, for a person: what happened and how to mend it
  int code = 0;         // errno, or 0
  Side side = Side::kInternal;
  Retry retry = Retry::kNever;
};

template <typename T>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> fail(std::string message, int code = 0) {
  return std::unexpected(Error{.message = std::move(message), .code = code});
}

}  // namespace giliran::base

// Returns the error of a Result<void> from the enclosing function.
#define GILIRAN_TRY_VOID(expression)                                               \
  do {                                                                             \
    auto giliran_try_outcome = (expression);                                       \
    if (!giliran_try_outcome) return std::unexpected(giliran_try_outcome.error()); \
  } while (false)

// The value of a Result, or return its error from the enclosing function.
#define GILIRAN_TRY(expression)                                                  \
  __extension__({                                                                \
    auto giliran_try_result = (expression);                                      \
    if (!giliran_try_result) return std::unexpected(giliran_try_result.error()); \
    std::move(*giliran_try_result);                                              \
  })
