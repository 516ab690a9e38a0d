// The documentation is what the tables of keys say, and what it shows is true.
#include "config/key_rows.h"

#include <fmt/format.h>

#include <set>

#include "config/test_config.h"
#include "config/test_documentation.h"

namespace giliran::config {
namespace {

std::string page() {
  return documentation(__FILE__, "configuration.md");
}

// Any file that a configuration names is there.
base::Result<Coordinator> parse_any(const std::string& text, std::vector<std::string>& warnings) {
  return parse_coordinator(
      text, "t.toml",
      {.check = {.policies = kTestPolicies, .later_pool = {}},
       .read_file = [](const std::string&, size_t) -> base::Result<std::string> { return "page"; },
       .warnings = &warnings});
}

std::string problem_of(const std::string& text) {
  std::vector<std::string> warnings;
  const auto config = parse_any(text, warnings);
  if (!config) return config.error().message;
  return warnings.empty() ? "" : warnings.front();
}

TEST(Documentation, HasTheTablesOfKeys) {
  EXPECT_EQ(tables_in(page(), "giliran check --keys"), key_tables())
      << "put what `giliran check --keys` prints between the marks of docs/configuration.md";
}

TEST(Documentation, ItsExamplesAreGood) {
  const std::vector<std::string> examples = toml_examples(page());
  for (const std::string& example : examples) EXPECT_EQ(problem_of(example), "") << example;
  EXPECT_EQ(examples.size(), 2U);
}

// Without this beside it, a key has no effect, and a warning says so.
std::string needed_by(std::string_view name) {
  if (name == "queue_max" || name == "queue_timeout") return "in_flight_max = 5\n";
  return name == "request_burst" ? "request_rate_max = 5\n" : "";
}

// A file in which the example stands where the row says, with what else has to be there.
std::string file_with(const KeyRow& row) {
  const std::string line = fmt::format("{} = {}\n{}", row.name, row.example, needed_by(row.name));
  const auto unless = [&](std::string_view name, std::string_view text) {
    return row.name == name ? std::string() : fmt::format("{} = {}\n", name, text);
  };
  const auto listener = [](const std::string& keys) {
    return "[[pool]]\nname = \"app\"\nservers = \"a:1\"\n[[listener]]\n" + keys;
  };
  const auto route = [&](const std::string& keys) {
    return listener("address = \":1\"\npool = \"app\"\n[[listener.route]]\n" + keys);
  };
  if (row.section.empty()) return line;
  if (row.section == "[answers]") return fmt::format("[answers]\n503 = {}\n", row.example);
  if (row.section == "[[listener]]") {
    return listener(line + unless("address", "\":1\"") + unless("pool", "\"app\""));
  }
  if (row.section == "[[listener.route]]") {
    const bool acts = row.name == "pool" || row.name == "redirect" || row.name == "answer";
    return route(line + (acts ? "" : "pool = \"app\"\n"));
  }
  if (row.section == "redirect") {
    return route("[listener.route.redirect]\n" + line + unless("to", "\"/x\""));
  }
  if (row.section == "answer") return route("[listener.route.answer]\n" + line);
  if (row.section == "request_headers") {
    return route("pool = \"app\"\n[listener.route.request_headers]\n" + line);
  }
  const std::string pool = "[[listener]]\naddress = \":1\"\npool = \"app\"\n[[pool]]\n";
  if (row.section == "[[pool]]") {
    return pool + line + unless("name", "\"app\"") + unless("servers", "\"a:1\"");
  }
  if (row.section == "servers") {
    return pool + "name = \"app\"\n[[pool.servers]]\n" + line + unless("address", "\"a:1\"");
  }
  return fmt::format("{}\n{}", row.section, line);
}

TEST(KeyRows, EachIsWholeAndItsExampleIsGood) {
  EXPECT_GE(key_rows().size(), 70U);
  std::set<std::string> seen;
  for (const KeyRow& row : key_rows()) {
    const std::string where = fmt::format("{} {}", row.section, row.name);
    EXPECT_TRUE(seen.insert(where).second) << where;
    EXPECT_FALSE(row.form.empty() || row.example.empty() || row.meaning.empty()) << where;
    EXPECT_FALSE(row.default_text.empty()) << where;
    EXPECT_NE(row.default_text, row.example) << where << ": an example that is not the default";
    EXPECT_EQ(problem_of(file_with(row)), "") << where << "\n" << file_with(row);
  }
}

}  // namespace
}  // namespace giliran::config
