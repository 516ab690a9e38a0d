// Aligned text tables for people: what summaries and reports are printed with. UTF-8, no control
// characters whatever the cells hold.
#pragma once

#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "base/printable.h"

namespace giliran::report {

enum class Align : unsigned char { kLeft, kRight };

struct Column {
  std::string title;
  Align align = Align::kRight;
};

// Rows are padded to the widest cell of each column (columns of code points; wide characters are
// not accounted for). A row with fewer cells than columns is filled with empty ones.
class Table {
 public:
  explicit Table(std::vector<Column> columns);
  void add(std::vector<std::string> cells);
  bool empty() const { return rows_.empty(); }
  size_t rows() const { return rows_.size(); }
  // Title line, then the rows; each line after `indent` spaces, without spaces at its end.
  void print(std::ostream& out, size_t indent = 2) const;
  std::string text(size_t indent = 2) const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

using base::printable;
using base::width;

// Words in lines of at most `columns`, each line after `indent` spaces, but for the first, which
// the caller has begun at `indent`. Ends with a line end.
std::string wrapped(std::string_view utf8, size_t indent, size_t columns = 80);

}  // namespace giliran::report
