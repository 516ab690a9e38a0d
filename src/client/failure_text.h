// Names of system errors for records.
#pragma once

#include <cstring>
#include <string_view>

namespace giliran::client {

// "ECONNRESET"; "" for 0 and for an unknown number.
inline std::string_view errno_name(int error) {
  const char* name = error == 0 ? nullptr : ::strerrorname_np(error);
  return name == nullptr ? std::string_view() : std::string_view(name);
}

}  // namespace giliran::client
