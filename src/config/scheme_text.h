// The scheme in front of an address.
#pragma once

#include <optional>
#include <string_view>

#include "base/error.h"
#include "config/scheme.h"

namespace giliran::config {

// Takes "http://" or "tcp://" (any case) off the front of `text`; absent where there is no "://".
// An error names a scheme that is not one of ours.
base::Result<std::optional<Scheme>> take_scheme(std::string_view& text);

}  // namespace giliran::config
