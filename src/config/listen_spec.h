// --listen [http://|tcp://]HOST:PORT: where to accept, and what is spoken there.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "config/scheme.h"

namespace giliran::config {

struct ListenSpec {
  Scheme scheme = Scheme::kHttp;
  // As written, without the scheme. HOST may be empty or "*" (every IPv4 address), PORT 0 (any
  // free one); "unix:/path" too, and "fd@3": a listening socket that was inherited as descriptor 3.
  std::string host_port;

  // "tcp://127.0.0.1:80"
  std::string text() const;
  bool operator==(const ListenSpec&) const = default;
};

// An error quotes the text and says what is wrong with it.
base::Result<ListenSpec> parse_listen_spec(std::string_view text);

}  // namespace giliran::config
