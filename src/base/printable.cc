// One pass, a sequence at a time: whether a text is cut is known only when a character too many
// has come, so that the end of what would still fit before the ellipsis is remembered.
#include "base/printable.h"

#include <algorithm>

#include "base/utf8.h"

namespace giliran::base {

size_t width(std::string_view utf8) {
  return static_cast<size_t>(std::count_if(utf8.begin(), utf8.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

std::string printable(std::string_view bytes, size_t columns_max) {
  std::string out;
  out.reserve(bytes.size());
  size_t columns = 0;
  size_t fits = 0;  // bytes of `out` that leave a column for the ellipsis
  while (!bytes.empty()) {
    if (columns_max != 0 && columns == columns_max) return out.substr(0, fits) + "…";
    if (++columns == columns_max) fits = out.size();
    const size_t size = utf8_sequence(bytes);
    if (size == 0) {
      out += "\uFFFD";
    } else if (is_hidden(code_point(bytes.substr(0, size)))) {
      out += '?';
    } else {
      out += bytes.substr(0, size);
    }
    bytes.remove_prefix(std::max<size_t>(size, 1));
  }
  return out;
}

std::string printable_lines(std::string_view bytes) {
  std::string out;
  for (;;) {
    const size_t end = bytes.find('\n');
    out += printable(bytes.substr(0, end));
    if (end == std::string_view::npos) return out;
    out += '\n';
    bytes.remove_prefix(end + 1);
  }
}

}  // namespace giliran::base
