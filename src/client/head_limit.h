// How long the heads of requests may be. Looked at before the start: a head is sent from one block.
#pragma once

#include <cstddef>

#include "base/error.h"
#include "client/target.h"
#include "conn/head_out.h"

namespace giliran::client {

constexpr size_t kHeadBytesMax = conn::kHeadBytesMax;

// What a head takes at most beside its method and its path: the fields with their placeholders
// filled in, traceparent, framing.
size_t head_bytes_beside(const Target& target);

// An error names head_bytes_max where a request of the target can have a longer head.
base::Result<void> check_head(const Target& target);

}  // namespace giliran::client
