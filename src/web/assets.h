// What web/ was built to (cmake/web.cmake): generated, linked into the program.
#pragma once

#include <string_view>

namespace giliran::web {

extern const std::string_view kPageScript;        // contains no "</script"
extern const std::string_view kPageScriptSha256;  // base64, as a Content-Security-Policy wants it
extern const std::string_view kPageStyle;         // contains no "</style"

}  // namespace giliran::web
