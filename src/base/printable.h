// Text that others wrote (a log, the wire) as a person may be shown it on a terminal.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace giliran::base {

// Columns a valid UTF-8 text takes: its code points (wide characters are not accounted for).
size_t width(std::string_view utf8);

// Any bytes as one line of UTF-8 that moves no cursor and turns no text round: what is_hidden()
// (utf8.h), line ends and tabs among it, is '?', each byte that is not UTF-8 is U+FFFD. Cut to
// `columns_max` with an ellipsis (0: not cut).
std::string printable(std::string_view bytes, size_t columns_max = 0);

// The same for a text of several lines: its line ends stay.
std::string printable_lines(std::string_view bytes);

}  // namespace giliran::base
