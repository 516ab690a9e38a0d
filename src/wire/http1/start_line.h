// Request lines and status lines. Both readers take the front of bytes that may end anywhere, give
// the first problem in the order of the bytes, and give the same one when more bytes follow.
// kNone with size 0: there is more to come.
#pragma once

#include <cstddef>
#include <string_view>

#include "wire/http1/head.h"
#include "wire/http1/parser.h"

namespace giliran::wire::http1 {

constexpr size_t kMethodBytesMax = 32;

struct RequestLine {
  std::string_view method;
  std::string_view target;
  std::string_view path;
  std::string_view host;  // where the target has one
  TargetForm form = TargetForm::kOrigin;
  Version version = Version::k11;
  size_t size = 0;  // with its line end
};
Problem read_request_line(std::string_view bytes, uint32_t target_bytes_max, RequestLine& line);

struct StatusLine {
  Version version = Version::k11;
  uint16_t status = 0;
  std::string_view reason;
  size_t size = 0;
};
Problem read_status_line(std::string_view bytes, StatusLine& line);

}  // namespace giliran::wire::http1
