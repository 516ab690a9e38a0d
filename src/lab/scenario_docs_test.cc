// docs/scenarios.md is what the tables of keys say, and what it shows is true.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <set>

#include "config/test_documentation.h"
#include "lab/scenario_keys.h"
#include "lab/test_scenario.h"

namespace giliran::lab {
namespace {

std::string page() {
  return config::documentation(__FILE__, "scenarios.md");
}

TEST(ScenarioDocumentation, HasTheTablesOfKeys) {
  EXPECT_EQ(config::tables_in(page(), "giliran check --scenario-keys"), scenario_key_tables())
      << "put what `giliran check --scenario-keys` prints between the marks";
}

TEST(ScenarioDocumentation, ItsExamplesAreGood) {
  const std::vector<std::string> examples = config::toml_examples(page());
  for (const std::string& example : examples) {
    const auto scenario = parse_test(example);
    EXPECT_TRUE(scenario) << scenario.error().message << "\n" << example;
  }
  EXPECT_GE(examples.size(), 3U);
}

// A file in which the example stands where the row says, with what else has to be there.
std::string file_with(const config::KeyRow& row) {
  const std::string line = fmt::format("{} = {}\n", row.name, row.example);
  if (row.section.empty()) {
    if (row.name == "scenario") return line;
    std::string rest;
    if (row.name == "telling") rest = "run = [{ name = \"one\" }]\n";
    if (row.name == "expect") rest = "";
    return "scenario = \"x\"\n" + line + rest;
  }
  if (row.section == "[[timeline]]") {
    const std::string top =
        "scenario = \"x\"\nclient = { rate = 5, duration = \"9s\" }\n[[timeline]]\n";
    const bool at = row.name == "at", rate = row.name == "rate";
    std::string text = top + line + (at ? "" : "at = \"1s\"\n");
    if (row.name == "do") return text + "server = \"server-1\"\n";
    if (rate) return text + "do = \"rate\"\n";
    if (row.name == "weight") return text + "do = \"weight\"\nserver = \"server-1\"\n";
    if (row.name == "server") return text + "do = \"kill\"\n";
    if (at) return text + "do = \"kill\"\nserver = \"server-1\"\n";
    return text + "do = \"change\"\nserver = \"server-1\"\n";
  }
  std::string text = "scenario = \"x\"\n";
  if (row.name == "message") text += "protocol = \"tcp\"\n";
  if (row.name == "fan_out") text += "servers = [{}, { name = \"leaf\", role = \"leaf\" }]\n";
  text += row.section + "\n" + line;
  if (row.name == "arrivals") text += "rate = 5\n";
  if (row.name == "role") text += "name = \"s\"\n[[servers]]\n";
  return text;
}

TEST(ScenarioDocumentation, EachKeyIsWholeAndItsExampleIsGood) {
  EXPECT_GE(scenario_rows().size(), 60U);
  std::set<std::string> seen;
  for (const config::KeyRow& row : scenario_rows()) {
    const std::string where = fmt::format("{} {}", row.section, row.name);
    EXPECT_TRUE(seen.insert(where).second) << where;
    EXPECT_FALSE(row.form.empty() || row.example.empty() || row.meaning.empty()) << where;
    EXPECT_FALSE(row.default_text.empty()) << where;
    EXPECT_NE(row.default_text, row.example) << where << ": an example that is not the default";
    const auto scenario = parse_test(file_with(row));
    EXPECT_TRUE(scenario) << scenario.error().message << "\n" << file_with(row);
    if (scenario) expect_prints_as_itself(*scenario);
  }
}

}  // namespace
}  // namespace giliran::lab
