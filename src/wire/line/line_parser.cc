#include "wire/line/line_parser.h"

namespace giliran::wire::line {

LineResult LineParser::next(std::string_view bytes) {
  const std::string_view window = bytes.substr(0, size_t{line_bytes_max_} + 1);
  const size_t end = window.find('\n', scanned_);
  if (end == std::string_view::npos) {
    scanned_ = static_cast<uint32_t>(window.size());
    const bool too_long = window.size() > line_bytes_max_;
    return {.kind = too_long ? LineResult::Kind::kTooLong : LineResult::Kind::kNeedMore};
  }
  scanned_ = 0;
  std::string_view line = window.substr(0, end);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return {
      .kind = LineResult::Kind::kLine, .consumed = static_cast<uint32_t>(end) + 1, .line = line};
}

}  // namespace giliran::wire::line
