#include "config/key_rows.h"

#include <fmt/format.h>

#include "config/keys.h"

namespace giliran::config {
namespace {

std::vector<KeyRow> all_rows() {
  std::vector<KeyRow> rows;
  add_rows(rows, "", top_keys());
  add_rows(rows, "[log]", log_keys());
  add_rows(rows, "[timeouts]", timeout_keys());
  add_rows(rows, "[limits]", limit_keys());
  rows.push_back({.section = "[answers]",
                  .name = "400 ... 599",
                  .form = "answer",
                  .default_text = "one line that says what happened",
                  .example = "{ file = \"503.html\", content_type = \"text/html\" }",
                  .meaning = "the body of our own errors of this status: `answer` below, without "
                             "its status"});
  add_rows(rows, "[[listener]]", listener_keys());
  add_rows(rows, "[[listener.route]]", route_keys());
  add_rows(rows, "redirect", redirect_keys());
  add_rows(rows, "answer", route_answer_keys());
  add_rows(rows, "request_headers", header_changes_keys());
  add_rows(rows, "[[pool]]", pool_keys());
  add_rows(rows, "servers", server_keys());
  return rows;
}

std::string heading(const std::string& section) {
  if (section.empty()) return "The top of the file";
  if (section == "request_headers") return "`request_headers` and `response_headers` of a route";
  if (section == "redirect" || section == "answer") return fmt::format("`{}` of a route", section);
  if (section == "servers") return "`servers` of a pool, as tables";
  return fmt::format("`{}`", section);
}

bool is_toml(const KeyRow& row) {
  const std::string& text = row.default_text;
  return text.starts_with('"') || text.starts_with('[') || text == "true" || text == "false" ||
         (!text.empty() && text.front() >= '0' && text.front() <= '9');
}

std::string code(std::string_view text) {
  return text.empty() ? std::string() : fmt::format("`{}`", text);
}

}  // namespace

const std::vector<KeyRow>& key_rows() {
  static const std::vector<KeyRow> rows = all_rows();
  return rows;
}

std::string key_tables() {
  return key_tables(key_rows(), heading);
}

std::string key_tables(std::span<const KeyRow> rows,
                       const std::function<std::string(const std::string& section)>& heading_of) {
  std::string out;
  const std::string* section = nullptr;
  for (const KeyRow& row : rows) {
    if (section == nullptr || *section != row.section) {
      out += fmt::format("{}### {}\n\n", section == nullptr ? "" : "\n", heading_of(row.section));
      out += "| key | value | default | example | meaning |\n|---|---|---|---|---|\n";
    }
    section = &row.section;
    out += fmt::format("| `{}` | {} | {} | {} | {} |\n", row.name, row.form,
                       is_toml(row) ? code(row.default_text) : row.default_text, code(row.example),
                       row.meaning);
  }
  return out;
}

}  // namespace giliran::config
