// What the fields of a head say about the length of the body and the life of the connection.
#pragma once

#include <cstdint>

#include "wire/http1/head.h"
#include "wire/http1/parser.h"

namespace giliran::wire::http1 {

struct Facts {
  bool has_content_length = false;
  bool chunked = false;
  bool keep_alive = false;
  bool upgrade = false;  // Connection lists it, and there is an Upgrade field
  uint64_t content_length = 0;
};

// Refuses what two readers could read in two ways (RFC 9112, 6 and 11.2): both length and coding,
// a length that is repeated or a list (also of equal numbers), a coding in HTTP/1.0, any coding
// but one "chunked" at the end.
Problem read_facts(const Fields& fields, Version version, Facts& facts);

}  // namespace giliran::wire::http1
