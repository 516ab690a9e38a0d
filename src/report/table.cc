#include "report/table.h"

#include <algorithm>
#include <sstream>

namespace giliran::report {

namespace {

void pad(std::string& line, size_t spaces) {
  line.append(spaces, ' ');
}

}  // namespace

Table::Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

void Table::add(std::vector<std::string> cells) {
  for (std::string& cell : cells) cell = printable(cell);
  cells.resize(columns_.size());
  rows_.push_back(std::move(cells));
}

std::string Table::text(size_t indent) const {
  std::vector<size_t> widths;
  for (size_t i = 0; i < columns_.size(); ++i) {
    size_t widest = width(columns_[i].title);
    for (const auto& row : rows_) widest = std::max(widest, width(row[i]));
    widths.push_back(widest);
  }
  std::string out;
  const auto line = [&](const auto& cell_of) {
    std::string row(indent, ' ');
    for (size_t i = 0; i < columns_.size(); ++i) {
      if (i != 0) pad(row, 2);
      const std::string& cell = cell_of(i);
      const size_t gap = widths[i] - width(cell);
      if (columns_[i].align == Align::kRight) pad(row, gap);
      row += cell;
      if (columns_[i].align == Align::kLeft) pad(row, gap);
    }
    row.erase(row.find_last_not_of(' ') + 1);
    out += row + '\n';
  };
  line([&](size_t i) -> const std::string& { return columns_[i].title; });
  for (const auto& row : rows_) line([&](size_t i) -> const std::string& { return row[i]; });
  return out;
}

void Table::print(std::ostream& out, size_t indent) const {
  out << text(indent);
}

std::string wrapped(std::string_view utf8, size_t indent, size_t columns) {
  std::string out;
  size_t used = indent;
  while (!utf8.empty()) {
    const std::string_view word = utf8.substr(0, utf8.find(' '));
    utf8.remove_prefix(std::min(word.size() + 1, utf8.size()));
    const size_t cells = width(word);
    if (used != indent && used + 1 + cells > columns) {
      out += '\n';
      out.append(indent, ' ');
      used = indent;
    } else if (used != indent) {
      out += ' ';
      ++used;
    }
    out += word;
    used += cells;
  }
  return out + "\n";
}

}  // namespace giliran::report
