// Results as pages to look at: one document that needs nothing but a browser.
#pragma once

#include <string>
#include <string_view>

namespace giliran::web {

// A whole HTML document: script, style and `json` are in it, and it asks nobody for anything, so
// that it can be kept, mailed and opened from a disk. `json` is one valid JSON text in UTF-8; its
// "format" says how it is shown: giliran-client/2, giliran-compare/1 or giliran-lab/2. Whatever
// `title` and the texts in `json` contain is shown as text.
std::string page(std::string_view title, std::string_view json);

}  // namespace giliran::web
