// Messages of tcp:// clients and servers: lines that end with '\n' (a '\r' before it is dropped).
#pragma once

#include <cstdint>
#include <string_view>

namespace giliran::wire::line {

struct LineResult {
  enum class Kind : uint8_t { kLine, kNeedMore, kTooLong };
  Kind kind = Kind::kNeedMore;
  uint32_t consumed = 0;       // where kLine: with the line end
  std::string_view line = {};  // without it
};

// line_bytes_max counts a '\r' but not the '\n'. After kTooLong the connection must not be read on.
// Same contract as the HTTP parsers: unconsumed bytes are shown again with more behind them.
class LineParser {
 public:
  explicit LineParser(uint32_t line_bytes_max = 16384) : line_bytes_max_(line_bytes_max) {}
  LineResult next(std::string_view bytes);

 private:
  uint32_t line_bytes_max_;
  uint32_t scanned_ = 0;
};

}  // namespace giliran::wire::line
