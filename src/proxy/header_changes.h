// A route's changes to the header fields of what is passed on.
#pragma once

#include <span>

#include "config/coordinator.h"
#include "proxy/forward.h"

namespace giliran::proxy {

// Applies them in their order. A set field stands where the first of its name stood, else at the
// end. Names ignore case. The values stay where the configuration has them: it must live until the
// fields are written. At most config::kHeaderChangesMax changes; fields that frame a message or
// belong to one hop are left alone (may_change).
void apply_changes(std::span<const config::HeaderChange> changes, FieldList& fields);

// Takes out of trailers what the changes would have removed or replaced in the head: who merges
// them into it would undo the changes. Nothing is set or added there.
void apply_to_trailers(std::span<const config::HeaderChange> changes, FieldList& trailers);

// Whether a change of that field is possible: not of Content-Length, Transfer-Encoding, Trailer,
// Connection, Keep-Alive, Proxy-Connection, TE, Upgrade and HTTP2-Settings.
bool may_change(std::string_view name);

}  // namespace giliran::proxy
