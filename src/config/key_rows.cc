#include "config/key_rows.h"

#include <fmt/format.h>

#include "config/keys.h"

namespace giliran::config {
namespace {

// TOML of a default, as it is shown.
std::string default_of(std::string_view absent, std::string written) {
  return absent.empty() ? std::move(written) : std::string(absent);
}

template <typename T>
void add(std::vector<KeyRow>& rows, std::string_view section, std::span<const Key<T>> keys) {
  const T defaults{};
  for (const Key<T>& key : keys) {
    if (key.write_tables) continue;  // sections have rows of their own
    std::string written = key.absent.empty() && key.write ? key.write(defaults) : std::string();
    rows.push_back({.section = std::string(section),
                    .name = key.name,
                    .form = key.form,
                    .default_text = default_of(key.absent, std::move(written)),
                    .example = key.example,
                    .meaning = key.meaning});
  }
}

std::vector<KeyRow> all_rows() {
  std::vector<KeyRow> rows;
  add(rows, "", top_keys());
  add(rows, "[log]", log_keys());
  add(rows, "[timeouts]", timeout_keys());
  add(rows, "[limits]", limit_keys());
  rows.push_back({.section = "[answers]",
                  .name = "400 ... 599",
                  .form = "answer",
                  .default_text = "one line that says what happened",
                  .example = "{ file = \"503.html\", content_type = \"text/html\" }",
                  .meaning = "the body of our own errors of this status: `answer` below, without "
                             "its status"});
  add(rows, "[[listener]]", listener_keys());
  add(rows, "[[listener.route]]", route_keys());
  add(rows, "redirect", redirect_keys());
  add(rows, "answer", route_answer_keys());
  add(rows, "request_headers", header_changes_keys());
  add(rows, "[[pool]]", pool_keys());
  add(rows, "servers", server_keys());
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
  std::string out;
  const std::string* section = nullptr;
  for (const KeyRow& row : key_rows()) {
    if (section == nullptr || *section != row.section) {
      out += fmt::format("{}### {}\n\n", section == nullptr ? "" : "\n", heading(row.section));
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
