// The URL a client asks: http://HOST[:PORT][/PATH][?QUERY] or tcp://HOST:PORT.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "config/scheme.h"

namespace giliran::config {

struct Url {
  Scheme scheme = Scheme::kHttp;
  std::string host_port;  // what net resolves; always with a port (80 for http without one)
  std::string host;  // what the Host header says: as written, without the scheme's own port; empty
                     // for tcp
  std::string target;  // origin form, "/path?query", at least "/"; empty for tcp

  // The URL again, for plans and logs.
  std::string text() const;
};

// A fragment ("#...") is left out, as it is never sent. An error quotes the text and says what is
// wrong with it.
base::Result<Url> parse_url(std::string_view text);

// Whether `text` reads as a URL whose scheme was left out: HOST:PORT, or a host with a dot,
// brackets or the name localhost, then perhaps a path. A word alone does not.
bool lacks_scheme(std::string_view text);

}  // namespace giliran::config
